/** The base of modules: the pending forward pass, and passes that keep their own state. */

import { EngineError } from '../core/errors.ts';
import { checkBoolean, checkOptions } from '../core/validate.ts';
import { storagesOf } from '../functional/arguments.ts';
import { Tensor } from '../tensor/tensor.ts';
import { ParameterTree } from './parameter_tree.ts';
import type { Procedure, Uses } from '../engine/call.ts';
import { performForeign } from '../engine/call.ts';
import { runProcedure, runProcedureSync } from '../engine/procedures.ts';
import type { Saved } from './saved.ts';
import { NOTHING_SAVED } from './saved.ts';

export interface ForwardOptions {
  /** Of transposed convolutions: spatial sizes or the full shape of the output. */
  outputSize?: readonly number[];
  signal?: AbortSignal;
  /** Where to write the output. */
  out?: Tensor;
}

export interface BackwardOptions {
  /** Whether to compute the gradient of the input; default true. */
  gradInput?: boolean;
  /** Whether to add to the gradients of the parameters; default true. */
  gradParameters?: boolean;
  signal?: AbortSignal;
}

/** What `forwardSteps` gives: the output, and what the backward pass needs (null when it was not asked for). */
export interface ForwardResult {
  readonly output: Tensor;
  readonly saved: Saved | null;
}

/** Backward options, checked. */
export interface Wanted {
  readonly gradInput: boolean;
  readonly gradParameters: boolean;
}

/** One pass through a module that keeps its own state; its backward runs once. */
export interface Vjp {
  readonly output: Tensor;
  backward(gradOutput: Tensor, options?: BackwardOptions & { gradInput?: true }): Promise<Tensor>;
  backward(gradOutput: Tensor, options: BackwardOptions): Promise<Tensor | null>;
  backwardSync(gradOutput: Tensor, options?: BackwardOptions & { gradInput?: true }): Tensor;
  backwardSync(gradOutput: Tensor, options: BackwardOptions): Tensor | null;
  /** Frees what was kept for backward, not the output. Idempotent. */
  dispose(): void;
}

/**
 * Base of all modules. A module of your own holds parameters (tensors) and modules in fields, which registers them,
 * and overrides `forward` and `backward` (and their Sync twins where they are used).
 */
export class Module extends ParameterTree {
  #pending: Saved | null = null;
  /** Settles when the Promise forward that was called last has, successful or not. */
  #forwardSettled: Promise<void> | null = null;

  /**
   * The output for `input`. In training mode keeps what `backward` needs; this replaces what an earlier one kept.
   * @throws the errors of the operation; in evaluation and training mode alike.
   */
  async forward(input: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    const running = this.#runForward('forward', input, options, this.training);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#forwardSettled = settled;
    try {
      return this.#keep(await running);
    } finally {
      if (this.#forwardSettled === settled) this.#forwardSettled = null;
    }
  }

  /** As `forward`, at once. */
  forwardSync(input: Tensor, options: ForwardOptions = {}): Tensor {
    return this.#keep(runProcedureSync(this.#checkedForward('forwardSync', input, options, this.training)));
  }

  /**
   * Adds to the gradients of the parameters and returns the gradient of the input of the pending forward pass, which
   * is over with that. A backward that fails leaves it pending.
   * @throws {EngineError} ERR_NO_FORWARD without a pending forward; ERR_MODIFIED when a tensor it needs was changed.
   */
  backward(gradOutput: Tensor, options?: BackwardOptions & { gradInput?: true }): Promise<Tensor>;
  backward(gradOutput: Tensor, options: BackwardOptions): Promise<Tensor | null>;
  async backward(gradOutput: Tensor, options: BackwardOptions = {}): Promise<Tensor | null> {
    const wanted = this.#checkBackward('backward', options);
    while (this.#forwardSettled !== null) await this.#forwardSettled;
    const saved = this.#takePending('backward');
    const gradInput = await runProcedure(
      this.#finishedBackward('backward', saved, gradOutput, wanted),
      this.#backwardUses(gradOutput, wanted),
      options.signal,
    );
    this.#release(saved);
    return gradInput;
  }

  /** As `backward`, at once. */
  backwardSync(gradOutput: Tensor, options?: BackwardOptions & { gradInput?: true }): Tensor;
  backwardSync(gradOutput: Tensor, options: BackwardOptions): Tensor | null;
  backwardSync(gradOutput: Tensor, options: BackwardOptions = {}): Tensor | null {
    const wanted = this.#checkBackward('backwardSync', options);
    const saved = this.#takePending('backwardSync');
    const gradInput = runProcedureSync(this.#finishedBackward('backwardSync', saved, gradOutput, wanted));
    this.#release(saved);
    return gradInput;
  }

  /** A forward pass beside the pending one, in either mode: a module may take part many times before backward. */
  async vjp(input: Tensor, options: ForwardOptions = {}): Promise<Vjp> {
    return this.#vjpOf(await this.#runForward('vjp', input, options, true));
  }

  /** As `vjp`, at once. */
  vjpSync(input: Tensor, options: ForwardOptions = {}): Vjp {
    return this.#vjpOf(runProcedureSync(this.#checkedForward('vjpSync', input, options, true)));
  }

  override train(mode: boolean = true): this {
    super.train(mode);
    if (!mode) this.#replacePending(null);
    return this;
  }

  override dispose(): void {
    this.#replacePending(null);
    super.dispose();
  }

  /** Options of `forward` that this module takes. */
  protected get forwardOptions(): readonly string[] {
    return ['signal', 'out'];
  }

  /**
   * For modules and containers of this package: the forward pass as a procedure.
   * @param save whether to keep what `backwardSteps` needs
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
  #checkOverridden(method: 'forward' | 'forwardSync' | 'backward' | 'backwardSync'): void {
    if (this[method] === Module.prototype[method]) {
      throw new TypeError(`${this.typeName}: ${method} is not defined; a module of your own overrides it`);
    }
  }

  /** The caller may change neither the input nor a parameter before the promise has settled. */
  #runForward(method: string, input: Tensor, options: ForwardOptions, save: boolean): Promise<ForwardResult> {
    const reads = storagesOf([input, ...this.parameters()].filter((tensor) => tensor instanceof Tensor));
    const writes = options?.out instanceof Tensor ? [options.out.storage] : [];
    return runProcedure(this.#checkedForward(method, input, options, save), { reads, writes }, options?.signal);
  }

  #backwardUses(gradOutput: Tensor, { gradParameters = true }: BackwardOptions): Uses {
    const parameters = this.parameters();
    const reads = storagesOf([gradOutput, ...parameters].filter((tensor) => tensor instanceof Tensor));
    return { reads, writes: gradParameters ? storagesOf(parameters.map(({ grad }) => grad)) : [] };
  }

  *#checkedForward(method: string, input: Tensor, options: ForwardOptions, save: boolean): Procedure<ForwardResult> {
    const operation = `${this.typeName}.${method}`;
    this.checkAlive(operation);
    checkOptions(operation, options, this.forwardOptions);
    return yield* this.forwardSteps(operation, input, options, save);
  }

  *#finishedBackward(method: string, saved: Saved, gradOutput: Tensor, wanted: Wanted): Procedure<Tensor | null> {
    return yield* this.backwardSteps(`${this.typeName}.${method}`, saved, gradOutput, wanted);
  }

