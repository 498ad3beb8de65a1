/** How the forward pass is cut into items: slabs of channels, boxes of plane coordinates, lines of columns. */

import { elementBytes } from '../core/dtype.ts';
import {
  A_BLOCK_BYTES,
  B_PANELS_BYTES,
  ceilDiv,
  evenly,
  ITEM_FLOPS,
  missingItems,
  nrOf,
  PLANES_BYTES,
  roundUp,
  ROWS_WORTH_PACKING,
} from './blocking.ts';
import { directFlops } from './conv_geometry.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';

/**
 * What a line of columns is: one input row; a whole slice, its rows one after another with gaps as wide as the largest
 * shift; or a whole slice of rows that are at most one vector wide, two of which make a strip.
 */
export type Lines = 'row' | 'slice' | 'pairs';

/** How an item is cut, and the plane that it needs. */
export interface Boxes {
  readonly lines: Lines;
  readonly slabChannels: number;
  readonly box: readonly [number, number, number];
  readonly planeRow: number;
  readonly planeSlice: number;
  readonly planeSize: number;
  readonly panelBytes: number;
}

/**
 * Cuts the planes into boxes and the channels into slabs, such that planes and packed B of an item stay
 * in L2 and an item is of a useful size.
 */
export function chooseBoxes(spec: ForwardSpec, layout: Layout, kc: number): Boxes {
  const { geometry, dtype } = spec;
  const { axes, outChannels, inChannels } = geometry;
  const { phases, planesPerChannel } = layout;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const [axisD, axisH, axisW] = axes;
  const [shiftD, shiftH, shiftW] = phases.map(({ maxShift }) => maxShift);
  const extent = phases.map(({ begin, end }) => end - begin);
  const flopsPerColumn = 2 * inChannels * Math.max(layout.taps, 1); // per output channel

  const anySlab = spec.anySize ? slabForAnySize(spec, layout) : null;
  const lines = chooseLines(spec, layout, anySlab);
  const flat = lines !== 'row';
  /** Columns of a line, and plane elements from one row to the next. */
  const lineSizes = (kind: Lines, box: readonly [number, number, number]) => {
    const width = axisW.input;
    if (kind === 'pairs') return { columns: (axisH.input - 1) * (nr / 2) + width, planeRow: nr / 2 + shiftW };
    if (kind === 'slice') return { columns: (axisH.input - 1) * (width + shiftW) + width, planeRow: width + shiftW };
    const columns = Math.min(width, box[2] >= extent[2] ? width : box[2] + shiftW + nr - 1);
    return { columns, planeRow: roundUp(ceilDiv(columns, nr) * nr + shiftW, 4) };
  };
  /** Plane and panel sizes of a box. */
  const measure = (box: readonly [number, number, number]) => {
    const { columns, planeRow } = lineSizes(lines, box);
    const strips = ceilDiv(columns, nr);
    const rows = flat ? axisH.input + shiftH : box[1];
    // a slice's last strip may reach beyond its last row
    const planeSlice = rows * planeRow + (flat ? Math.max(nr, planeRow) : 0);
    const planeSize = box[0] * planeSlice;
    const count = Math.min(box[0] + shiftD, axisD.input) * (flat ? 1 : Math.min(box[1] + shiftH, axisH.input));
    return { planeRow, planeSlice, planeSize, panelBytes: roundUp(count * strips * nr * kc * bytes, 64) };
  };
  const fits = (box: readonly [number, number, number], channels: number) => {
    const { planeSize, panelBytes } = measure(box);
    return channels * planesPerChannel * planeSize * bytes <= PLANES_BYTES && panelBytes <= B_PANELS_BYTES;
  };

  // W: whole rows where one row of one channel fits, else columns cut at multiples of nr
  const wholeW = roundUp(extent[2] + nr, nr);
  let box: [number, number, number] = [1, flat ? axisH.input + shiftH : 1, wholeW];
  if (!flat) while (box[2] > nr && !fits(box, anySlab ?? 1)) box[2] = roundUp(box[2] / 2, nr);
  // channels: as many as planes allow, and packed weights in half of L2
  const rowsOfWork = geometry.batch * extent[0] * (flat ? 1 : extent[1]) * ceilDiv(extent[2], box[2]);
  let slabChannels = rowsOfWork > 1 ? Math.max(channelsOfWeight(spec, layout), leastChannels(layout)) : outChannels;
  const planeBytes = measure(box).planeSize * Math.max(planesPerChannel, 1) * bytes;
  const least = Math.min(leastChannels(layout), Math.floor(MOST_PLANES_BYTES / planeBytes));
  slabChannels = Math.min(outChannels, slabChannels, Math.max(1, Math.floor(PLANES_BYTES / planeBytes), least));
  const parts = missingItems(directFlops(geometry), geometry.groups * rowsOfWork * ceilDiv(outChannels, slabChannels));
  const worthPacking = Math.min(slabChannels, ceilDiv(ROWS_WORTH_PACKING, Math.max(layout.taps, 1)));
  slabChannels = Math.max(worthPacking, ceilDiv(slabChannels, parts));
  slabChannels = anySlab ?? evenly(outChannels, slabChannels);
  // rows, then slices, until the item is large enough
  const columns = flat ? axisH.input * axisW.input : Math.min(axisW.input, box[2]);
  const flopsPerRow = flopsPerColumn * columns * slabChannels;
  const wanted = Math.max(1, Math.round(ITEM_FLOPS / flopsPerRow));
  const grow = (axis: 0 | 1, target: number) => {
    const limit = Math.min(extent[axis], target);
    while (box[axis] < limit) {
      const next: [number, number, number] = [...box];
      next[axis] = Math.min(limit, box[axis] * 2);
      if (!fits(next, slabChannels)) break;
      box = next;
    }
  };
  if (!flat) {
    grow(1, wanted);
    box[1] = ceilDiv(extent[1], ceilDiv(extent[1], box[1])); // even boxes
  }
  if (flat || box[1] >= extent[1]) {
    grow(0, Math.max(1, Math.round(wanted / (flat ? 1 : extent[1]))));
    box[0] = ceilDiv(extent[0], ceilDiv(extent[0], box[0]));
  }
  return { lines, slabChannels, box, ...measure(box) };
}

