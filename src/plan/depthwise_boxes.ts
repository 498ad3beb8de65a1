/** What plans of depthwise stages share: boxes in scratch memory, and fields. */

import { ceilDiv, roundUp } from './blocking.ts';
import type { ProductSpec, Range } from './conv_fields.ts';
import type { Box, Pitches } from './conv_gather.ts';
import { pitchesOf, spanOf } from './conv_gather.ts';
import type { AxisPhases, ConvGeometry } from './conv_geometry.ts';
import type { Layout } from './forward_spec.ts';
import type { FieldValue } from './stage.ts';

/** Room for a vector that ends behind the last row. */
export const LAST_VECTOR_BYTES = 16;
/** Along W: there are vectors of weights for each residue. */
export const LARGEST_STRIDE = 256;
/** Rows are cut down to this, if need be, to fit. */
export const SHORTEST_ROW = 32;

/** Room for what a box of inputs reaches of the output side, when cells of `unit` elements may read beyond its rows. */
export function reachedBox(geometry: ConvGeometry, { phases }: Layout, box: Box, unit: number): Pitches {
  const [d, h, w] = spanOf(geometry, box);
  const { stride } = geometry.axes[2];
  return pitchesOf(d, h, Math.max(w, roundUp(box[2] * stride, unit) + phases[2].maxShift * stride));
}

/** Whole rows, then slices, while they fit; a row that does not fit is cut at multiples of four. */
export function growBox(ranges: readonly Range[], fits: (box: Box) => boolean): Box {
  const lengths = ranges.map(({ begin, end }) => end - begin);
  const box: [number, number, number] = [1, 1, lengths[2]];
  while (box[2] > SHORTEST_ROW && !fits(box)) box[2] = roundUp(ceilDiv(box[2], 2), 4);
  for (const axis of [1, 0] as const) {
    if (box[axis + 1] < lengths[axis + 1]) break;
    for (let cuts = 1; ; cuts++) {
      box[axis] = ceilDiv(lengths[axis], cuts);
      if (box[axis] === 1 || fits(box)) break;
    }
  }
  return box;
}

/** Shifts of taps along W, upwards. */
export function shiftsOf({ taps }: AxisPhases): Int32Array {
  return Int32Array.from(new Set(taps.map(({ shift }) => shift)));
}

/** Fields that only depthwise stages read. */
export function tapFields({ weight }: ProductSpec, shifts: Int32Array): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = { taps: shifts.length, tapTablePtr: shifts };
  ['D', 'H', 'W'].forEach((name, i) => {
    fields[`weightStride${name}`] = weight.spatial[i];
  });
  return fields;
}
