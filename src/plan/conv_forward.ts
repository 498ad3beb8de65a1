/** Plan of a convolution, which is gradInput of a transposed one. See assembly/conv/conv_forward.ts. */

import type { CheckedActivation } from '../core/activation.ts';
import { elementBytes } from '../core/dtype.ts';
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
} from './blocking.ts';
import { batchAsColumns } from './batch_columns.ts';
import { activationFields, BOX_BYTES, boxFields, geometryFields } from './conv_fields.ts';
import type { Box, GatherSpec } from './conv_gather.ts';
import {
  boxCounts,
  boxOfPositions,
  imagesPerItem,
  inputRanges,
  phasesOf,
  planesFor,
  rowOffsets,
  tapTable,
  tileBytes,
} from './conv_gather.ts';
import type { ConvGeometry, Strides } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { FieldValue } from './stage.ts';
import { pointer } from './stage.ts';

export interface ConvForwardSpec extends GatherSpec {
  readonly bias: boolean;
  readonly activation?: CheckedActivation;
  /** Of the side that is read. */
  readonly inputActivation?: CheckedActivation;
  /** Add to what is there. */
  readonly accumulate: boolean;
}

/**
 * Plan of `input = W · im2col(output)`, with bias and activation. Operands: `output` is read, `input` is written,
 * `weight`, `packedWeight`, `bias` (one number per input channel).
 */
export function planConvForward(given: ConvForwardSpec): ConvPlan {
  const spec = columnsPay(given) ? batchAsColumns(given) : given;
  const { dtype, geometry, kernelSet } = spec;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const phases = phasesOf(geometry);
  const taps = phases.reduce((product, phase) => product * phase.taps.length, 1);
  const depth = geometry.outChannels * taps;
  const kc = chooseKc(depth, taps);
  const rows = geometry.inChannels;
  const mr = chooseMr(kernelSet, spec.mr, (height) => roundUp(rows, height));
  const channels = Math.min(geometry.outChannels, kc % taps === 0 ? kc / taps : Math.ceil(kc / taps) + 1);

  const flopsPerPosition = 2 * rows * depth;
  const byPanels = Math.floor(B_PANELS_BYTES / (kc * bytes));
  const byFlops = Math.max(8 * nr, ITEM_FLOPS / flopsPerPosition);
  const maximumPositions = Math.max(nr, Math.min(byPanels, byFlops));
  const box = boxOfPositions(geometry, phases, dtype, channels, maximumPositions);
  const images = imagesPerItem(geometry, box, maximumPositions);
  const planes = planesFor(box, phases);
  const counts = boxCounts(geometry, box);
  const tiles = ceilDiv(rows, mr);
  const positionItems = geometry.groups * ceilDiv(geometry.batch, images) * counts[0] * counts[1] * counts[2];
  const rowBlocks = Math.min(
    missingItems(directFlops(geometry), positionItems),
    Math.max(1, Math.floor(rows / ROWS_WORTH_PACKING)),
  );
  const itemRows = roundUp(ceilDiv(rows, rowBlocks), mr);
  const slabChannels = Math.max(mr, Math.floor(A_BLOCK_BYTES / (kc * bytes * mr)) * mr);

  const planesOfChannel = phases.reduce((product, { residues }) => product * residues.length, 1);
  const panelsOffset = BOX_BYTES + roundUp(channels * planesOfChannel * planes.planeSize * bytes, 64);
  const strips = ceilDiv(box[0] * box[1] * box[2], nr);
  const rowBufferOffset = panelsOffset + roundUp(images * strips * nr * kc * bytes, 64);
  const tileOffset = rowBufferOffset + (spec.input.spatial[2] === 1 ? 0 : roundUp(box[2] * bytes, 64));
  const perThread = tileOffset + tileBytes(mr, nr);

  const fields: Record<string, FieldValue> = {
    ...geometryFields(dtype, geometry, phases, spec.input, spec.output),
    ...boxFields(inputRanges(geometry), box, counts),
    ...planes,
    weightInStride: spec.weight.inChannel,
    weightOutStride: spec.weight.outChannel,
    mr,
    kc,
    depth,
    tiles,
    slabChannels,
    itemRows,
    taps,
    tapTablePtr: tapTable(phases, planes, spec.weight),
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packConvWeight',
        items: geometry.groups * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, weightPtr: pointer('weight') },
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
          imagesPerItem: images,
          inputPtr: pointer('input'),
          outputPtr: pointer('output'),
          ...(spec.bias ? { biasPtr: pointer('bias') } : {}),
          workspacePtr: pointer('workspace'),
          threadBytes: perThread,
          rowOffsetPtr: rowOffsets(rows, mr, spec.input.channel, bytes),
          accumulate: spec.accumulate ? 1 : 0,
          dense: isDense(geometry, spec.input, box) ? 1 : 0,
          ...activationFields(spec),
          panelsOffset,
          rowBufferOffset,
          tileOffset,
        },
      },
    ],
    packedWeightBytes: geometry.groups * depth * tiles * mr * bytes,
    workspaceBytes: { shared: 0, perThread },
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
function columnsPay({ geometry, dtype }: ConvForwardSpec): boolean {
  const nr = nrOf(dtype);
  const positions = geometry.axes.reduce((product, { input }) => product * input, 1);
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
