/** How an implicit GEMM is cut into items: boxes of plane coordinates, lines of input, blocks of channels. */

import { elementBytes } from '../core/dtype.ts';
import {
  A_BLOCK_BYTES,
  B_PANELS_BYTES,
  ceilDiv,
  evenly,
  ITEM_FLOPS,
  missingItems,
  PLANES_BYTES,
  roundUp,
} from './blocking.ts';
import { directFlops } from './conv_geometry.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { isTurned } from './forward_spec.ts';

/** Lines of an item: half of what packed B of other products takes, because planes lie beside them. */
const LINES_BYTES: number = B_PANELS_BYTES / 2;
/** Rows of lines that a strip reads, one per channel and row shift, stay in L1. */
const STRIP_ROWS = 64;
const LEAST_KC = 8;
/** Rows of C up to which the input is not worth a copy. */
const IN_PLACE_ROWS = 16;
/**
 * Positions of a round of tiles of an input whose channels are neighbours, and the room for its results. The twin of
 * `ROUND` in assembly/conv/implicit_turned.ts.
 */
const TURNED_POSITIONS = 32;
const TURNED_BYTES = TURNED_POSITIONS * 16;
/** Channels that are read side by side in place: more may lie in the same lines of L1 and evict one another. */
const THIN_KC = 8;

export interface ImplicitBoxes {
  /** Columns of C in a strip. */
  readonly width: number;
  /** B is read in the input. */
  readonly inPlace: boolean;
  /** Input channels per block of K. */
  readonly kc: number;
  /** Input channels whose lines are packed together: a multiple of kc. */
  readonly lineChannels: number;
  /** Output channels per slab. */
  readonly slabChannels: number;
  readonly box: readonly [number, number, number];
  /** Number of boxes. */
  readonly counts: number;
  /** Rows are not cut, and share the zeros between them. */
  readonly flat: boolean;
  /** Positions from one row of a line to the next, and from one slice to the next. */
  readonly period: number;
  readonly lineSlice: number;
  readonly planeSlice: number;
  readonly planeSize: number;
  /** Elements from one line to the next. */
  readonly line: number;
  readonly planesBytes: number;
  readonly linesBytes: number;
}

/** The tile's row of C: bytes. The twin of `stripBytes` in assembly/conv/implicit_tile.ts. */
function stripBytes({ kernelSet }: ForwardSpec): number {
  return { wide: 192, relaxed: 96, simd: 80 }[kernelSet];
}

/**
 * Blocks of K and slabs do not depend on sizes: one packed weight serves all. Boxes are as large as planes and lines
 * may be together in L2, up to a useful item.
 */
export function implicitBoxes(spec: ForwardSpec, layout: Layout): ImplicitBoxes {
  const { geometry, input, dtype } = spec;
  const { phases, planesPerChannel, taps } = layout;
  const { inChannels, outChannels } = geometry;
  const [, axisH, axisW] = geometry.axes;
  const bytes = elementBytes(dtype);
  const width = stripBytes(spec) / bytes;
  const [shiftD, shiftH, shiftW] = phases.map(({ maxShift }) => maxShift);
  const extent = phases.map(({ begin, end }) => end - begin);

  const rowsInMemory = axisH.input === 1 || input.spatial[1] === axisW.input * input.spatial[2];
  // blocks of K, and so the packed weight and bits, do not depend on where the input lies
  const isThin = shiftD + shiftH + shiftW === 0 && outChannels * planesPerChannel <= IN_PLACE_ROWS;
  const packedKc = Math.max(LEAST_KC, Math.floor(STRIP_ROWS / ((shiftD + 1) * (shiftH + 1))));
  const kc = Math.min(inChannels, roundUp(evenly(inChannels, isThin ? THIN_KC : packedKc), 4));
  const mayStay = isThin && rowsInMemory && (spec.inputActivation?.kind ?? 0) === 0;
  const mayTurn = isTurned(spec) && dtype !== 'float64' && spec.kernelSet !== 'wide' && axisW.input >= TURNED_POSITIONS;

  // where channels are neighbours in memory, thin blocks would be parts of its lines
  const lineChannels =
    isThin && isTurned(spec) ? kc * Math.min(Math.floor(STRIP_ROWS / kc), ceilDiv(inChannels, kc)) : kc;

  const byWeight = Math.floor(A_BLOCK_BYTES / (inChannels * taps * bytes));
  const byPlanes = Math.floor(PLANES_BYTES / (planesPerChannel * 4 * width * bytes));
  const slabChannels = evenly(outChannels, Math.max(1, Math.min(byWeight, byPlanes)));

  const measure = (box: readonly [number, number, number]) => {
    const flat = box[2] >= extent[2];
    const inPlace = mayStay && (input.spatial[2] === 1 || (flat && mayTurn));
    const period = flat ? axisW.input + shiftW : box[2] + shiftW;
    const planeSlice = roundUp(flat ? box[1] * period : box[2], width);
    const planeSize = spread(box[0] * planeSlice, bytes);
    const lineSlice = (box[1] + shiftH) * period;
    // in place: the columns that do not fill a strip
    const line = spread(inPlace ? width : (box[0] + shiftD) * lineSlice + width + shiftW, bytes);
    return {
      flat,
      inPlace,
      period,
      planeSlice,
      planeSize,
      lineSlice,
      line,
      planesBytes: roundUp((slabChannels * planesPerChannel + 1) * planeSize * bytes, 64),
      linesBytes: roundUp(Math.max(lineChannels * line * bytes, inPlace ? TURNED_BYTES : 0), 64),
    };
  };
  const fits = (box: readonly [number, number, number]) => {
    const { planesBytes, linesBytes } = measure(box);
    return planesBytes <= PLANES_BYTES && linesBytes <= LINES_BYTES;
  };

  const parts = geometry.batch * geometry.groups * ceilDiv(outChannels, slabChannels);
  let box: [number, number, number] = [1, 1, extent[2]];
  while (box[2] > width && !fits(box)) box[2] = roundUp(ceilDiv(box[2], 2), width);
  if (box[2] >= extent[2]) {
    const flopsPerRow = 2 * inChannels * taps * slabChannels * axisW.input;
    const wanted = ceilDiv(ITEM_FLOPS, flopsPerRow);
    const grow = (axis: 0 | 1, target: number) => {
      const limit = Math.min(extent[axis], target);
      const at = (length: number): [number, number, number] =>
        axis === 0 ? [length, box[1], box[2]] : [1, length, box[2]];
      while (box[axis] < limit && fits(at(box[axis] + 1))) box = at(box[axis] + 1);
      box = at(evenly(extent[axis], box[axis]));
    };
    grow(1, wanted);
    if (box[1] >= extent[1] && !measure(box).inPlace) grow(0, ceilDiv(wanted, extent[1]));
  }
  const countOf = (cut: readonly number[]) =>
    extent.reduce((product, length, i) => product * ceilDiv(length, cut[i]), 1);
  const cuts = missingItems(directFlops(geometry), parts * countOf(box));
  if (box[1] > 1) box = [box[0], evenly(extent[1], ceilDiv(box[1], cuts)), box[2]];
  else if (cuts > 1) box = [box[0], 1, roundUp(ceilDiv(box[2], cuts), width)];
  return { width, kc, lineChannels, slabChannels, box, counts: countOf(box), ...measure(box) };
}

/** An odd number of cache lines, so that neighbours in a column do not fall into the same lines of L1. */
export function spread(elements: number, bytes: number): number {
  return ((ceilDiv(elements * bytes, 64) | 1) * 64) / bytes;
}
