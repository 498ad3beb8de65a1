/** Arrays as files hold them: between a file format and what takes tensors. */

import type { Dtype } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { checkTensor } from '../functional/arguments.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { CheckedTensorLike } from '../tensor/tensor_like.ts';
import { checkTensorLike, isTensorLike } from '../tensor/tensor_like.ts';
import type { TensorSource } from '../nn/tensor_source.ts';
import { wrongType } from '../core/validate.ts';

/** Typed arrays that hold the elements of files. */
export type FileElements =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>;

/** What the elements of `FileElements` are. */
export type FileType = Dtype | 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'bool';

/** An array of a file, row-major. It is a `TensorLike`: functions, modules and `loadStateDict` take it as it is. */
export interface FileTensor {
  readonly shape: Shape;
  /** The bit patterns of float16; other elements as numbers, a bool as 0 or 1. */
  readonly data: FileElements;
  readonly type: FileType;
}

/**
 * The elements of 64-bit integers as numbers.
 * @throws {DtypeError} for one that no number holds exactly
 */
export function integersAsNumbers(
  operation: string,
  argument: string,
  values: BigInt64Array | BigUint64Array,
): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = Number(values[i]);
    if (!Number.isSafeInteger(numbers[i])) {
      throw new DtypeError(operation, argument, 'integers below 2^53', `${values[i]}`);
    }
  }
  return numbers;
}

/**
 * A tensor of this package, or of another, to be written to a file.
 * @throws {TypeError} for what is neither
 * @throws {ShapeError | ArgumentError | EngineError} as functions do for an argument
 */
export function openForWriting(operation: string, argument: string, value: TensorSource): CheckedTensorLike {
  if (value instanceof Tensor) {
    const { shape, dtype } = checkTensor(operation, argument, value);
    return checkTensorLike(operation, argument, { shape, data: value.toTypedArray(), type: dtype });
  }
  if (isTensorLike(value)) return checkTensorLike(operation, argument, value);
  throw wrongType(operation, argument, 'a Tensor or { data, shape }', value);
}

/**
 * Bytes of a file, as a plain Uint8Array.
 * @throws {TypeError} for anything else
 */
export function checkBytes(operation: string, value: unknown): Uint8Array<ArrayBuffer> {
  // of a subclass, Node's Buffer, `slice` would not copy
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.length);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw wrongType(operation, 'bytes', 'a Uint8Array or an ArrayBuffer', value);
}
