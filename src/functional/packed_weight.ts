/** Weights in the layouts that kernels read, and the weight of a convolution as an operand: raw or packed. */

import { DisposableBase } from '../core/disposable.ts';
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, DtypeError, EngineError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ConvGeometryOptions, SpatialRank } from './conv_options.ts';
import { checkCommon } from './conv_options.ts';
import type { ConvKind } from './conv_problem.ts';
import type { Operands, TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';

/** What a weight is packed for, and must be used for. */
export interface PackedFor {
  readonly operation: ConvKind['name'];
  readonly direction: 'forward' | 'gradInput';
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** What `packWeight` returns: packed bytes only, without the raw weight. */
export class PackedWeight extends DisposableBase {
  readonly engine: Engine;
  readonly dtype: Dtype;
  /** Of the raw weight. */
  readonly shape: Shape;
  /** @internal */
  readonly packedFor: PackedFor;
  /** By the key of the layout. */
  readonly #copies: ReadonlyMap<string, Storage>;
  #disposed = false;

  /** Takes over one reference to each storage. Use `packWeight`. */
  constructor(engine: Engine, dtype: Dtype, shape: Shape, packedFor: PackedFor, copies: ReadonlyMap<string, Storage>) {
    super();
    this.engine = engine;
    this.dtype = dtype;
    this.shape = shape;
    this.packedFor = packedFor;
    this.#copies = copies;
  }

  get disposed(): boolean {
    return this.#disposed || this.engine.disposed;
  }

  get byteLength(): number {
    return this.storages.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @internal */
  get storages(): readonly Storage[] {
    return [...this.#copies.values()];
  }

  /** The copy in the layout of `packKey`, if there is one. */
  copy(packKey: string): Storage | null {
    return this.#copies.get(packKey) ?? null;
  }

  override dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const storage of this.#copies.values()) storage.release();
  }

  override toString(): string {
    return `PackedWeight(${formatShape(this.shape)}, ${this.dtype})`;
  }
}

export type WeightArgument = TensorArgument | PackedWeight;

/** Operands of a convolution; the weight is raw or packed. */
export interface ConvOperands<Name extends string> extends Operands<Name> {
  readonly weight: Tensor | PackedWeight;
  /** The tensors among the operands. */
  readonly inputs: readonly Tensor[];
  /** Of all operands. */
  readonly storages: readonly Storage[];
}

/**
 * As `openOperands`, for convolutions.
 * @param use what a packed weight must have been packed for
 * @throws {ArgumentError} when it was packed for something else.
 */
export function openConvOperands<Name extends string>(
  operation: string,
  values: Readonly<Record<Name, unknown>>,
  weight: WeightArgument,
  bias: unknown,
  options: ConvGeometryOptions & { readonly engine?: Engine },
  use: { readonly operation: ConvKind['name']; readonly direction: PackedFor['direction']; readonly axes: SpatialRank },
  mixed = false,
): ConvOperands<Name> {
  if (!(weight instanceof PackedWeight)) {
    const operands = openOperands(operation, { ...values, weight }, bias, options.engine, mixed);
    const tensors = Object.values<Tensor>(operands.tensors);
    const inputs = operands.bias === null ? tensors : [...tensors, operands.bias];
    return { ...operands, weight: operands.tensors.weight, inputs, storages: inputs.map(({ storage }) => storage) };
  }
  if (weight.disposed) throw new EngineError('ERR_DISPOSED', `${operation}: weight is disposed`);
  if (options.engine !== undefined && options.engine !== weight.engine) {
    throw new EngineError('ERR_ENGINE_MISMATCH', `${operation}: weight is of another engine than options.engine`);
  }
  checkUse(operation, weight.packedFor, options, use);
  const operands = openOperands(operation, values, bias, weight.engine);
  if (operands.dtype !== weight.dtype) {
    operands.release();
    throw new DtypeError(operation, 'weight', operands.dtype, weight.dtype);
  }
  const tensors = Object.values<Tensor>(operands.tensors);
  const inputs = operands.bias === null ? tensors : [...tensors, operands.bias];
  return { ...operands, weight, inputs, storages: [...inputs.map(({ storage }) => storage), ...weight.storages] };
}

function checkUse(
  operation: string,
  packedFor: PackedFor,
  { stride, dilation, groups }: ConvGeometryOptions,
  use: Parameters<typeof openConvOperands>[5],
): void {
  for (const name of ['operation', 'direction'] as const) {
    if (packedFor[name] !== use[name]) {
      throw new ArgumentError(operation, 'weight', `packed for ${name} '${use[name]}'`, `'${packedFor[name]}'`);
    }
  }
  const common = checkCommon(operation, use.axes, { stride, dilation, groups });
  for (const name of ['stride', 'dilation'] as const) {
    if (packedFor[name].length !== use.axes) return; // another rank: an error of shapes
    if (!sameShape(common[name], packedFor[name])) {
      const expected = `${formatShape(packedFor[name])}, which the weight was packed for`;
      throw new ArgumentError(operation, name, expected, formatShape(common[name]));
    }
  }
  if (common.groups !== packedFor.groups) {
    throw new ArgumentError(
      operation,
      'groups',
      `${packedFor.groups}, which the weight was packed for`,
      String(common.groups),
    );
  }
}
