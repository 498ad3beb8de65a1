/** One array per file, as NumPy saves it. */

import { dump, parse } from 'npyjs';
import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { elementCount, formatShape } from '../core/shape.ts';
import { gather } from '../core/strided.ts';
import type { TensorSource } from '../nn/tensor_source.ts';
import type { FileElements, FileTensor, FileType } from './file_tensor.ts';
import { checkBytes, integersAsNumbers, openForWriting } from './file_tensor.ts';

/** NumPy's codes of dtypes, without the byte order, which is little-endian. */
const TYPES: Readonly<Record<string, FileType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'float64',
  u8: 'float64',
  b1: 'bool',
};
const CODES = { float16: 'f2', float32: 'f4', float64: 'f8' } as const;

/**
 * Reads a .npy file: floats, integers (of 64 bits as float64) and bools, little-endian; column-major data is reordered.
 *
 * @throws {ArgumentError} for bytes that are no such file, or one that is cut
 * @throws {DtypeError} for complex numbers, strings, objects, and 64-bit integers beyond 2^53
 * @throws {ShapeError} when there are more or fewer elements than the shape says
 * @throws {TypeError} for what is no bytes
 *
 * @example
 * ```js
 * import { readNpy, writeNpy } from 'upconv/npy';
 *
 * const file = writeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] });
 * const { shape, type, data } = readNpy(file);
 * console.log(shape, type, data.join(' ')); // [ 2, 3 ] float32 1 2 3 4 5 6
 * ```
 */
export function readNpy(bytes: Uint8Array | ArrayBuffer): FileTensor {
  return parseNpy('readNpy', checkBytes('readNpy', bytes));
}

/** As `readNpy`, for `operation`. */
export function parseNpy(operation: string, bytes: Uint8Array<ArrayBuffer>): FileTensor {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(bytes.slice().buffer, { convertFloat16: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArgumentError(operation, 'bytes', 'a .npy file', `something else (${reason})`);
  }
  const { shape, dtype, fortranOrder } = parsed;
  const values = parsed.data as FileElements | BigInt64Array | BigUint64Array | boolean[] | string[];
  const type = TYPES[dtype];
  if (type === undefined) throw new DtypeError(operation, 'dtype', 'floats, integers or bools', dtype);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    throw new ArgumentError(operation, 'shape', 'sizes of axes', formatShape(shape));
  }
  if (values.length !== elementCount(shape)) {
    const expected = `${elementCount(shape)} elements for shape ${formatShape(shape)}`;
    throw new ShapeError(operation, 'data', expected, String(values.length));
  }
  const data = elementsOf(operation, values as Exclude<typeof values, string[]>);
  return { shape, type, data: fortranOrder ? gather(data, shape, columnMajor(shape), 0, data.slice()) : data };
}

/**
 * A tensor as a .npy file, row-major.
 * @throws as functions do for an argument that is no tensor
 */
export function writeNpy(tensor: TensorSource): Uint8Array<ArrayBuffer> {
  return encodeNpy('writeNpy', 'tensor', tensor);
}

/** As `writeNpy`, for an argument of `operation`. */
export function encodeNpy(operation: string, argument: string, value: TensorSource): Uint8Array<ArrayBuffer> {
  const { dtype, shape, read } = openForWriting(operation, argument, value);
  return new Uint8Array(dump(read(), [...shape], { dtype: CODES[dtype] }));
}

function elementsOf(
  operation: string,
  values: FileElements | BigInt64Array | BigUint64Array | boolean[],
): FileElements {
  if (Array.isArray(values)) return Uint8Array.from(values, Number);
  const isLong = values instanceof BigInt64Array || values instanceof BigUint64Array;
  return isLong ? integersAsNumbers(operation, 'data', values) : values;
}

function columnMajor(shape: Shape): number[] {
  let stride = 1;
  return shape.map((length) => {
    const own = stride;
    stride *= length;
    return own;
  });
}
