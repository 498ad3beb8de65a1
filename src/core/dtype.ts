/** What the elements of a tensor are. */

import { DtypeError } from './errors.ts';
import { halfBits, halfPatterns, halfValue } from './half.ts';

/** float16 is for storage: operations take it in and give it out, and compute in float32. */
export type Dtype = 'float32' | 'float64' | 'float16';

/** float16 elements are bit patterns. */
export type TypedArrayOf<D extends Dtype = Dtype> = D extends 'float64'
  ? Float64Array
  : D extends 'float16'
    ? Uint16Array
    : Float32Array;

/** A typed array on the JavaScript heap. */
export type OwnedTypedArray = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export const DTYPES: readonly Dtype[] = ['float32', 'float64', 'float16'];

const BYTES: Readonly<Record<Dtype, number>> = { float32: 4, float64: 8, float16: 2 };

export function elementBytes(dtype: Dtype): number {
  return BYTES[dtype];
}

/** @throws {DtypeError} when `value` is not the name of a dtype. */
export function checkDtype(operation: string, value: unknown): Dtype {
  if (DTYPES.includes(value as Dtype)) return value as Dtype;
  throw new DtypeError(operation, 'dtype', "'float32', 'float64' or 'float16'", describe(value));
}

/** What kernels compute elements of `dtype` in. */
export function computeDtype(dtype: Dtype): 'float32' | 'float64' {
  return dtype === 'float64' ? 'float64' : 'float32';
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** True for a typed array of numbers. */
export function isNumberArray(data: unknown): data is ArrayLike<number> & Iterable<number> {
  return (
    ArrayBuffer.isView(data) &&
    !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array)
  );
}

/** True for a typed array of numbers, or an array that holds nothing else. */
export function isNumbers(data: unknown): data is ArrayLike<number> {
  if (!Array.isArray(data)) return isNumberArray(data);
  for (const entry of data) if (typeof entry !== 'number') return false; // holes, too, which `every` skips
  return true;
}

/** A view of `count` elements of wasm memory. */
export function typedView(dtype: Dtype, buffer: ArrayBufferLike, byteOffset: number, count: number): TypedArrayOf {
  // an empty slice of an empty tensor may begin beyond the end of the memory
  if (count === 0) byteOffset = 0;
  if (dtype === 'float16') return new Uint16Array(buffer, byteOffset, count);
  return dtype === 'float64'
    ? new Float64Array(buffer, byteOffset, count)
    : new Float32Array(buffer, byteOffset, count);
}

/** A fresh array of `count` zeros on the JavaScript heap. */
export function typedArray(dtype: Dtype, count: number): OwnedTypedArray {
  if (dtype === 'float16') return new Uint16Array(count);
  return dtype === 'float64' ? new Float64Array(count) : new Float32Array(count);
}

/** A copy on the JavaScript heap, in one pass: an array that is made by its length is cleared before it is filled. */
export function copyOf(elements: TypedArrayOf): OwnedTypedArray {
  if (elements instanceof Uint16Array) return new Uint16Array(elements);
  return elements instanceof Float64Array ? new Float64Array(elements) : new Float32Array(elements);
}

/** Writes numbers as elements; for float16, a Uint16Array or Float16Array gives its bit patterns. */
export function writeNumbers(dtype: Dtype, elements: TypedArrayOf, data: ArrayLike<number>): void {
  const numbers = dtype === 'float16' ? halfPatterns(data) : data;
  if (numbers !== null) elements.set(numbers);
  else for (let i = 0; i < elements.length; i++) elements[i] = halfBits(data[i]);
}

/** Copies elements as the numbers they stand for; into a Uint16Array or Float16Array, float16 goes as bit patterns. */
export function readNumbers(
  dtype: Dtype,
  elements: TypedArrayOf,
  target: { [index: number]: number; set(source: ArrayLike<number>, offset?: number): void } & ArrayLike<number>,
  offset: number,
): void {
  const patterns = dtype === 'float16' ? halfPatterns(target) : target;
  if (patterns !== null) patterns.set(elements, offset);
  else for (let i = 0; i < elements.length; i++) target[offset + i] = halfValue(elements[i]);
}
