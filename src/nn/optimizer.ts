/** What optimisers share: groups of parameters, state per parameter, one pass over each parameter per step. */

import { DisposableBase } from '../core/disposable.ts';
import { ArgumentError, EngineError } from '../core/errors.ts';
import { checkNumber, checkOptions, checkSignal, describe } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Storage } from '../engine/storage.ts';
import { checkTensor } from '../functional/arguments.ts';
import { checkTensorLike } from '../functional/tensor_arguments.ts';
import type { Stage } from '../plan/stage.ts';
import { zeros } from '../tensor/create.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkPlaced, clearGradient } from './gradients.ts';

/** Parameters with options of their own; what a group leaves out comes from the optimiser's options. */
export type GroupInput<Options> = { readonly params: Iterable<Tensor> } & Partial<Options>;

export type ParamGroup<Options> = Required<Options> & { readonly params: readonly Tensor[] };

/** State of one parameter. */
export interface ParameterState {
  /** Steps taken. */
  step: number;
  readonly tensors: Record<string, Tensor>;
}

export interface OptimizerStateDict<Options> {
  /** By position of the parameter, counted through all groups; tensors are the optimiser's own, not copies. */
  readonly state: Readonly<Record<string, Readonly<Record<string, Tensor | number>>>>;
  readonly paramGroups: readonly (Required<Options> & { readonly params: readonly number[] })[];
}

/** One pass of an optimiser over a parameter. */
export interface Pass {
  readonly stage: Stage;
  readonly pointers: Readonly<Record<string, number>>;
}

export abstract class Optimizer<Options extends object> extends DisposableBase {
  /** Options of each group may be changed between steps: `group.lr = …`. */
  readonly paramGroups: readonly ParamGroup<Options>[];
  readonly #state = new Map<Tensor, ParameterState>();
  readonly #name: string;
  #disposed = false;

  /**
   * @throws {TypeError} when `params` is neither tensors nor groups of tensors.
   * @throws {ArgumentError} for unknown options, values out of range, no parameters, or a parameter twice.
   */
  constructor(
    name: string,
    params: Iterable<Tensor> | Iterable<GroupInput<Options>>,
    options: Partial<Options>,
    defaults: Options,
  ) {
    super();
    this.#name = name;
    checkOptions(name, options, Object.keys(defaults));
    const all = { ...defaults, ...options };
    if (typeof params !== 'object' || params === null || !(Symbol.iterator in params)) {
      throw new TypeError(`${name}: params expected an array of tensors or groups, got ${describe(params)}`);
    }
    const entries: (Tensor | GroupInput<Options>)[] = [...params];
    const grouped = entries.length > 0 && !(entries[0] instanceof Tensor);
    const inputs = (grouped ? entries : [{ params: entries }]) as GroupInput<Options>[];
    this.paramGroups = inputs.map((group) => makeGroup<Options>(name, group, all));
    this.#checkParameters();
    for (const group of this.paramGroups) this.checkGroup(name, group);
  }

  /**
   * Updates every parameter that has a gradient.
   * @throws the signal's reason when it is aborted; some parameters may be updated then
   */
  async step(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(`${this.#name}.step`, options, ['signal']);
    const call = this.#begin('step');
    if (call !== null) await call.engine.submit(call, options.signal);
  }

  /** As `step`, at once. */
  stepSync(options: { signal?: AbortSignal } = {}): void {
    const operation = `${this.#name}.stepSync`;
    checkOptions(operation, options, ['signal']);
    checkSignal(operation, options.signal); // before it makes the state
    const call = this.#begin('stepSync');
    if (call !== null) call.engine.execute(call);
  }

  /** Sets the gradients of all parameters to 0. */
  zeroGrad(): void {
    for (const { params } of this.paramGroups) for (const parameter of params) clearGradient(parameter);
  }

