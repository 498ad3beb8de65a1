/** Plan of the forward pass: phase planes, tiles of A, boxes. See assembly/conv/conv_transpose_forward.ts. */

import { elementBytes } from '../core/dtype.ts';
import { A_BLOCK_BYTES, ceilDiv, chooseKc, chooseMr, nrOf, roundUp } from './blocking.ts';
import type { Range } from './conv_fields.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import { tileBytes } from './conv_gather.ts';
import { batchAsColumns } from './batch_columns.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { Boxes } from './forward_boxes.ts';
import { chooseBoxes } from './forward_boxes.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { layoutOf, rowBufferBytes } from './forward_spec.ts';
import { BLOCK_ROWS_UNIT, buildTables, collectRuns, cutBlocks, tileRows } from './forward_tiles.ts';
import { pointer, pointers } from './stage.ts';

/**
 * Plan of `output = col2im(Wᵀ · input)`, with bias and activation. Operands: `input`, `bias` (one number per output
 * channel) and `weight` or `packedWeight` are read, `output` is written.
 */
export function planConvTransposeForward(given: ForwardSpec): ConvPlan {
  const spec = !given.anySize && columnsPay(given) ? batchAsColumns(given) : given;
  const { dtype, geometry } = spec;
  const bytes = elementBytes(dtype);
  const layout = layoutOf(geometry, !spec.anySize);
  const { phases, taps } = layout;
  const depth = geometry.inChannels;
  const kc = chooseKc(depth);
  const boxes = chooseBoxes(spec, layout, kc);
  const { slabChannels, box, planeSize } = boxes;
  const slabs = ceilDiv(geometry.outChannels, slabChannels);

  const blockRows = Math.max(
    BLOCK_ROWS_UNIT,
    Math.floor(A_BLOCK_BYTES / (kc * bytes * BLOCK_ROWS_UNIT)) * BLOCK_ROWS_UNIT,
  );
  const blocks = cutBlocks(collectRuns(spec, layout, slabChannels), blockRows);
  const mr = chooseMr(spec, (height) => tileRows(blocks, height).length);
  const tables = buildTables(blocks, mr, layout, boxes, slabChannels, bytes);

  const everyShiftIsZero = phases.every(({ maxShift }) => maxShift === 0);

  const workspace = workspaceFields((slabChannels * layout.planesPerChannel + 1) * planeSize * bytes, {
    panels: boxes.panelBytes,
    rowBuffer: rowBufferBytes(spec, bytes),
    tile: tileBytes(mr, nrOf(dtype)),
  });

  const headerBytes = roundUp(geometry.groups * slabs * ceilDiv(depth, kc) * 4, 64);
  const packedWeightBytes = headerBytes + geometry.groups * slabs * depth * tables.tiles * mr * bytes;

  const { fields: common, boxes: boxCount } = convFields(spec, phases, rangesOf(spec, layout, boxes), box);
  const fields = {
    ...common,
    ...workspace,
    planeRow: boxes.planeRow,
    planeSlice: boxes.planeSlice,
    planeSize,
    mr,
    kc,
    depth,
    tiles: tables.tiles,
    slabs,
    slabChannels,
    taps,
    blocks: blocks.length,
    flat: Number(boxes.lines !== 'row'),
    ...lineFields(boxes, nrOf(dtype), bytes),
    writeOnce: Number(everyShiftIsZero && taps > 0),
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packForwardWeight',
        items: geometry.groups * slabs * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, ...pointers('weight'), packTablePtr: tables.pack },
      },
    ],
    stages: [
      {
        entry: 'convTransposeForward',
        items: geometry.groups * slabs * geometry.batch * boxCount,
        flops: directFlops(geometry),
        block: 'conv',
        fields: {
          ...fields,
          ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])),
          rowOffsetPtr: tables.rowOffset,
          runTablePtr: tables.runs,
          blockTablePtr: tables.blockRuns,
        },
      },
    ],
    packedWeightBytes,
    workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
    packKey: ['forward', dtype, mr, kc, slabChannels, ...packSignature(spec, layout)].join(','),
  };
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

/** What decides the order of packed rows beside mr, kc and the slab. */
function packSignature(spec: ForwardSpec, layout: Layout): (number | string)[] {
  const { groups, inChannels, outChannels, axes } = spec.geometry;
  return [
    groups,
    inChannels,
    outChannels,
    spec.weight.inChannel,
    spec.weight.outChannel,
    ...spec.weight.spatial,
    ...axes.flatMap(({ stride, dilation }) => [stride, dilation]),
    ...layout.phases.map(({ taps }) => taps.map(({ tap }) => tap).join('.')),
  ];
}
