/** Plan of a convolution, which is gradInput of a transposed one. See assembly/conv/conv_forward.ts. */

import { elementBytes } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import {
  A_BLOCK_BYTES,
  B_PANELS_BYTES,
  ceilDiv,
  chooseKc,
  chooseMr,
  ITEM_FLOPS,
  missingItems,
  nrOf,
  roundUp,
  ROWS_WORTH_PACKING,
  stepCycles,
} from './blocking.ts';
import { batchAsColumns } from './batch_columns.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { Box } from './conv_gather.ts';
import { boxOfPositions, imagesPerItem, inputRanges, rowOffsets, tileBytes } from './conv_gather.ts';
import type { ConvGeometry, Strides } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { reachedOf } from './reached.ts';
import { pointer, pointers } from './stage.ts';

/** Cycles, see `ConvPlan`: to add a row of C to what is there, to pack an element of B. */
const ADD_ROW = 4;
const PACK_ELEMENT = 1;

/**
 * Plan of `input = W · im2col(output)`, with bias and activation. Operands: `output` is read, `input` is written,
 * `weight`, `packedWeight`, `bias` (one number per input channel).
 */
export function planConvForward(given: ForwardSpec): ConvPlan {
  const spec = columnsPay(given) ? batchAsColumns(given) : given;
  const { dtype, geometry } = spec;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const taps = elementCount(geometry.axes.map(({ kernel }) => kernel));
  const depth = geometry.outChannels * taps;
  const kc = chooseKc(depth, taps);
  const rows = geometry.inChannels;
  const mr = chooseMr(spec, (height) => roundUp(rows, height));
  const channels = Math.min(geometry.outChannels, kc % taps === 0 ? kc / taps : Math.ceil(kc / taps) + 1);

  const flopsPerPosition = 2 * rows * depth;
  const byPanels = Math.floor(B_PANELS_BYTES / (kc * bytes));
  const byFlops = Math.max(8 * nr, ITEM_FLOPS / flopsPerPosition);
  const maximumPositions = Math.max(nr, Math.min(byPanels, byFlops));
  const reached = reachedOf(spec);
  const box = boxOfPositions(spec, channels, maximumPositions, reached.copied);
  const lengths = geometry.axes.map(({ input }) => input);
  const images = imagesPerItem(geometry.batch, lengths, box, maximumPositions);
  const tiles = ceilDiv(rows, mr);
  const slabChannels = Math.max(mr, Math.floor(A_BLOCK_BYTES / (kc * bytes * mr)) * mr);
  const strips = ceilDiv(box[0] * box[1] * box[2], nr);
  const workspace = workspaceFields(channels * reached.copied(box) * bytes, {
    panels: images * strips * nr * kc * bytes,
    rowBuffer: spec.input.spatial[2] === 1 ? 0 : box[2] * bytes,
    tile: tileBytes(mr, nr),
  });

  const { fields: common, boxes } = convFields(spec, null, inputRanges(geometry), box);
  const positionItems = geometry.groups * ceilDiv(geometry.batch, images) * boxes;
  const rowBlocks = Math.min(
    missingItems(directFlops(geometry), positionItems),
    Math.max(1, Math.floor(rows / ROWS_WORTH_PACKING)),
  );
  const itemRows = roundUp(ceilDiv(rows, rowBlocks), mr);
  const fields = {
    ...common,
    ...reached.fields(box),
    mr,
    kc,
    depth,
    tiles,
    slabChannels,
    itemRows,
    taps,
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packConvWeight',
        items: geometry.groups * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, ...pointers('weight') },
      },
    ],
    stages: [
      {
        entry: 'convForward',
        items: positionItems * ceilDiv(rows, itemRows),
        flops: directFlops(geometry),
        block: 'conv',
        fields: {
          ...fields,
          ...workspace,
          ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])),
          imagesPerItem: images,
          rowOffsetPtr: rowOffsets(rows, mr, spec.input.channel, bytes),
          dense: Number(isDense(geometry, spec.input, box)),
        },
      },
    ],
    packedWeightBytes: geometry.groups * depth * tiles * mr * bytes,
    workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
    cycles:
      geometry.batch *
      ceilDiv(elementCount(geometry.axes.map(({ input }) => input)), nr) *
      (stepCycles(tiles * mr, mr, spec.kernelSet) * depth +
        ADD_ROW * rows * ceilDiv(depth, kc) +
        PACK_ELEMENT * nr * depth),
    packKey: [
      'conv',
      dtype,
      mr,
      kc,
      taps,
      geometry.groups,
      rows,
      geometry.outChannels,
      given.weight.inChannel, // the order of taps is the same when the batch is columns
      given.weight.outChannel,
      ...given.weight.spatial,
    ].join(','),
  };
}

/** True when images are so small that strips of one image are mostly empty. */
function columnsPay({ geometry, dtype }: ForwardSpec): boolean {
  const nr = nrOf(dtype);
  const positions = elementCount(geometry.axes.map(({ input }) => input));
  const byImage = positions / roundUp(positions, nr);
  const byBatch = geometry.batch / roundUp(geometry.batch, nr);
  return byBatch >= 1.5 * byImage;
}

/** True when the positions of a box are one run in memory. */
function isDense(geometry: ConvGeometry, input: Strides, box: Box): boolean {
  const [, h, w] = geometry.axes;
  return (
    input.spatial[2] === 1 &&
    (box[1] === 1 || input.spatial[1] === w.input) &&
    (box[0] === 1 || input.spatial[0] === w.input * h.input)
  );
}
