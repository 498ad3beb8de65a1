/** Elements of safetensors files: bytes to numbers, and back. */

import { bfloat16Bits, bfloat16Values } from '../core/bfloat16.ts';
import type { Dtype } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { elementCount } from '../core/shape.ts';
import type { CheckedTensorLike } from '../tensor/tensor_like.ts';
import type { FileElements, FileType } from './file_tensor.ts';
import { integersAsNumbers } from './file_tensor.ts';

/** What tensors can be written as. */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16';

export const WRITTEN_DTYPES: readonly SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16'];

interface Elements<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

interface Reading<T> {
  readonly type: FileType;
  readonly elements: Elements<T>;
}

/** Dtypes whose elements are taken as they are. */
const READ: Readonly<Record<string, Reading<FileElements>>> = {
  F64: { type: 'float64', elements: Float64Array },
  F32: { type: 'float32', elements: Float32Array },
  F16: { type: 'float16', elements: Uint16Array },
  I32: { type: 'int32', elements: Int32Array },
  U32: { type: 'uint32', elements: Uint32Array },
  I16: { type: 'int16', elements: Int16Array },
  U16: { type: 'uint16', elements: Uint16Array },
  I8: { type: 'int8', elements: Int8Array },
  U8: { type: 'uint8', elements: Uint8Array },
  BOOL: { type: 'bool', elements: Uint8Array },
};

/** @throws {DtypeError} for elements of fewer than 8 bits, floats of 8 bits and complex numbers. */
export function checkReadable(operation: string, name: string, dtype: string): void {
  if (Object.hasOwn(READ, dtype) || ['BF16', 'I64', 'U64'].includes(dtype)) return;
  throw new DtypeError(operation, name, 'floats of 16 bits or more, integers or bools', dtype);
}

/**
 * Elements of `dtype`: BF16 as float32, integers of 64 bits as float64, others as they are.
 * @param name of the tensor, for errors
 * @returns elements that share the memory of `bytes` where they may lie there
 * @throws {DtypeError} for a dtype that cannot be read, or an integer that no number holds
 */
export function decodeElements(
  operation: string,
  name: string,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
): { type: FileType; data: FileElements } {
  checkReadable(operation, name, dtype);
  switch (dtype) {
    case 'BF16':
      return { type: 'float32', data: bfloat16Values(view(Uint16Array, bytes)) };
    case 'I64':
      return { type: 'float64', data: integersAsNumbers(operation, name, view(BigInt64Array, bytes)) };
    case 'U64':
      return { type: 'float64', data: integersAsNumbers(operation, name, view(BigUint64Array, bytes)) };
    default: {
      const { type, elements } = READ[dtype];
      return { type, data: view(elements, bytes) };
    }
  }
}

/** The dtype of the format that holds elements of a tensor as they are. */
export function dtypeInFile(dtype: Dtype): SafetensorsDtype {
  return dtype === 'float16' ? 'F16' : dtype === 'float64' ? 'F64' : 'F32';
}

export function bytesPerElement(dtype: SafetensorsDtype): number {
  return dtype === 'BF16' ? 2 : READ[dtype].elements.BYTES_PER_ELEMENT;
}

/** Writes all elements, rounded to `dtype`. */
export function encodeElements(
  { shape, read }: CheckedTensorLike,
  dtype: SafetensorsDtype,
  target: Uint8Array<ArrayBuffer>,
): void {
  if (dtype === 'BF16') {
    const numbers = read('float64');
    view(Uint16Array, target).set(Uint16Array.from(numbers, bfloat16Bits));
    return;
  }
  const { type, elements } = READ[dtype];
  const dense = read(type as Dtype);
  target.set(new Uint8Array(dense.buffer, dense.byteOffset, elementCount(shape) * elements.BYTES_PER_ELEMENT));
}

/** A typed array over `bytes`, or over a copy where their address is none for its elements. */
function view<T>(elements: Elements<T>, bytes: Uint8Array<ArrayBuffer>): T {
  const { buffer, byteOffset, byteLength } = bytes;
  const size = elements.BYTES_PER_ELEMENT;
  if (byteOffset % size === 0) return new elements(buffer, byteOffset, byteLength / size);
  return new elements(bytes.slice().buffer, 0, byteLength / size);
}
