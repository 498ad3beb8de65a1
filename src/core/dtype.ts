/** What the elements of a tensor are. */

import { DtypeError } from './errors.ts';

/** Types that kernels compute in. */
export type Dtype = 'float32' | 'float64';

export type TypedArrayOf<D extends Dtype = Dtype> = D extends 'float64' ? Float64Array : Float32Array;

export const DTYPES: readonly Dtype[] = ['float32', 'float64'];

export function elementBytes(dtype: Dtype): number {
  return dtype === 'float64' ? 8 : 4;
}

/** @throws {DtypeError} when `value` is not the name of a dtype. */
export function checkDtype(operation: string, value: unknown): Dtype {
  if (value === 'float32' || value === 'float64') return value;
  throw new DtypeError(operation, 'dtype', "'float32' or 'float64'", describe(value));
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** A view of `count` elements of wasm memory. */
export function typedView(dtype: Dtype, buffer: ArrayBufferLike, byteOffset: number, count: number): TypedArrayOf {
  return dtype === 'float64'
    ? new Float64Array(buffer, byteOffset, count)
    : new Float32Array(buffer, byteOffset, count);
}

/** A fresh array of `count` zeros on the JavaScript heap. */
export function typedArray(dtype: Dtype, count: number): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  return dtype === 'float64' ? new Float64Array(count) : new Float32Array(count);
}
