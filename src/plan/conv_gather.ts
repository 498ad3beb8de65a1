/**
 * What the plans of the two products share that read the output side through im2col: the convolution itself (gradInput
 * of a transposed one) and gradWeight. Both walk boxes of input positions, K or N is (output channel, tap).
 */

import { elementBytes } from '../core/dtype.ts';
import { ceilDiv, nrOf, PLANES_BYTES, roundUp } from './blocking.ts';
import type { ProductSpec, Range } from './conv_fields.ts';
import type { ConvGeometry } from './conv_geometry.ts';

export type Box = readonly [number, number, number];

/**
 * Largest number of positions that an item packs at once.
 * @param copied elements of a channel that are copied for a box
 */
export function boxOfPositions(
  { geometry, dtype }: ProductSpec,
  channels: number,
  maximumPositions: number,
  copied: (box: Box) => number,
): Box {
  const lengths = geometry.axes.map(({ input }) => input);
  const fits = (box: Box) =>
    box[0] * box[1] * box[2] <= maximumPositions && channels * copied(box) * elementBytes(dtype) <= PLANES_BYTES;
  const nr = nrOf(dtype);
  let box: [number, number, number] = [1, 1, lengths[2]];
  while (box[2] > nr && !fits(box)) box[2] = roundUp(ceilDiv(box[2], 2), nr);
  for (const axis of [1, 0] as const) {
    // a box is one run of positions in memory: an axis grows only when all inner ones are whole
    if (box[axis + 1] < lengths[axis + 1]) break;
    for (let length = 2; length <= lengths[axis]; length++) {
      const next: [number, number, number] = [...box];
      next[axis] = length;
      if (!fits(next)) break;
      box = next;
    }
    box[axis] = ceilDiv(lengths[axis], ceilDiv(lengths[axis], box[axis])); // even boxes
  }
  return box;
}

/** Elements from one row, slice and box to the next. */
export type Pitches = readonly [row: number, slice: number, size: number];

/** Rows begin at multiples of a vector. */
export function pitchesOf(slices: number, rows: number, columns: number): Pitches {
  const row = roundUp(columns, 4);
  return [row, rows * row, slices * rows * row];
}

/** Elements of the output side that a box of positions spans along each axis. */
export function spanOf({ axes }: ConvGeometry, box: Box): number[] {
  return axes.map(({ stride, kernel, dilation }, axis) => (box[axis] - 1) * stride + (kernel - 1) * dilation + 1);
}

/** Boxes cut the input. */
export function inputRanges({ axes }: ConvGeometry): Range[] {
  return axes.map(({ input }) => ({ begin: 0, end: input }));
}

/** Images of which an item takes all positions together: only when a box holds a whole image, of these lengths. */
export function imagesPerItem(batch: number, lengths: readonly number[], box: Box, maximumPositions: number): number {
  const whole = lengths.every((length, axis) => box[axis] >= length);
  const positions = box[0] * box[1] * box[2];
  return whole ? Math.max(1, Math.min(batch, Math.floor(maximumPositions / positions))) : 1;
}

/** Byte offset of each row of C, `rows` rounded up to full tiles. */
export function rowOffsets(rows: number, mr: number, stride: number, bytes: number): Int32Array {
  return Int32Array.from({ length: roundUp(rows, mr) }, (_, row) => row * stride * bytes);
}

/** The tile buffer, its row offsets, and the column offsets of a strip. */
export function tileBytes(mr: number, nr: number): number {
  return roundUp(mr * 36 + nr * 4, 64);
}