/** Planes of a slab of few channels. */
const MOST_PLANES_BYTES = 4 * PLANES_BYTES;
/** Phases from which on the end of col2im is a large part of the work. */
const MANY_PHASES = 64;

/**
 * Channels of a slab, whatever their weights take. Where channels are neighbours in memory, a slab of a few writes parts
 * of lines, which leave the cache before the next slab comes (fcn32s-upscore 0.5, 0.79 and 0.89 of the speed in row-major
 * memory, with 1, 7 and 21 channels); in row-major memory it is as fast. All layouts have the same slabs, because the
 * order of sums depends on them.
 */
function leastChannels({ planesPerChannel }: Layout): number {
  return planesPerChannel < MANY_PHASES ? 8 : 32;
}

/** Channels whose packed weights fill half of L2. */
function channelsOfWeight({ geometry, dtype }: ForwardSpec, { taps }: Layout): number {
  const bytesPerChannel = geometry.inChannels * Math.max(taps, 1) * elementBytes(dtype);
  return Math.min(geometry.outChannels, Math.max(1, Math.floor(A_BLOCK_BYTES / bytesPerChannel)));
}

/** Columns of a plane that a slab for any size leaves room for. */
const LEAST_COLUMNS = 64;

/** The slab when it may not depend on sizes. */
function slabForAnySize(spec: ForwardSpec, layout: Layout): number {
  const row = LEAST_COLUMNS + layout.phases[2].maxShift;
  const planesOfRow = Math.floor(PLANES_BYTES / (layout.planesPerChannel * row * elementBytes(spec.dtype)));
  return evenly(spec.geometry.outChannels, Math.min(channelsOfWeight(spec, layout), Math.max(1, planesOfRow)));
}

/**
 * What fills strips best; whole slices must fit, and be worth more than a few percent.
 * @param slab channels whose slices must fit together; null when the slab is chosen to fit
 */
function chooseLines(
  { geometry, dtype }: ForwardSpec,
  { phases, planesPerChannel }: Layout,
  slab: number | null,
): Lines {
  const [, { input: height }, { input: width }] = geometry.axes;
  const nr = nrOf(dtype);
  const [, { maxShift: shiftH }, { maxShift: shiftW }] = phases;
  if (height === 1) return 'row';
  const row = Math.max(width, nr / 2) + shiftW;
  const slice = ((height + shiftH + 1) * row + nr) * planesPerChannel * elementBytes(dtype);
  const fits = slab === null ? slice <= PLANES_BYTES / 8 : slab * slice <= PLANES_BYTES;
  if (!fits) return 'row';
  const useful = height * width;
  const byRow = useful / (height * roundUp(width, nr));
  const bySlice = useful / roundUp((height - 1) * (width + shiftW) + width, nr);
  const byPairs = width <= nr / 2 ? useful / roundUp(height * (nr / 2), nr) : 0;
  if (byPairs >= bySlice && byPairs > byRow * LEAST_GAIN) return 'pairs';
  return bySlice > byRow * LEAST_GAIN ? 'slice' : 'row';
}

/** Gathering columns from several rows costs some of what it gains. */
const LEAST_GAIN = 1.08;
