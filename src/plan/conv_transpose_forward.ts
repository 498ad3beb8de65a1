/** Plan of the forward pass: phase planes, tiles of A, boxes. See assembly/conv/conv_transpose_forward.ts. */

import { elementBytes } from '../core/dtype.ts';
import { A_BLOCK_BYTES, ceilDiv, chooseKc, chooseMr, nrOf, roundUp } from './blocking.ts';
import { activationFields, boxFields, geometryFields } from './conv_fields.ts';
import { batchAsColumns } from './batch_columns.ts';
import type { AxisPhases, ConvGeometry } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { Boxes } from './forward_boxes.ts';
import { chooseBoxes } from './forward_boxes.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { layoutOf } from './forward_spec.ts';
import { BLOCK_ROWS_UNIT, buildTables, collectRuns, cutBlocks, tileRows } from './forward_tiles.ts';
import { pointer } from './stage.ts';

/**
 * Plan of `output = col2im(Wᵀ · input)`, with bias and activation. Operands: `input`, `bias` (one number per output
 * channel) and `weight` or `packedWeight` are read, `output` is written.
 */
export function planConvTransposeForward(given: ForwardSpec): ConvPlan {
  const spec = !given.anySize && columnsPay(given) ? batchAsColumns(given) : given;
  const { dtype, geometry, kernelSet } = spec;
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
  const mr = chooseMr(kernelSet, spec.mr, (height) => tileRows(blocks, height).length);
  const tables = buildTables(blocks, mr, layout, boxes, slabChannels, bytes);

  const boxCounts = phases.map(({ begin, end }, axis) =>
    axis === 1 && boxes.lines !== 'row'
      ? 1
      : axis === 2
        ? ceilDiv(end - Math.floor(begin / nrOf(dtype)) * nrOf(dtype), box[2])
        : ceilDiv(end - begin, box[axis]),
  ) as [number, number, number];
  const everyShiftIsZero = phases.every(({ maxShift }) => maxShift === 0);

  const planesBytes = roundUp((slabChannels * layout.planesPerChannel + 1) * planeSize * bytes, 64);
  const panelsOffset = planesBytes;
  const rowBufferOffset = panelsOffset + boxes.panelBytes;
  const rowBufferBytes =
    spec.output.spatial[2] === 1 && !spec.accumulate ? 0 : roundUp(geometry.axes[2].output * bytes, 64);
  const tileOffset = rowBufferOffset + rowBufferBytes;
  const perThread = tileOffset + roundUp(mr * (32 + 4), 64);

  const headerBytes = roundUp(geometry.groups * slabs * ceilDiv(depth, kc) * 4, 64);
  const packedWeightBytes = headerBytes + geometry.groups * slabs * depth * tables.tiles * mr * bytes;

  const fields = {
    ...geometryFields(geometry, boxes.lines === 'row' ? phases : wholeRows(geometry, phases), spec.input, spec.output),
    ...boxFields(box, boxCounts),
    weightInStride: spec.weight.inChannel,
    weightOutStride: spec.weight.outChannel,
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
    flat: boxes.lines === 'row' ? 0 : 1,
    ...lineFields(boxes, nrOf(dtype), bytes),
    writeOnce: everyShiftIsZero && taps > 0 ? 1 : 0,
    accumulate: spec.accumulate ? 1 : 0,
    ...activationFields(spec),
    planesOffset: 0,
    panelsOffset,
    rowBufferOffset,
    tileOffset,
    threadBytes: perThread,
    packedPtr: pointer('packedWeight'),
  };
  const suffix = dtype === 'float64' ? 'F64' : 'F32';
  const items = geometry.groups * slabs * geometry.batch * boxCounts[0] * boxCounts[1] * boxCounts[2];
  return {
    pack: [
      {
        entry: `packForwardWeight${suffix}`,
        items: geometry.groups * slabs * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, weightPtr: pointer('weight'), packTablePtr: tables.pack },
      },
    ],
    stages: [
      {
        entry: `convTransposeForward${suffix}`,
        items,
        flops: directFlops(geometry),
        block: 'conv',
        fields: {
          ...fields,
          inputPtr: pointer('input'),
          outputPtr: pointer('output'),
          ...(spec.bias ? { biasPtr: pointer('bias') } : {}),
          workspacePtr: pointer('workspace'),
          rowOffsetPtr: tables.rowOffset,
          runTablePtr: tables.runs,
          blockTablePtr: tables.blockRuns,
        },
      },
    ],
    packedWeightBytes,
    workspaceBytes: { shared: 0, perThread },
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

/** Flat items hold all rows of a slice, cropped ones too. */
function wholeRows({ axes }: ConvGeometry, [d, h, w]: Layout['phases']): AxisPhases[] {
  return [d, { ...h, begin: 0, end: axes[1].input + h.maxShift }, w];
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
