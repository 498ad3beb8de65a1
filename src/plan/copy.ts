/** Plan of a copy between two strided layouts of one shape. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import type { Shape } from '../core/shape.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** Axes that the copy kernel walks: four outer ones are the items, two inner ones are loops. */
const KERNEL_AXES = 6;

interface Axis {
  readonly length: number;
  readonly source: number;
  readonly target: number;
}

/**
 * One stage that copies `source` to `target`, element strides each.
 * Axes of length 1 are dropped and neighbours that walk memory alike are joined.
 * @throws RangeError when more than six axes remain, which no operation of this package makes.
 */
export function planCopy(dtype: Dtype, shape: Shape, source: readonly number[], target: readonly number[]): Stage {
  const axes: Axis[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const next = { length, source: source[axis], target: target[axis] };
    const previous = axes.at(-1);
    if (previous?.source === next.source * length && previous.target === next.target * length) {
      axes[axes.length - 1] = { ...next, length: previous.length * length };
    } else {
      axes.push(next);
    }
  });
  if (axes.length > KERNEL_AXES) throw new RangeError(`copy of ${axes.length} independent axes`);
  while (axes.length < KERNEL_AXES) axes.unshift({ length: 1, source: 0, target: 0 });
  const fields: Record<string, number> = {};
  axes.forEach(({ length, source, target }, axis) => {
    fields[`length${axis}`] = length;
    fields[`sourceStride${axis}`] = source;
    fields[`targetStride${axis}`] = target;
  });
  return {
    entry: 'copyStrided',
    items: elementCount(axes.slice(0, 4).map(({ length }) => length)),
    flops: 8 * elementCount(axes.map(({ length }) => length)),
    block: 'copy',
    fields: {
      sourcePtr: pointer('source'),
      targetPtr: pointer('target'),
      elementBytes: elementBytes(dtype),
      ...fields,
    },
  };
}
