/**
 * Tables of an implicit GEMM: which taps and planes are multiplied together, and where they lie. See
 * assembly/conv/implicit_forward.ts.
 */

import { elementBytes } from '../core/dtype.ts';
import type { AxisPhases } from './conv_geometry.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import type { ImplicitBoxes } from './implicit_boxes.ts';

/** Rows of C in a tile. */
export const TILE_ROWS = 2;

export interface ImplicitTables {
  readonly runs: number;
  /** Micro-panels of A per input channel: (run, pair of rows of C, tap). */
  readonly panels: number;
  /** Rows of C, padding included. */
  readonly rows: number;
  /** (weight offset, channel) per row of a panel, channel −1 for padding. */
  readonly pack: Int32Array;
  /** Addresses in the plan of what follows. */
  readonly pointers: Readonly<Record<'runTablePtr' | 'rowOffsetPtr' | 'tapTablePtr', Int32Array>>;
}

/**
 * A run multiplies shifts that all of its phases have: every (phase, shift) is in one run. So where channels are few
 * there are still rows of C: with 9 taps and stride 2, all 4 phases have 16 of 25 shifts. Shifts with fewer phases come
 * later, and add to planes that an earlier run has written.
 */
export function implicitTables(
  { dtype, weight, geometry }: ForwardSpec,
  { phases, planesPerChannel }: Layout,
  { slabChannels, planeSize, lineSlice, period }: ImplicitBoxes,
): ImplicitTables {
  const bytes = elementBytes(dtype);
  const linePitch = [lineSlice, period, 1];
  const pack: number[] = [];
  const runTable: number[] = [];
  const rowOffset: number[] = [];
  const tapOffset: number[] = [];
  const written = new Set<number>();
  for (const run of product(phases.map(runsOf))) {
    const shifts = product(run.map((axis) => axis.shifts));
    const own = product(run.map((axis) => axis.phases)).map((indices) => ({
      plane: indices.reduce((plane, index, axis) => plane * phases[axis].residues.length + index, 0),
      residues: indices.map((index, axis) => phases[axis].residues[index]),
    }));
    const rows: ({ channel: number; plane: number; residues: number[] } | null)[] = [];
    for (let channel = 0; channel < slabChannels; channel++) {
      for (const { plane, residues } of own)
        rows.push({ channel, plane: channel * planesPerChannel + plane, residues });
    }
    while (rows.length % TILE_ROWS > 0) rows.push(null);
    const panel = pack.length / (2 * TILE_ROWS);
    const accumulate = Number(written.has(own[0].plane));
    runTable.push(panel, rows.length / TILE_ROWS, shifts.length, tapOffset.length, rowOffset.length, accumulate);
    for (const { plane } of own) written.add(plane);
    for (let first = 0; first < rows.length; first += TILE_ROWS) {
      for (const shift of shifts) {
        for (const row of rows.slice(first, first + TILE_ROWS)) {
          if (row === null) {
            pack.push(0, -1);
            continue;
          }
          const offset = geometry.axes.reduce((sum, { stride, dilation }, axis) => {
            return sum + ((shift[axis] * stride + row.residues[axis]) / dilation) * weight.spatial[axis];
          }, row.channel * weight.outChannel);
          pack.push(offset, row.channel);
        }
      }
    }
    for (const row of rows) rowOffset.push((row?.plane ?? slabChannels * planesPerChannel) * planeSize * bytes);
    for (const shift of shifts) {
      tapOffset.push(bytes * phases.reduce((sum, { maxShift }, i) => sum + (maxShift - shift[i]) * linePitch[i], 0));
    }
  }
  return {
    runs: runTable.length / 6,
    panels: pack.length / (2 * TILE_ROWS),
    rows: rowOffset.length,
    pack: Int32Array.from(pack),
    pointers: {
      runTablePtr: Int32Array.from(runTable),
      rowOffsetPtr: Int32Array.from(rowOffset),
      tapTablePtr: Int32Array.from(tapOffset),
    },
  };
}

/** Shifts of an axis that reach the same phases, and these by their numbers. */
function runsOf({ taps, residues }: AxisPhases): { phases: number[]; shifts: number[] }[] {
  const runs = new Map<string, { phases: number[]; shifts: number[] }>();
  for (const shift of new Set(taps.map((tap) => tap.shift))) {
    const own = new Set(taps.filter((tap) => tap.shift === shift).map(({ residue }) => residue));
    const phases = [...residues.keys()].filter((index) => own.has(residues[index]));
    const key = phases.join();
    const run = runs.get(key);
    if (run === undefined) runs.set(key, { phases, shifts: [shift] });
    else run.shifts.push(shift);
  }
  return [...runs.values()];
}

/** Every choice of one entry of each list. */
export function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((all, list) => all.flatMap((chosen) => list.map((entry) => [...chosen, entry])), [[]]);
}
