/** Rows of A of the forward pass: their order, their tiles, and the tables that kernels read. */

import type { AxisPhases } from './conv_geometry.ts';
import type { Boxes } from './forward_boxes.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';

/** One row of A: (shift, channel, phase), and the tap that is there. */
interface Row {
  readonly channel: number;
  readonly phase: number;
  readonly shift: readonly [number, number, number];
  readonly weightOffset: number;
}

/** Rows grouped by the shift of the outer axes: a tile runs for an input row when that shift lands in the box. */
export interface Run {
  readonly shiftD: number;
  readonly shiftH: number;
  readonly rows: readonly Row[];
}

/** Rows of A are cut into blocks of this many, whatever mr is, so that bits do not depend on mr. */
export const BLOCK_ROWS_UNIT = 60;

/** Runs of a slab in packing order: shift, channel, phase. */
export function collectRuns(spec: ForwardSpec, { phases }: Layout, slabChannels: number): Run[] {
  const [phasesD, phasesH, phasesW] = phases;
  const { weight } = spec;
  const runs: Run[] = [];
  for (const shiftD of shiftsOf(phasesD)) {
    for (const shiftH of shiftsOf(phasesH)) {
      const rows: Row[] = [];
      for (const shiftW of shiftsOf(phasesW)) {
        for (let channel = 0; channel < slabChannels; channel++) {
          for (const d of tapsAt(phasesD, shiftD)) {
            for (const h of tapsAt(phasesH, shiftH)) {
              for (const w of tapsAt(phasesW, shiftW)) {
                rows.push({
                  channel,
                  phase: (d.phase * phasesH.residues.length + h.phase) * phasesW.residues.length + w.phase,
                  shift: [shiftD, shiftH, shiftW],
                  weightOffset:
                    channel * weight.outChannel +
                    d.tap * weight.spatial[0] +
                    h.tap * weight.spatial[1] +
                    w.tap * weight.spatial[2],
                });
              }
            }
          }
        }
      }
      runs.push({ shiftD, shiftH, rows });
    }
  }
  return runs;
}

function shiftsOf({ taps }: AxisPhases): number[] {
  return [...new Set(taps.map(({ shift }) => shift))];
}

function tapsAt({ taps, residues }: AxisPhases, shift: number): { tap: number; phase: number }[] {
  return taps
    .filter((tap) => tap.shift === shift)
    .map(({ tap, residue }) => ({ tap, phase: residues.indexOf(residue) }));
}

/** Cuts runs into blocks of at most `blockRows` rows. */
export function cutBlocks(runs: readonly Run[], blockRows: number): Run[][] {
  const blocks: Run[][] = [];
  let current: Run[] = [];
  let used = 0;
  for (const run of runs) {
    for (let at = 0; at < run.rows.length;) {
      const take = Math.min(run.rows.length - at, blockRows - used);
      current.push({ ...run, rows: run.rows.slice(at, at + take) });
      at += take;
      used += take;
      if (used === blockRows) {
        blocks.push(current);
        current = [];
        used = 0;
      }
    }
  }
  if (current.length > 0) blocks.push(current);
  return blocks;
}

/** Rows of all tiles; null pads a tile whose next row would overlap one of its rows in memory. */
export function tileRows(blocks: readonly (readonly Run[])[], mr: number): (Row | null)[] {
  return blocks.flat().flatMap((run) => padRun(run, mr));
}

function padRun({ rows }: Run, mr: number): (Row | null)[] {
  const padded: (Row | null)[] = [];
  let inTile = new Set<string>();
  for (const row of rows) {
    const plane = `${row.channel},${row.phase}`;
    if (inTile.has(plane)) while (padded.length % mr !== 0) padded.push(null);
    if (padded.length % mr === 0) inTile = new Set();
    inTile.add(plane);
    padded.push(row);
  }
  while (padded.length % mr !== 0) padded.push(null);
  return padded;
}

export function buildTables(
  blocks: readonly (readonly Run[])[],
  mr: number,
  layout: Layout,
  { planeRow, planeSlice, planeSize }: Boxes,
  slabChannels: number,
  bytes: number,
): { tiles: number; pack: Int32Array; rowOffset: Int32Array; runs: Int32Array; blockRuns: Int32Array } {
  const rowOffset: number[] = [];
  const pack: number[] = [];
  const runTable: number[] = [];
  const blockRuns: number[] = [0];
  const dumpPlane = slabChannels * layout.planesPerChannel;
  for (const block of blocks) {
    for (const run of block) {
      const firstTile = rowOffset.length / mr;
      for (const row of padRun(run, mr)) {
        const plane = row === null ? dumpPlane : row.channel * layout.planesPerChannel + row.phase;
        const shift = run.shiftD * planeSlice + run.shiftH * planeRow + (row === null ? 0 : row.shift[2]);
        rowOffset.push((plane * planeSize + shift) * bytes);
        pack.push(row === null ? 0 : row.weightOffset, row === null ? -1 : row.channel);
      }
      runTable.push(firstTile, rowOffset.length / mr, run.shiftD, run.shiftH);
    }
    blockRuns.push(runTable.length / 4);
  }
  return {
    tiles: rowOffset.length / mr,
    pack: Int32Array.from(pack),
    rowOffset: Int32Array.from(rowOffset),
    runs: Int32Array.from(runTable),
    blockRuns: Int32Array.from(blockRuns),
  };
}