  #checkBackward(method: string, options: BackwardOptions): Wanted {
    const operation = `${this.typeName}.${method}`;
    this.checkAlive(operation);
    checkOptions(operation, options, ['gradInput', 'gradParameters', 'signal']);
    return {
      gradInput: checkBoolean(operation, 'gradInput', options.gradInput ?? true),
      gradParameters: checkBoolean(operation, 'gradParameters', options.gradParameters ?? true),
    };
  }

  #keep({ output, saved }: ForwardResult): Tensor {
    if (this.training && !this.disposed) this.#replacePending(saved ?? this.#pending);
    else saved?.dispose(); // eval() or dispose() came in between
    return output;
  }

  #takePending(method: string): Saved {
    if (this.#pending === null) {
      throw new EngineError(
        'ERR_NO_FORWARD',
        `${this.typeName}.${method}: no pending forward; call forward in training mode first`,
      );
    }
    return this.#pending;
  }

  #replacePending(saved: Saved | null): void {
    if (saved !== this.#pending) this.#pending?.dispose();
    this.#pending = saved;
  }

  /** After a completed backward; a new forward may have replaced the pending one meanwhile. */
  #release(saved: Saved): void {
    if (this.#pending === saved) this.#pending = null;
    saved.dispose();
  }

  #vjpOf({ output, saved }: ForwardResult): Vjp {
    let kept = saved;
    const begin = (method: string, gradOutput: Tensor, options: BackwardOptions): Procedure<Tensor | null> => {
      const wanted = this.#checkBackward(method, options);
      if (kept === null) {
        throw new EngineError('ERR_NO_FORWARD', `${this.typeName}.${method}: this pass is over or disposed`);
      }
      return this.#finishedBackward(method, kept, gradOutput, wanted);
    };
    const dispose = (): void => {
      kept?.dispose();
      kept = null;
    };
    const backward = async (gradOutput: Tensor, options: BackwardOptions = {}): Promise<Tensor | null> => {
      const gradInput = await runProcedure(
        begin('vjp.backward', gradOutput, options),
        this.#backwardUses(gradOutput, options),
        options.signal,
      );
      dispose();
      return gradInput;
    };
    const backwardSync = (gradOutput: Tensor, options: BackwardOptions = {}): Tensor | null => {
      const gradInput = runProcedureSync(begin('vjp.backwardSync', gradOutput, options));
      dispose();
      return gradInput;
    };
    return { output, backward, backwardSync, dispose } as Vjp;
  }
}