  stateDict(): OptimizerStateDict<Options> {
    const positions = new Map(this.#parameters().map((parameter, position) => [parameter, position]));
    const state: Record<string, Record<string, Tensor | number>> = {};
    for (const [parameter, { step, tensors }] of this.#state) {
      state[String(positions.get(parameter))] = { step, ...tensors };
    }
    const paramGroups = this.paramGroups.map((group) => ({
      ...group,
      params: group.params.map((parameter) => positions.get(parameter) as number),
    }));
    return { state, paramGroups };
  }

  /**
   * Takes over options and copies state.
   * @throws {ArgumentError} when groups, their sizes or the state's entries differ.
   * @throws {ShapeError | DtypeError} when a state tensor does not fit its parameter.
   */
  loadStateDict({ state, paramGroups }: OptimizerStateDict<Options>): void {
    const operation = `${this.#name}.loadStateDict`;
    const [own, given] = [sizesOf(this.paramGroups), sizesOf(paramGroups)];
    if (own !== given) throw new ArgumentError(operation, 'paramGroups', `groups of sizes ${own}`, given);
    const parameters = this.#parameters();
    const names = this.stateTensors();
    const copies = Object.entries(state).map(([position, { step, ...tensors }]) => {
      const parameter = parameters[Number(position)];
      const given = Object.keys(tensors);
      if (parameter === undefined || typeof step !== 'number' || given.some((name) => !names.includes(name))) {
        throw new ArgumentError(
          operation,
          'state',
          `step and ${names.join(', ')} of a parameter`,
          `${position}: ${given.join(', ')}`,
        );
      }
      for (const name of given) checkTensorLike(operation, name, tensors[name], parameter);
      return () => {
        const own = this.#stateOf(parameter, given);
        own.step = step;
        for (const name of given) own.tensors[name].copyFrom(tensors[name] as Tensor);
      };
    });
    const merged = paramGroups.map((group, index) =>
      Object.assign({}, this.paramGroups[index], group, { params: this.paramGroups[index].params }),
    );
    for (const group of merged) this.checkGroup(operation, group);
    for (const copy of copies) copy();
    merged.forEach((group, index) => Object.assign(this.paramGroups[index], group));
  }

  /** Frees the optimiser's state, not the parameters. Idempotent. */
  override dispose(): void {
    this.#disposed = true;
    for (const { tensors } of this.#state.values()) for (const tensor of Object.values(tensors)) tensor.dispose();
    this.#state.clear();
  }

  /** Names of the tensors that `ParameterState` may hold. */
  protected abstract stateTensors(): readonly string[];

  /** @throws {ArgumentError} for an option out of range. */
  protected abstract checkGroup(operation: string, group: ParamGroup<Options>): void;

  /**
   * The pass over one parameter.
   * @param step number of this step, from 1
   * @param state makes the named state tensors, zeros at first
   */
  protected abstract passOf(
    parameter: Tensor,
    group: ParamGroup<Options>,
    step: number,
    state: (names: readonly string[]) => Readonly<Record<string, Tensor>>,
  ): Pass;

  #parameters(): Tensor[] {
    return this.paramGroups.flatMap(({ params }) => params);
  }

  #checkParameters(): void {
    const parameters = this.#parameters();
    if (parameters.length === 0) throw new ArgumentError(this.#name, 'params', 'at least one parameter', 'none');
    if (new Set(parameters).size !== parameters.length) {
      throw new ArgumentError(this.#name, 'params', 'each parameter once', 'one that appears twice');
    }
    for (const parameter of parameters) {
      if (parameter.engine !== parameters[0].engine) {
        throw new EngineError('ERR_ENGINE_MISMATCH', `${this.#name}: params are of different engines`);
      }
      if (!parameter.isContiguous) throw new ArgumentError(this.#name, 'params', 'contiguous tensors', 'a view');
    }
  }

  /** The state of a parameter, with at least the named tensors. */
  #stateOf(parameter: Tensor, names: readonly string[]): ParameterState {
    const state = this.#state.get(parameter) ?? { step: 0, tensors: {} };
    this.#state.set(parameter, state); // before the first allocation, so that dispose() finds what a failed one left
    const { shape, dtype, engine } = parameter;
    for (const name of names) state.tensors[name] ??= zeros(shape, { dtype, engine });
    return state;
  }

  /** One call for all parameters with a gradient; null when there are none. */
  #begin(method: string): Call<void> | null {
    const operation = `${this.#name}.${method}`;
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the optimizer is disposed`);
    const steps: (() => Step)[] = [];
    const writes: Storage[] = [];
    const updated: ParameterState[] = [];
    const gradients: Tensor[] = [];
    const release = (): void => gradients.forEach((gradient) => gradient.dispose());
    try {
      for (const group of this.paramGroups) {
        this.checkGroup(operation, group);
        for (const parameter of group.params) {
          if (parameter.grad === null) continue;
          checkTensor(operation, 'params', parameter);
          checkPlaced(operation, parameter.grad);
          const grad = checkTensorLike(operation, 'grad', parameter.grad, parameter).contiguous();
          gradients.push(grad);
          const state = this.#stateOf(parameter, []);
          const options = { ...group }; // those of the call, whenever it runs
          const step = (): Step => {
            // a call before this one may be pending, so that the number of the step is known when it runs
            const { stage, pointers } = this.passOf(parameter, options, state.step + 1, (names) => {
              return this.#stateOf(parameter, names).tensors;
            });
            return {
              stages: [stage],
              workspaceBytes: NO_WORKSPACE,
              pointers: { weight: parameter.ptr, grad: grad.ptr, ...pointers },
            };
          };
          step(); // makes the state
          steps.push(step);
          writes.push(parameter.storage, ...Object.values(state.tensors).map(({ storage }) => storage));
          updated.push(state);
        }
      }
    } catch (error) {
      release();
      throw error;
    }
    if (steps.length === 0) return null;
    return {
      engine: this.#parameters()[0].engine,
      operation,
      reads: gradients.map(({ storage }) => storage),
      get steps() {
        return steps.map((step) => step());
      },
      writes,
      finish: () => {
        for (const state of updated) state.step++;
      },
      abandon: () => undefined,
      release,
    };
  }
}

function makeGroup<Options extends object>(
  name: string,
  group: GroupInput<Options>,
  defaults: Options,
): ParamGroup<Options> {
  checkOptions(name, group, ['params', ...Object.keys(defaults)]);
  const { params } = group;
  if (typeof params !== 'object' || params === null || !(Symbol.iterator in params)) {
    throw new TypeError(`${name}: params of a group expected an array of tensors, got ${describe(params)}`);
  }
  const tensors = [...params].map((parameter) => checkTensor(name, 'params', parameter));
  return { ...defaults, ...group, params: tensors } as unknown as ParamGroup<Options>;
}

/** How many parameters each group has. */
function sizesOf(groups: readonly { readonly params: readonly unknown[] }[]): string {
  return describe(groups.map(({ params }) => params.length));
}

/** @throws {TypeError | ArgumentError} when an option is not a number of at least 0. */
export function checkAtLeastZero(operation: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) checkNumber(operation, name, value, 0);
}
