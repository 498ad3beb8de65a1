/** Modules as a tree: fields that hold tensors are parameters, fields that hold modules are children. */

import { DisposableBase } from '../core/disposable.ts';
import type { Dtype } from '../core/dtype.ts';
import { EngineError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { checkBoolean } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import type { PackedWeight } from '../functional/packed_weight.ts';
import { Tensor } from '../tensor/tensor.ts';
import { clearGradient } from './gradients.ts';
import type { LoadOptions, LoadReport, StateDict } from './state_dict.ts';
import { loadStateDict } from './state_dict.ts';
import type { TensorSource } from './tensor_source.ts';

/** Where what a module reads lives, as far as it is known. */
export interface Home {
  readonly engine?: Engine;
  readonly dtype?: Dtype;
}

export abstract class ParameterTree extends DisposableBase {
  /** Of classes whose name a minifier may change; a subclass without one of its own has the name of its class. */
  declare static readonly typeName: string;
  /** In training mode a forward pass keeps what its backward pass needs. */
  training: boolean = true;
  #disposed = false;
  #frozen = false;
  /** What a frozen module computes with, in place of its parameters. */
  readonly #kept: (Tensor | PackedWeight)[] = [];

  /** The name that `toString` and messages use: that of the class, which minifiers leave alone in this package. */
  get typeName(): string {
    const type = this.constructor as typeof ParameterTree;
    return Object.hasOwn(type, 'typeName') ? type.typeName : type.name;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** True after `freeze()`, of this module or one below. */
  get frozen(): boolean {
    return this.#frozen || this.namedChildren().some(([, child]) => child.frozen);
  }

  /** Parameters of this module alone, in the order of its fields. @internal */
  ownParameters(): [string, Tensor][] {
    return Object.entries(this).filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor);
  }

  /**
   * Tensors of this module alone that are part of its state but are not learnt, by their names in state dicts. A module
   * of your own that has some overrides this, and keeps them in private fields: others are parameters.
   * @internal
   */
  ownBuffers(): [string, Tensor][] {
    return [];
  }

  /** Names of parameters of this module alone that are not there yet. @internal */
  get uninitialized(): readonly string[] {
    return [];
  }

  /** For loading: makes the parameters that are not there yet for a weight of this shape. @internal */
  initializeFrom(_operation: string, _weightShape: Shape): void {
    // nothing is missing
  }

  /** For functions of this package: the engine and dtype of the first operand, or those that it will have. @internal */
  home(): Home {
    const [own] = [...this.ownParameters(), ...this.ownBuffers()]
      .map(([, tensor]) => tensor)
      .concat(this.#kept as Tensor[]);
    if (own !== undefined) return own;
    return (
      this.namedChildren()
        .map(([, child]) => child.home())
        .find(({ engine }) => engine !== undefined) ?? {}
    );
  }

  /** Modules that fields of this one hold, in the order of the fields. */
  namedChildren(): [string, ParameterTree][] {
    return Object.entries(this).filter((entry): entry is [string, ParameterTree] => entry[1] instanceof ParameterTree);
  }

  /** All parameters with their paths, `decoder.up.weight`; one that several modules share comes once. */
  namedParameters(): [string, Tensor][] {
    this.checkThawed('namedParameters');
    this.#checkInitialized('namedParameters');
    return onceEach(this.#collect('', (module) => module.ownParameters()));
  }

  /** All buffers with their paths, `norm.running_mean`; one that several modules share comes once. */
  namedBuffers(): [string, Tensor][] {
    return onceEach(this.#collect('', (module) => module.ownBuffers()));
  }

  buffers(): Tensor[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  parameters(): Tensor[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** All parameters and buffers by path: the tensors themselves, not copies. */
  stateDict(): StateDict {
    this.checkThawed('stateDict');
    this.#checkInitialized('stateDict');
    return Object.fromEntries(this.#state());
  }

  /**
   * Copies values into parameters and buffers, converting the dtype. Nothing is copied when it throws. A weight that is there in
   * weight normalisation (`weight_g` and `weight_v`, or `parametrizations.weight.original0` and `1`) becomes their product.
   *
   * @param state tensors by path, of any engine, or plain objects with data and shape
   * @param options strict (default): every path must be there and no other; prefix: of the paths in `state`
   * @returns the paths that were missing and those that nothing takes; printed, it says what PyTorch says
   * @throws {ArgumentError} for missing or unexpected paths, when strict.
   * @throws {ShapeError} for a shape that differs, strict or not.
   */
  loadStateDict(state: Readonly<Record<string, TensorSource>>, options: LoadOptions = {}): LoadReport {
    this.checkAlive('loadStateDict');
    this.checkThawed('loadStateDict');
    const { typeName } = this;
    return loadStateDict({ typeName, parameters: () => this.#state(), modules: this.#modules('') }, state, options);
  }

  /** Sets all gradients that exist to 0. */
  zeroGrad(): void {
    this.checkThawed('zeroGrad');
    const made = onceEach(this.#collect('', (module) => module.ownParameters()));
    for (const [, parameter] of made) clearGradient(parameter);
  }

  /** Switches this module and all below to training mode, or with `false` to evaluation. */
  train(mode: boolean = true): this {
    checkBoolean(`${this.typeName}.train`, 'mode', mode);
    if (mode) this.checkThawed('train');
    this.training = mode;
    for (const [, child] of this.namedChildren()) child.train(mode);
    return this;
  }

  /** Switches to evaluation: forward passes keep nothing. */
  eval(): this {
    return this.train(false);
  }

  /** From now on calls throw ERR_DISPOSED; nothing is freed yet. */
  protected markDisposed(): void {
    this.#disposed = true;
  }

  /** Frees parameters, gradients, buffers and children. Idempotent. */
  override dispose(): void {
    this.#disposed = true;
    for (const [, parameter] of this.ownParameters()) {
      parameter.grad?.dispose();
      parameter.dispose();
    }
    for (const [, buffer] of this.ownBuffers()) buffer.dispose();
    for (const item of this.#kept) item.dispose();
    for (const [, child] of this.namedChildren()) child.dispose();
  }

  /** What stands between the brackets of `toString`. */
  protected describeOptions(): string {
    return '';
  }

  /** As PyTorch prints the module. */
  override toString(): string {
    const options = this.describeOptions();
    const children = this.namedChildren().map(
      ([name, child]) => `(${name}): ${child.toString().replaceAll('\n', '\n  ')}`,
    );
    const extra = options === '' ? [] : options.split('\n');
    if (children.length === 0 && extra.length < 2) return `${this.typeName}(${options})`;
    const lines = [...extra, ...children];
    return `${this.typeName}(\n  ${lines.join('\n  ')}\n)`;
  }

  /**
   * For functions of this package: what forward reads, of this module and those below, packed when frozen.
   * @internal
   */
  operands(): (Tensor | PackedWeight)[] {
    const own = [...this.ownParameters(), ...this.ownBuffers()].map(([, tensor]) => tensor);
    return [...own, ...this.#kept, ...this.namedChildren().flatMap(([, child]) => child.operands())];
  }

  /**
   * For functions of this package: what a forward pass may write, running statistics of modules in training mode.
   * @internal
   */
  writtenInTraining(): Tensor[] {
    const own = this.training ? this.ownBuffers().map(([, buffer]) => buffer) : [];
    return [...own, ...this.namedChildren().flatMap(([, child]) => child.writtenInTraining())];
  }

  /**
   * Takes parameters away: fields of these names throw ERR_FROZEN from now on.
   * @param kept what the module computes with instead
   */
  protected freezeFields(names: readonly string[], kept: readonly (Tensor | PackedWeight)[]): void {
    this.#frozen = true;
    this.#kept.push(...kept);
    const { typeName } = this;
    for (const name of names) {
      const get = (): never => {
        throw frozenError(`${typeName}.${name}`);
      };
      Object.defineProperty(this, name, { get, enumerable: false, configurable: true });
    }
  }

  /** @throws {EngineError} ERR_FROZEN */
  protected checkThawed(method: string): void {
    if (this.frozen) throw frozenError(`${this.typeName}.${method}`);
  }

  /** @throws {EngineError} ERR_DISPOSED */
  protected checkAlive(operation: string): void {
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the module is disposed`);
  }

  /** This module and those below, with the prefixes of their paths. */
  #modules(prefix: string): [string, ParameterTree][] {
    return [[prefix, this], ...this.namedChildren().flatMap(([name, child]) => child.#modules(`${prefix}${name}.`))];
  }

  #uninitializedPaths(): string[] {
    return this.#modules('').flatMap(([path, { uninitialized }]) => uninitialized.map((name) => path + name));
  }

  /** @throws {EngineError} ERR_NOT_INITIALIZED when parameters are not there yet */
  #checkInitialized(method: string): void {
    const [path] = this.#uninitializedPaths();
    if (path !== undefined) throw uninitializedError(`${this.typeName}.${method}: ${path}`);
  }

  #state(): [string, Tensor][] {
    return this.#collect('', (module) => [...module.ownParameters(), ...module.ownBuffers()]);
  }

  /** Tensors of this module and those below, with their paths. */
  #collect(prefix: string, own: (module: ParameterTree) => [string, Tensor][]): [string, Tensor][] {
    const found = own(this).map(([name, tensor]): [string, Tensor] => [prefix + name, tensor]);
    return [...found, ...this.namedChildren().flatMap(([name, child]) => child.#collect(`${prefix}${name}.`, own))];
  }
}

/** Each tensor with the first of its paths. */
function onceEach(named: readonly [string, Tensor][]): [string, Tensor][] {
  const seen = new Set<Tensor>();
  return named.filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
}

/** For parameters of lazy modules that are asked for too early. */
export function uninitializedError(what: string): EngineError {
  return new EngineError('ERR_NOT_INITIALIZED', `${what} is not there yet: call forward, or load a state dict, before`);
}

function frozenError(operation: string): EngineError {
  return new EngineError('ERR_FROZEN', `${operation}: the module is frozen, its parameters are packed`);
}
