/** In which order the axes of a tensor lie in memory. */

import type { Shape } from './shape.ts';
import { contiguousStrides, isContiguous, sameShape, sameStrides } from './shape.ts';
import { checkChoice } from './validate.ts';

/** 'contiguous': row-major, the last axis is dense. 'channelsLast': channels are dense, as in NHWC; the shape stays (N, C, …). */
export type MemoryFormat = 'contiguous' | 'channelsLast';

/**
 * Element strides of a dense array in a format.
 * @param channelAxis which axis channels are
 */
export function formatStrides(format: MemoryFormat, shape: Shape, channelAxis: number): number[] {
  if (format === 'contiguous' || channelAxis >= shape.length) return contiguousStrides(shape);
  const strides = contiguousStrides([...shape.toSpliced(channelAxis, 1), shape[channelAxis]]);
  return strides.slice(0, -1).toSpliced(channelAxis, 0, 1);
}

/** @throws {ArgumentError} for an unknown format. */
export function checkMemoryFormat(operation: string, value: unknown): MemoryFormat {
  return checkChoice(operation, 'memoryFormat', value ?? 'contiguous', ['contiguous', 'channelsLast']);
}

/** True for dense strides with channels last, along axis 1 or, of an array without a batch, axis 0. */
export function isChannelsLast(shape: Shape, strides: readonly number[]): boolean {
  if (isContiguous(shape, strides)) return false;
  return [0, 1].some((channelAxis) => {
    if (shape.length < channelAxis + 2) return false;
    return sameStrides(shape, strides, formatStrides('channelsLast', shape, channelAxis));
  });
}

/** Strides for a result of `shape` that keeps the format of its operands: channels last where one of them has, else none. */
export function keptStrides(
  shape: Shape,
  operands: readonly { readonly shape: Shape; readonly strides: readonly number[] }[],
): readonly number[] | undefined {
  const alike = operands.filter((operand) => sameShape(operand.shape, shape));
  return alike.find((operand) => isChannelsLast(operand.shape, operand.strides))?.strides;
}
