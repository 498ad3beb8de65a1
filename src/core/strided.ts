/** Strided elements in row-major order. */

import type { Shape } from './shape.ts';
import { elementCount, isContiguous } from './shape.ts';

/** What `gather` fills: any typed array of numbers. */
interface Elements extends ArrayLike<number> {
  [index: number]: number;
  set(source: ArrayLike<number>): void;
}

/**
 * Fills `dense` with the elements of a strided array, row-major.
 * @param strides count elements and may be negative or 0; what they reach lies in `data`
 */
export function gather<T extends Elements>(
  data: ArrayLike<number>,
  shape: Shape,
  strides: readonly number[],
  offset: number,
  dense: T,
): T {
  if (ArrayBuffer.isView(data) && isContiguous(shape, strides)) {
    dense.set((data as unknown as Float32Array).subarray(offset, offset + elementCount(shape)));
    return dense;
  }
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < dense.length; to++) {
    dense[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return dense;
}
