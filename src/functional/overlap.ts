/** Whether two tensors share memory. By address: `engine.wrap` may lay one storage over another. */

import { elementBytes } from '../core/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * True when the elements of two tensors may share a byte: exact for views of one tensor; tensors of different dtypes,
 * or whose rows lie in each other in many ways, are taken to overlap when their ranges do.
 */
export function overlap(a: Tensor, b: Tensor): boolean {
  if (a.size === 0 || b.size === 0) return false;
  const [aBytes, bBytes] = [elementBytes(a.dtype), elementBytes(b.dtype)];
  if (a.ptr + (reachOf(a) + 1) * aBytes <= b.ptr || b.ptr + (reachOf(b) + 1) * bBytes <= a.ptr) return false;
  const distance = (b.ptr - a.ptr) / aBytes;
  return aBytes !== bBytes || !Number.isInteger(distance) || mayMeet(levelsOf(a, b), distance);
}

/** Elements from the first to the last one. */
function reachOf({ shape, strides }: Tensor): number {
  return shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 0);
}

/** How many steps of one stride each tensor makes, and how far their steps of smaller strides go. */
interface Level {
  readonly stride: number;
  readonly steps: readonly [number, number];
  readonly inner: readonly [number, number];
}

/** From the largest stride down. */
function levelsOf(a: Tensor, b: Tensor): Level[] {
  const reachBy = ({ shape, strides }: Tensor, chosen: (stride: number) => boolean): number =>
    shape.reduce((sum, length, axis) => (chosen(strides[axis]) ? sum + (length - 1) * strides[axis] : sum), 0);
  const both = [a, b].flatMap(({ shape, strides }) => strides.filter((stride, axis) => stride > 0 && shape[axis] > 1));
  const forEach = (chosen: (stride: number) => boolean) => [reachBy(a, chosen), reachBy(b, chosen)] as const;
  return [...new Set(both)]
    .sort((x, y) => y - x)
    .map((stride) => {
      const [ofA, ofB] = forEach((other) => other === stride);
      return { stride, steps: [ofA / stride, ofB / stride], inner: forEach((other) => other < stride) };
    });
}

/** Ways in which rows may lie in each other before it is not worth telling. */
const MOST_WAYS = 4;

/** True unless no element of `a` is one of `b`, whose first one is `distance` elements behind that of `a`. */
function mayMeet([level, ...smaller]: readonly Level[], distance: number): boolean {
  if (level === undefined) return distance === 0;
  const { stride, steps, inner } = level;
  // elements meet where `a` is so many steps further than `b` that smaller strides make up for the rest
  const least = Math.max(-steps[1], Math.ceil((distance - inner[0]) / stride));
  const most = Math.min(steps[0], Math.floor((distance + inner[1]) / stride));
  if (most - least >= MOST_WAYS) return true;
  for (let ahead = least; ahead <= most; ahead++) if (mayMeet(smaller, distance - ahead * stride)) return true;
  return false;
}
