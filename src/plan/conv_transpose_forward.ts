/** Plan of the forward pass: phase planes, tiles of A, boxes. See assembly/conv/conv_transpose_forward.ts. */

import { elementBytes } from '../core/dtype.ts';
import { A_BLOCK_BYTES, ceilDiv, chooseKc, chooseMr, nrOf, roundUp, stepCycles } from './blocking.ts';
import type { Range } from './conv_fields.ts';
import { workspaceFields } from './conv_fields.ts';
import { tileBytes } from './conv_gather.ts';
import { batchAsColumns } from './batch_columns.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { Boxes } from './forward_boxes.ts';
import { chooseBoxes } from './forward_boxes.ts';
import { forwardPlan } from './forward_plan.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { layoutOf, rowBufferBytes } from './forward_spec.ts';
import { BLOCK_ROWS_UNIT, buildTables, collectRuns, cutBlocks, tileRows } from './forward_tiles.ts';

/** Cycles, see `ConvPlan`: to add a row of C to its plane, to pack an element of B. */
const ADD_ROW = 4;
const PACK_ELEMENT = 1.5;
/**
 * Speed of the plain set's tiles beside that of an implicit GEMM, which loads fewer elements of A per multiply-add: 1.04
 * in V8, but 0.78 in JavaScriptCore, which takes three instructions of x64 to load one for all lanes.
 */
const PLAIN_SPEED = 0.88;

/** Plan of `output = col2im(Wᵀ · input)`, with bias and activation. */
export function planConvTransposeForward(given: ForwardSpec): ConvPlan {
  const spec = !given.anySize && columnsPay(given) ? batchAsColumns(given) : given;
  const { dtype, geometry } = spec;
  const bytes = elementBytes(dtype);
  const layout = layoutOf(geometry, !spec.anySize);
  const { phases, taps } = layout;
  const kc = chooseKc(geometry.inChannels);
  const boxes = chooseBoxes(spec, layout, kc);
  const { slabChannels, box, planeSize } = boxes;

  const blockRows = Math.max(
    BLOCK_ROWS_UNIT,
    Math.floor(A_BLOCK_BYTES / (kc * bytes * BLOCK_ROWS_UNIT)) * BLOCK_ROWS_UNIT,
  );
  const blocks = cutBlocks(collectRuns(spec, layout, slabChannels), blockRows);
  const mr = chooseMr(spec, (height) => tileRows(blocks, height).length);
  const tables = buildTables(blocks, mr, layout, boxes, slabChannels, bytes);

  const { batch, inChannels, outChannels } = geometry;
  const writeOnce = taps > 0 && phases.every(({ maxShift }) => maxShift === 0);
  const rows = tables.tiles * mr;
  const cycles =
    (stepCycles(rows, mr, spec.kernelSet) / (spec.kernelSet === 'simd' ? PLAIN_SPEED : 1)) * inChannels +
    (writeOnce ? ADD_ROW / 2 : ADD_ROW) * rows * ceilDiv(inChannels, kc) +
    PACK_ELEMENT * nrOf(dtype) * inChannels;
  const fields = {
    ...workspaceFields((slabChannels * layout.planesPerChannel + 1) * planeSize * bytes, {
      panels: boxes.panelBytes,
      rowBuffer: rowBufferBytes(spec, bytes),
      tile: tileBytes(mr, nrOf(dtype)),
    }),
    planeRow: boxes.planeRow,
    planeSlice: boxes.planeSlice,
    planeSize,
    blocks: blocks.length,
    flat: Number(boxes.lines !== 'row'),
    ...lineFields(boxes, nrOf(dtype), bytes),
    writeOnce: Number(writeOnce),
  };
  return forwardPlan(
    'convTransposeForward',
    spec,
    layout,
    rangesOf(spec, layout, boxes),
    box,
    { mr, kc, slabChannels, tiles: tables.tiles },
    fields,
    tables.pack,
    { rowOffsetPtr: tables.rowOffset, runTablePtr: tables.runs, blockTablePtr: tables.blockRuns },
    phases.map((axis) => axis.taps.map(({ tap }) => tap).join('.')),
    batch * stripsOf(spec, boxes) * ceilDiv(outChannels, slabChannels) * cycles,
  );
}

/** Strips of an image. */
function stripsOf({ geometry, dtype }: ForwardSpec, { lines, planeRow }: Boxes): number {
  const [depth, height, width] = geometry.axes.map(({ input }) => input);
  const nr = nrOf(dtype);
  if (lines === 'pairs') return depth * ceilDiv(height, 2);
  return depth * (lines === 'row' ? height * ceilDiv(width, nr) : ceilDiv((height - 1) * planeRow + width, nr));
}

/** True when neighbours in the batch fill strips better than neighbours in a row. */
function columnsPay({ geometry, dtype }: ForwardSpec): boolean {
  const [, h, w] = geometry.axes;
  const nr = nrOf(dtype);
  const byRows = w.input / roundUp(w.input, nr / 2); // rows of half a strip go in pairs
  const byBatch = geometry.batch / roundUp(geometry.batch, nr);
  return h.input * w.input <= 2 * nr && byBatch >= 1.25 * byRows;
}

/** How positions of a line become columns of strips and plane elements. */
function lineFields({ lines, planeRow }: Boxes, nr: number, bytes: number): Record<string, number> {
  if (lines === 'pairs') return { linePeriod: nr / 2, stripStep: 2 * planeRow, splitBytes: planeRow * bytes };
  return { linePeriod: planeRow, stripStep: nr, splitBytes: 16 };
}

/** What boxes cut: along W at multiples of nr, so that strips lie alike in every item; flat items hold all rows. */
function rangesOf({ geometry, dtype }: ForwardSpec, { phases }: Layout, { lines }: Boxes): Range[] {
  const nr = nrOf(dtype);
  return phases.map(({ begin, end, maxShift }, axis) => {
    if (axis === 1 && lines !== 'row') return { origin: 0, begin: 0, end: geometry.axes[1].input + maxShift };
    return { origin: axis === 2 ? Math.floor(begin / nr) * nr : begin, begin, end };
  });
}
