/** What optimisers share: groups of parameters, state per parameter, one pass over each parameter per step. */

import { DisposableBase } from '../core/disposable.ts';
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, EngineError } from '../core/errors.ts';
import { checkNumber, checkOptions, checkSignal, wrongType } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Storage } from '../engine/storage.ts';
import { checkTensor } from '../functional/arguments.ts';
import { KernelOperands } from '../functional/kernel_operands.ts';
import { checkTensorLike, retainView } from '../functional/tensor_arguments.ts';
import type { Stage } from '../plan/stage.ts';
import { zeros } from '../tensor/create.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkPlaced, clearGradient } from './gradients.ts';
import type { OptimizerStateDict, OptimizerStateSource, StateEntry } from './optimizer_state.ts';
import { checkStateDict } from './optimizer_state.ts';

/** Parameters with options of their own; what a group leaves out comes from the optimiser's options. */
export type GroupInput<Options> = { readonly params: Iterable<Tensor> } & Partial<Options>;

export type ParamGroup<Options> = Required<Options> & { readonly params: readonly Tensor[] };

/** State of one parameter. */
export interface ParameterState {
  /** Steps taken. */
  step: number;
  readonly tensors: Record<string, Tensor>;
}

/** One pass of an optimiser over a parameter. */
export interface Pass {
  readonly stage: Stage;
  /** State that it updates, by the names that the stage has for it. */
  readonly state: Readonly<Record<string, Tensor>>;
}

export abstract class Optimizer<Options extends object> extends DisposableBase {
  /** Options of each group may be changed between steps: `group.lr = …`. */
  readonly paramGroups: readonly ParamGroup<Options>[];
  readonly #state = new Map<Tensor, ParameterState>();
  readonly #name: string;
  readonly #optionNames: readonly string[];
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
    this.#optionNames = Object.keys(defaults);
    checkOptions(name, options, this.#optionNames);
    const all = { ...defaults, ...optionsOf(options) };
    if (typeof params !== 'object' || params === null || !(Symbol.iterator in params)) {
      throw wrongType(name, 'params', 'an array of tensors or groups', params);
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
    this.#checkAlive(`${this.#name}.stateDict`);
    const positions = new Map(this.#parameters().map((parameter, position) => [parameter, position]));
    const state: Record<string, Record<string, Tensor | number>> = {};
    for (const [parameter, { step, tensors }] of this.#state) {
      state[String(positions.get(parameter))] = { step, ...tensors };
    }
    const paramGroups = this.paramGroups.map((group) => ({
      ...optionsOf(group),
      params: group.params.map((parameter) => positions.get(parameter) as number),
    }));
    return { state, paramGroups: paramGroups as unknown as OptimizerStateDict<Options>['paramGroups'] };
  }

  /**
   * Takes over options and copies state, converting the dtype; parameters without state in `dict` have none afterwards.
   * Nothing has changed when it throws.
   * @param dict of this or another engine
   * @throws {ArgumentError} when groups, their sizes or the state's entries differ, for unknown options.
   * @throws {ShapeError} when a state tensor does not fit its parameter.
   * @throws {EngineError} ERR_IN_USE while a step is pending.
   */
  loadStateDict(dict: OptimizerStateSource<Options>): void {
    const operation = `${this.#name}.loadStateDict`;
    this.#checkAlive(operation);
    const tensors = this.stateTensors();
    const expected = { groups: this.paramGroups, options: this.#optionNames, tensors };
    const entries = checkStateDict(operation, dict, expected);
    const merged = dict.paramGroups.map((given, index) => {
      const group = this.paramGroups[index];
      return { ...group, ...optionsOf(given), params: group.params };
    });
    for (const group of merged) this.checkGroup(operation, group);
    for (const state of this.#state.values()) {
      for (const tensor of Object.values(state.tensors)) tensor.storage.checkWritable(operation);
    }
    const loaded = loadEntries(entries, (parameter) => this.stateDtype(parameter));
    freeState(this.#state);
    for (const [parameter, state] of loaded) this.#state.set(parameter, state);
    merged.forEach((group, index) => Object.assign(this.paramGroups[index], group));
  }

  /** Frees the optimiser's state, not the parameters. Idempotent. */
  override dispose(): void {
    this.#disposed = true;
    freeState(this.#state);
  }

  /** Names of the tensors that `ParameterState` may hold. */
  protected abstract stateTensors(): readonly string[];

  /** Of the state of a parameter. */
  protected stateDtype({ dtype }: Tensor): Dtype {
    return dtype;
  }

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

  #checkAlive(operation: string): void {
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the optimizer is disposed`);
  }

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
    const { shape, engine } = parameter;
    const dtype = this.stateDtype(parameter);
    for (const name of names) state.tensors[name] ??= zeros(shape, { dtype, engine });
    return state;
  }

  /** One call for all parameters with a gradient; null when there are none. */
  #begin(method: string): Call<void> | null {
    const operation = `${this.#name}.${method}`;
    this.#checkAlive(operation);
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
          const grad = retainView(checkTensorLike(operation, 'grad', parameter.grad, parameter));
          gradients.push(grad);
          const state = this.#stateOf(parameter, []);
          const options = { ...group }; // those of the call, whenever it runs
          const step = (): Step => {
            // a call before this one may be pending, so that the number of the step is known when it runs
            const pass = this.passOf(parameter, options, state.step + 1, (names) => {
              return this.#stateOf(parameter, names).tensors;
            });
            const operands = new KernelOperands();
            operands.update('weight', parameter, 'row-major');
            operands.read('grad', grad, 'row-major');
            for (const [name, tensor] of Object.entries(pass.state)) operands.update(name, tensor, 'row-major');
            return operands.step(parameter.engine, null, [pass.stage], NO_WORKSPACE);
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
    throw wrongType(name, 'params of a group', 'an array of tensors', params);
  }
  const tensors = [...params].map((parameter) => checkTensor(name, 'params', parameter));
  return { ...defaults, ...optionsOf(group), params: tensors } as unknown as ParamGroup<Options>;
}

/** The options that a group has; lists are copies. */
function optionsOf<Group extends object>(group: Group): Omit<Group, 'params'> {
  const options = Object.entries(group).filter(([name, value]) => name !== 'params' && value !== undefined);
  const copies = options.map(([name, value]): [string, unknown] => [
    name,
    Array.isArray(value) ? value.slice() : value,
  ]);
  return Object.fromEntries(copies) as Omit<Group, 'params'>;
}

/** Copies of saved state, by parameter. */
function loadEntries(
  entries: readonly StateEntry[],
  dtypeOf: (parameter: Tensor) => Dtype,
): Map<Tensor, ParameterState> {
  const states = new Map<Tensor, ParameterState>();
  try {
    for (const { parameter, step, sources } of entries) {
      const { shape, engine } = parameter;
      const dtype = dtypeOf(parameter);
      const tensors: Record<string, Tensor> = {};
      states.set(parameter, { step, tensors });
      for (const [name, { copyInto }] of sources) {
        tensors[name] = zeros(shape, { dtype, engine });
        copyInto(tensors[name]);
      }
    }
    return states;
  } catch (error) {
    freeState(states);
    throw error;
  }
}

function freeState(states: Map<Tensor, ParameterState>): void {
  for (const { tensors } of states.values()) for (const tensor of Object.values(tensors)) tensor.dispose();
  states.clear();
}

/** @throws {TypeError | ArgumentError} when an option is not a number of at least 0. */
export function checkAtLeastZero(operation: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) checkNumber(operation, name, value, 0);
}
