/** Shapes and strides as plain arrays. Sizes are element counts. */

import { ShapeError } from './errors.ts';

export type Shape = readonly number[];

/** Product of the entries; 1 for an empty shape. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const length of shape) count *= length;
  return count;
}

/** Element strides of a row-major array. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * Math.max(shape[axis + 1], 1);
  return strides;
}

/** True when `strides` walk `shape` in row-major order; axes of length 1 may have any stride. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  return shape.includes(0) || sameStrides(shape, strides, contiguousStrides(shape));
}

/** True when both strides find the same elements; axes of length 1 may have any. */
export function sameStrides(shape: Shape, a: readonly number[], b: readonly number[]): boolean {
  return shape.every((length, axis) => length === 1 || a[axis] === b[axis]);
}

/**
 * Element strides of the same elements, in the same order, in another shape of as many; null where there are none.
 *
 * Axes that one stride walks together are one run; each run has to be made of whole axes of the target.
 */
export function reshapedStrides(shape: Shape, strides: readonly number[], target: Shape): number[] | null {
  if (elementCount(shape) === 0) return contiguousStrides(target);
  const runs: { length: number; stride: number }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const last = runs.at(-1);
    const stride = strides[axis];
    if (last?.stride === length * stride) runs[runs.length - 1] = { length: last.length * length, stride };
    else runs.push({ length, stride });
  });
  const result = contiguousStrides(target);
  let left = 1;
  let stride = 1;
  for (let axis = target.length - 1; axis >= 0; axis--) {
    if (left === 1 && target[axis] !== 1) ({ length: left, stride } = runs.pop() ?? { length: 1, stride: 1 });
    if (left % target[axis] !== 0) return null;
    result[axis] = stride;
    stride *= target[axis];
    left /= target[axis];
  }
  return result;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** `[2, 3]`, as error messages print a shape. */
export function formatShape(shape: readonly unknown[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Shape of two operands broadcast against each other, numpy's rule.
 * @param axes what the message calls them
 * @throws {ShapeError} when an axis differs and neither length is 1.
 */
export function broadcastShapes(operation: string, argument: string, a: Shape, b: Shape, axes = 'axes'): number[] {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const la = a[axis - rank + a.length] ?? 1;
    const lb = b[axis - rank + b.length] ?? 1;
    if (la !== lb && la !== 1 && lb !== 1) {
      throw new ShapeError(operation, argument, `${axes} that broadcast against ${formatShape(a)}`, formatShape(b));
    }
    out.push(la === 1 ? lb : la);
  }
  return out;
}
