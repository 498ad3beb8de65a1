/** The base of modules: the pending forward pass, and passes that keep their own state. */

import { ArgumentError, EngineError } from '../core/errors.ts';
import type { Procedure, Uses } from '../engine/call.ts';
import { performForeign } from '../engine/call.ts';
import { runProcedure, runProcedureSync } from '../engine/procedures.ts';
import { storagesOf } from '../functional/arguments.ts';
import type { TensorArgument } from '../functional/operands.ts';
import { zeros } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import type { Frozen } from './frozen.ts';
import { freezeAll } from './frozen.ts';
import { ParameterTree } from './parameter_tree.ts';
import { Pass } from './pass.ts';
import type { BackwardOptions, ForwardOptions, ForwardResult, Vjp, Wanted } from './pass_types.ts';
import { checkWanted } from './pass_types.ts';
import { isAlive, runBackward, runBackwardSync, runForward, runForwardSync } from './run_passes.ts';
import type { Saved } from './saved.ts';
import { NOTHING_SAVED } from './saved.ts';
import { warmUp, warmUpSync } from './warm_up.ts';

/**
 * Base of all modules. A module of your own holds parameters (tensors) and modules in fields, which registers them,
 * and overrides `forward` and `backward` (and their Sync twins where they are used). Await those: when the calls that
 * they make take their places in the order of calls is up to them.
 */
export class Module extends ParameterTree {
  #pending: Pass | null = null;
  /** Settles when the Promise forward that was called last has: whether it was successful. */
  #forwardSettled: Promise<boolean> | null = null;
  /** Promise calls that have not settled. */
  #inFlight = 0;
  /** Pending calls of `prepare` that call forward of this module: they keep nothing. */
  #trials = 0;

