/** Tensors of other libraries and plain objects, copied in where an operation expects a tensor. */

import type { Dtype, OwnedTypedArray } from '../core/dtype.ts';
import { DTYPES, isNumbers, typedArray, writeNumbers } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { halfPatterns, halfValue } from '../core/half.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount, formatShape } from '../core/shape.ts';
import { gather } from '../core/strided.ts';
import { checkInteger, describe, wrongType } from '../core/validate.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import { dtypeOf, tensor } from './create.ts';
import type { Tensor } from './tensor.ts';

/**
 * Data with a shape: a `Tensor` of onnxruntime (`dims`), an `ndarray` (`stride`, `offset`), or a plain object.
 * Strides and offset count elements and may be negative or 0.
 */
export interface TensorLike {
  readonly data: ArrayLike<number>;
  readonly shape?: Shape;
  readonly dims?: Shape;
  readonly strides?: readonly number[];
  readonly stride?: readonly number[];
  readonly offset?: number;
  /** A dtype, as onnxruntime names them, else what `data` is. With 'float16' a Uint16Array holds bit patterns. */
  readonly type?: string;
}

/** True for an object that wants to be read as `TensorLike`, well-formed or not. */
export function isTensorLike(value: unknown): value is TensorLike {
  return typeof value === 'object' && value !== null && 'data' in value && ('shape' in value || 'dims' in value);
}

/** Other types, 'int32' for instance, say what `data` is. */
function dtypeOfLike({ data, type }: TensorLike): Dtype {
  return DTYPES.find((dtype) => dtype === type) ?? dtypeOf(data);
}

/** A TensorLike that was checked. */
export interface CheckedTensorLike {
  /** The one that `type` names; else float64 for a Float64Array, float16 for a Float16Array, float32 for other numbers. */
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** A copy of the elements, row-major, as float32 or float64 numbers or as the bit patterns of float16. */
  readonly read: (dtype?: Dtype) => OwnedTypedArray;
}

/**
 * @throws {TypeError} for data that is not numbers; names `upconv/tfjs` for a tensor whose `data` is a function.
 * @throws {ShapeError | ArgumentError} when shape, strides or offset reach outside the data.
 */
export function checkTensorLike(operation: string, argument: string, value: TensorLike): CheckedTensorLike {
  const data: unknown = value.data;
  const shape = value.shape ?? value.dims;
  if (typeof data === 'function') {
    throw new TypeError(
      `${operation}: ${argument} expected data in memory, got a tensor whose data is a function (TensorFlow.js: see upconv/tfjs)`,
    );
  }
  if (!isNumbers(data) || !Array.isArray(shape)) {
    throw new TypeError(`${operation}: ${argument} expected { data, shape } with numbers, got data ${describe(data)}`);
  }
  for (const length of shape) checkInteger(operation, `${argument}.shape`, length, 0);
  const given = value.strides ?? value.stride;
  if (given !== undefined && !isNumbers(given)) {
    throw wrongType(operation, `${argument}.strides`, 'an array of integers', given);
  }
  const strides = given ?? contiguousStrides(shape);
  if (given === undefined && value.offset === undefined && data.length !== elementCount(shape)) {
    throw new ShapeError(operation, argument, `data for shape ${formatShape(shape)}`, `${data.length} elements`);
  }
  const offset = checkInteger(operation, `${argument}.offset`, value.offset ?? 0, 0);
  if (strides.length !== shape.length || !strides.every((step) => Number.isInteger(step))) {
    throw new ArgumentError(operation, `${argument}.strides`, `${shape.length} integers`, describe(strides));
  }
  checkReach(operation, argument, data.length, shape, strides, offset);
  const dtype = dtypeOfLike(value);
  const patterns = dtype === 'float16' ? halfPatterns(data) : null;
  const read = (wanted = dtype): OwnedTypedArray => {
    const dense = typedArray(wanted, elementCount(shape));
    if ((wanted === 'float16') === (patterns !== null)) return gather(patterns ?? data, shape, strides, offset, dense);
    const numbers = gather(patterns ?? data, shape, strides, offset, new Float64Array(dense.length));
    writeNumbers(wanted, dense, patterns === null ? numbers : numbers.map(halfValue));
    return dense;
  };
  return { dtype, shape, read };
}

/**
 * A tensor of this package with a copy of the elements.
 * @param engine default: the engine that `init()` made
 * @throws as `checkTensorLike`; {EngineError} ERR_NOT_INITIALIZED
 */
export function fromTensorLike(
  operation: string,
  argument: string,
  value: TensorLike,
  engine: Engine | undefined,
): Tensor {
  const checked = checkTensorLike(operation, argument, value); // what is wrong with it comes first
  return copyTensorLike(checked, engineOrDefault(operation, engine));
}

export function copyTensorLike({ dtype, shape, read }: CheckedTensorLike, engine: Engine): Tensor {
  return tensor(read(), shape, { dtype, engine });
}

function checkReach(
  operation: string,
  argument: string,
  length: number,
  shape: Shape,
  strides: readonly number[],
  offset: number,
): void {
  if (elementCount(shape) === 0) return;
  let first = offset;
  let last = offset;
  shape.forEach((extent, axis) => {
    const reach = (extent - 1) * strides[axis];
    if (reach < 0) first += reach;
    else last += reach;
  });
  if (first < 0 || last >= length) {
    throw new ShapeError(operation, argument, `data for shape ${formatShape(shape)}`, `${length} elements`);
  }
}
