/** Rows of A of a Toom-Cook product: (phase, channel) of a slab. See assembly/conv/winograd_weight.ts. */

import { ceilDiv, chooseMr, roundUp, stepCycles } from './blocking.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { product } from './implicit_runs.ts';

/** Rows of all points of a slab together: with 128 columns, its products are 2 MiB. */
const SLAB_POINT_ROWS = 4096;
/** A slab takes as long as so many more rows. */
const SLAB_OVERHEAD = 2;

export interface WinogradRows {
  readonly slabChannels: number;
  readonly slabs: number;
  readonly mr: number;
  /** Tiles of A of a slab. */
  readonly tiles: number;
  /** Tiles that are not zero, of all points together. */
  readonly filled: number;
  readonly tables: Readonly<Record<'runTablePtr' | 'blockTablePtr', Int32Array>>;
}

export interface RowsOptions {
  /** Where there are channels for so many. */
  readonly leastSlabs?: number;
  /** Of a slab, even if its products are larger than others'. */
  readonly leastChannels?: number;
  /** No tile has rows of two phases. */
  readonly apart?: boolean;
}

/** Does not depend on sizes, unless `leastSlabs` does: one packed weight serves all. */
export function winogradRows(
  spec: ForwardSpec,
  layout: Layout,
  points: number,
  { leastSlabs = 1, leastChannels = 1, apart = false }: RowsOptions = {},
): WinogradRows {
  const planes = layout.planesPerChannel;
  const paddedRows = (channels: number) => (height: number) =>
    apart ? planes * roundUp(channels, height) : roundUp(channels * planes, height);
  const useful = Math.max(SLAB_POINT_ROWS / points / planes, leastChannels);
  const most = Math.min(useful, spec.geometry.outChannels / leastSlabs);
  const wanted = chooseSlab(spec, Math.floor(most), paddedRows);
  const mr = chooseMr(spec, paddedRows(wanted));
  const slabChannels = apart ? roundUp(wanted, mr) : wanted;
  const rows = slabChannels * planes;
  const { runs, pointRuns, filled } = filledRuns(layout, slabChannels, mr);
  return {
    slabChannels,
    slabs: ceilDiv(spec.geometry.outChannels, slabChannels),
    mr,
    tiles: ceilDiv(rows, mr),
    filled,
    tables: {
      runTablePtr: Int32Array.from(runs),
      blockTablePtr: Int32Array.from(pointRuns),
    },
  };
}

/** Channels of a slab: about so many, with the least padding. */
function chooseSlab(
  spec: ForwardSpec,
  wanted: number,
  paddedRows: (channels: number) => (height: number) => number,
): number {
  const { outChannels } = spec.geometry;
  const most = Math.min(outChannels, Math.max(1, wanted));
  let best = most;
  let least = Infinity;
  for (let channels = most; channels >= most / 2; channels--) {
    const mr = chooseMr(spec, paddedRows(channels));
    const step = stepCycles(paddedRows(channels)(mr), mr, spec.kernelSet);
    const cost = ceilDiv(outChannels, channels) * (step + SLAB_OVERHEAD);
    if (cost < least) [best, least] = [channels, cost];
  }
  return best;
}

/**
 * For each point, the runs of tiles that are not zero: a phase without its first or last tap has no product at point 0
 * or ∞.
 */
function filledRuns(
  { phases }: Layout,
  slabChannels: number,
  mr: number,
): { runs: number[]; pointRuns: number[]; filled: number } {
  // per axis, phase and point
  const hasProduct = phases.map(({ taps, residues, maxShift }) =>
    residues.map((residue) => {
      const has = (shift: number) => taps.some((tap) => tap.residue === residue && tap.shift === shift);
      return maxShift === 0 ? [true] : [has(maxShift), true, true, has(0)];
    }),
  );
  const points = product(hasProduct.map(([first]) => [...first.keys()]));
  const all = product(hasProduct.map((ofPhase) => [...ofPhase.keys()]));
  const tiles = ceilDiv(all.length * slabChannels, mr);
  const runs: number[] = [];
  const pointRuns = [0];
  let filled = 0;
  for (const point of points) {
    const isFilled = all.map((phase) => phase.every((index, axis) => hasProduct[axis][index][point[axis]]));
    let end = -1; // of the last run
    for (let tile = 0; tile < tiles; tile++) {
      const first = Math.floor((tile * mr) / slabChannels);
      if (!isFilled.slice(first, ceilDiv((tile + 1) * mr, slabChannels)).includes(true)) continue;
      filled++;
      if (tile === end) runs[runs.length - 1]++;
      else runs.push(tile, tile + 1);
      end = tile + 1;
    }
    pointRuns.push(runs.length / 2);
  }
  return { runs, pointRuns, filled };
}