  /**
   * The output for `input`. In training mode keeps what `backward` needs; this replaces what an earlier one kept.
   * @throws the errors of the operation; in evaluation and training mode alike.
   */
  async forward(input: TensorArgument, options: ForwardOptions = {}): Promise<Tensor> {
    if (this.#runsAtOnce)
      return this.#keep(runForwardSync(this, this.#operation('forward'), input, options, this.training));
    const kept = runForward(this, this.#operation('forward'), input, options, this.training).then((result) =>
      this.#keep(result),
    );
    const settled = kept.then(
      () => true,
      () => false,
    );
    if (!IN_WORKERD) this.#forwardSettled = settled; // there nothing waits for what another request has begun
    try {
      return await kept;
    } finally {
      if (this.#forwardSettled === settled) this.#forwardSettled = null;
    }
  }

  /** As `forward`, at once. */
  forwardSync(input: TensorArgument, options: ForwardOptions = {}): Tensor {
    return this.#keep(runForwardSync(this, this.#operation('forwardSync'), input, options, this.training));
  }

  /**
   * Adds to the gradients of the parameters and returns the gradient of the input of the pending forward pass, which
   * is over with that. One that fails or is aborted leaves it pending, and the gradients as they were, unless a module of
   * your own takes part: what that has done is not undone.
   * @throws {EngineError} ERR_NO_FORWARD without a pending forward; ERR_MODIFIED when a tensor it needs was changed.
   */
  backward(gradOutput: TensorArgument, options?: BackwardOptions & { gradInput?: true }): Promise<Tensor>;
  backward(gradOutput: TensorArgument, options: BackwardOptions): Promise<Tensor | null>;
  async backward(gradOutput: TensorArgument, options: BackwardOptions = {}): Promise<Tensor | null> {
    const wanted = this.#checkBackward('backward', options);
    if (this.#runsAtOnce) return this.#backwardAtOnce('backward', gradOutput, wanted, options.signal);
    const forward = this.#forwardSettled;
    if (forward === null) this.#pendingPass('backward'); // an error now rather than in its turn
    return runBackward(this, this.#operation('backward'), gradOutput, wanted, options.signal, async (run) => {
      if (forward !== null && !(await forward)) throw this.#noForward('backward', 'its forward failed');
      const pass = this.#pendingPass('backward');
      const gradInput = await run(pass);
      if (this.#pending === pass) this.#pending = null;
      return gradInput;
    });
  }

  /** As `backward`, at once. */
  backwardSync(gradOutput: TensorArgument, options?: BackwardOptions & { gradInput?: true }): Tensor;
  backwardSync(gradOutput: TensorArgument, options: BackwardOptions): Tensor | null;
  backwardSync(gradOutput: TensorArgument, options: BackwardOptions = {}): Tensor | null {
    const wanted = this.#checkBackward('backwardSync', options);
    return this.#backwardAtOnce('backwardSync', gradOutput, wanted, options.signal);
  }

  /** A forward pass beside the pending one, in either mode: a module may take part many times before backward. */
  async vjp(input: TensorArgument, options: ForwardOptions = {}): Promise<Vjp> {
    this.checkThawed('vjp');
    if (this.#runsAtOnce) return this.#vjpOf(runForwardSync(this, this.#operation('vjp'), input, options, true));
    return this.#vjpOf(await runForward(this, this.#operation('vjp'), input, options, true));
  }

  /** As `vjp`, at once. */
  vjpSync(input: TensorArgument, options: ForwardOptions = {}): Vjp {
    this.checkThawed('vjpSync');
    return this.#vjpOf(runForwardSync(this, this.#operation('vjpSync'), input, options, true));
  }

  /**
   * Plans and packs for an input shape, and runs the module on zeros until the runtime has optimised its kernels.
   * `freeze` keeps the packed weights of prepared shapes. Leaves a pending forward alone. While it is pending, modules
   * below a module of your own keep nothing for backward.
   * @throws the errors of `forward` for that shape
   */
  async prepare(inputShape: readonly number[]): Promise<void> {
    const operation = this.#operation('prepare');
    this.checkAlive(operation);
    const { dtype, engine } = this.home();
    const input = zeros(inputShape, { dtype, engine });
    const modules = this.everyModule();
    // modules of the user's call forward, in training mode too
    const called = modules.filter(({ hasOwnPasses }) => hasOwnPasses).flatMap((module) => module.everyModule());
    for (const module of modules) module.preparing++;
    for (const module of called) module.#trials++;
    this.#inFlight++;
    try {
      const trial = (): Procedure<ForwardResult> => this.forwardSteps(operation, input, {}, false);
      if (this.#runsAtOnce) {
        warmUpSync(() => runProcedureSync(operation, trial()).output.dispose());
        return;
      }
      await warmUp(async () => {
        const uses: Uses = { reads: storagesOf(this.operands().filter(isAlive)), writes: [] };
        const { output } = await runProcedure(trial(), uses);
        output.dispose();
      });
    } finally {
      for (const module of modules) module.preparing--;
      for (const module of called) module.#trials--;
      input.dispose();
      this.#landed();
    }
  }

  /**
   * Packs all weights for good and frees the raw ones: forward goes on for every size, with less memory. Parameters,
   * their state and training are gone, ERR_FROZEN. Layouts: one for every size, and those of prepared shapes.
   * @throws {ArgumentError} in training mode
   */
  freeze(): this {
    const operation = this.#operation('freeze');
    this.checkAlive(operation);
    const modules = this.everyModule();
    if (modules.some(({ training }) => training)) {
      throw new ArgumentError(operation, 'training', 'a module in evaluation (call eval() before)', 'training');
    }
    freezeAll(modules.map((module) => () => (module.frozen ? null : module.packOwn(operation))));
    return this;
  }

  /** Pending calls of `prepare`: forward notes the shapes that it sees. */
  protected preparing = 0;

  /** Packs the weights of this module alone; null when it has none. */
  protected packOwn(_operation: string): Frozen | null {
    return null;
  }

  /** This module and all below, each once. */
  protected everyModule(): Module[] {
    const found = new Set<Module>([this]);
    for (const [, child] of this.namedChildren()) {
      if (child instanceof Module) for (const module of child.everyModule()) found.add(module);
    }
    return [...found];
  }

  override train(mode: boolean = true): this {
    super.train(mode);
    if (!mode) this.#replacePending(null);
    return this;
  }

  /** Frees parameters, gradients, children and what forward kept, once pending calls have settled. Idempotent. */
  override dispose(): void {
    this.#replacePending(null);
    if (this.#inFlight === 0) super.dispose();
    else this.markDisposed();
  }

  /**
   * For functions of this package that compute with this module: nothing of it is freed until the returned function is
   * called, once.
   * @throws {EngineError} ERR_DISPOSED
   * @internal
   */
  borrow(operation: string): () => void {
    this.checkAlive(operation);
    this.#inFlight++;
    return () => this.#landed();
  }

  /** Options of `forward` that this module takes. @internal */
  get forwardOptions(): readonly string[] {
    return ['signal', 'out'];
  }

  /**
   * Whether a subclass defines a pass of its own: containers call its methods then, in place of the steps below.
   * @internal
   */
  get hasOwnPasses(): boolean {
    const base = Module.prototype;
    return this.forwardSteps === base.forwardSteps || PASSES.some((method) => this[method] !== base[method]);
  }

  /** For containers: the forward pass of a module they hold. @internal */
  enterForward(operation: string, input: Tensor, options: ForwardOptions, save: boolean): Procedure<ForwardResult> {
    return this.hasOwnPasses
      ? Module.prototype.forwardSteps.call(this, operation, input, options, save)
      : this.forwardSteps(operation, input, options, save);
  }

  /** For containers: the backward pass of a module they hold. @internal */
  enterBackward(operation: string, saved: Saved, gradOutput: Tensor, wanted: Wanted): Procedure<Tensor | null> {
    return this.hasOwnPasses
      ? Module.prototype.backwardSteps.call(this, operation, saved, gradOutput, wanted)
      : this.backwardSteps(operation, saved, gradOutput, wanted);
  }

  /**
   * For modules and containers of this package: the forward pass as a procedure.
   * @param save whether to keep what `backwardSteps` needs
   * @internal
   */
  *forwardSteps(_operation: string, input: Tensor, options: ForwardOptions, save: boolean): Procedure<ForwardResult> {
    const output = yield* performForeign(
      () => {
        this.#checkOverridden('forward');
        return this.forward(input, options);
      },
      () => {
        this.#checkOverridden('forwardSync');
        return this.forwardSync(input, options);
      },
    );
    return { output, saved: save ? NOTHING_SAVED : null };
  }

  /**
   * For modules and containers of this package: the backward pass as a procedure. It does not dispose `saved`.
   * @returns the gradient of the input, or null when it is not wanted
   * @internal
   */
  *backwardSteps(_operation: string, _saved: Saved, gradOutput: Tensor, wanted: Wanted): Procedure<Tensor | null> {
    return yield* performForeign<Tensor | null>(
      () => {
        this.#checkOverridden('backward');
        return this.backward(gradOutput, wanted);
      },
      () => {
        this.#checkOverridden('backwardSync');
        return this.backwardSync(gradOutput, wanted);
      },
    );
  }

  /** The methods of this class run the steps, which a module of the user's does not have. */
  #checkOverridden(method: (typeof PASSES)[number]): void {
    if (this[method] === Module.prototype[method] && this.forwardSteps === Module.prototype.forwardSteps) {
      throw new TypeError(`${this.typeName}: ${method} is not defined; a module of your own overrides it`);
    }
  }

  #backwardAtOnce(
    method: string,
    gradOutput: TensorArgument,
    wanted: Wanted,
    signal: AbortSignal | undefined,
  ): Tensor | null {
    const pass = this.#pendingPass(method);
    const gradInput = runBackwardSync(this, this.#operation(method), pass, gradOutput, wanted, signal);
    if (this.#pending === pass) this.#pending = null;
    return gradInput;
  }

  /** Modules of the user's take part: how they run is up to them. @internal */
  get hasForeign(): boolean {
    return this.everyModule().some((module) => module !== this && module.hasOwnPasses);
  }

  /** In Workers a Promise method is its Sync twin, unless there is something to wait for. */
  get #runsAtOnce(): boolean {
    return IN_WORKERD && this.forwardSteps !== Module.prototype.forwardSteps && !this.hasForeign;
  }

  #checkBackward(method: string, options: BackwardOptions): Wanted {
    const operation = this.#operation(method);
    this.checkAlive(operation);
    return checkWanted(operation, options);
  }

  /** A Promise call has settled; what was disposed meanwhile goes with the last one. */
  #landed(): void {
    this.#inFlight--;
    if (this.#inFlight === 0 && this.disposed) super.dispose();
  }

  #operation(method: string): string {
    return `${this.typeName}.${method}`;
  }

  #keep({ output, saved }: ForwardResult): Tensor {
    if (saved === null) return output;
    if (this.training && !this.disposed && this.#trials === 0) this.#replacePending(new Pass(saved));
    else saved.dispose(); // eval() or dispose() came in between
    return output;
  }

  #pendingPass(method: string): Pass {
    if (this.#pending !== null) return this.#pending;
    throw this.#noForward(method, 'no pending forward; call forward in training mode first');
  }

  #noForward(method: string, reason: string): EngineError {
    return new EngineError('ERR_NO_FORWARD', `${this.#operation(method)}: ${reason}`);
  }

  #replacePending(pass: Pass | null): void {
    this.#pending?.dispose();
    this.#pending = pass;
  }

  #vjpOf({ output, saved }: ForwardResult): Vjp {
    const pass = new Pass(saved ?? NOTHING_SAVED);
    const backward = async (argument: TensorArgument, options: BackwardOptions = {}): Promise<Tensor | null> => {
      const wanted = this.#checkBackward('vjp.backward', options);
      if (this.#runsAtOnce)
        return runBackwardSync(this, this.#operation('vjp.backward'), pass, argument, wanted, options.signal);
      return runBackward(this, this.#operation('vjp.backward'), argument, wanted, options.signal, (run) => run(pass));
    };
    const backwardSync = (argument: TensorArgument, options: BackwardOptions = {}): Tensor | null => {
      const wanted = this.#checkBackward('vjp.backwardSync', options);
      return runBackwardSync(this, this.#operation('vjp.backwardSync'), pass, argument, wanted, options.signal);
    };
    return { output, backward, backwardSync, dispose: () => pass.dispose() } as Vjp;
  }
}

/** What a module of the user's overrides. */
const PASSES = ['forward', 'forwardSync', 'backward', 'backwardSync'] as const;
