/** Plan of gradWeight, the same for both operations. See assembly/conv/grad_weight.ts. */

import { elementBytes } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import { ceilDiv, chooseMr, ITEM_FLOPS, nrOf, roundUp } from './blocking.ts';
import type { ProductSpec } from './conv_fields.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import { boxOfPositions, imagesPerItem, inputRanges, rowOffsets, tileBytes } from './conv_gather.ts';
import type { ConvGeometry, WeightStrides } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import { reachedOf } from './reached.ts';
import type { FieldValue, Stage, WorkspaceBytes } from './stage.ts';
import { pointer, pointers } from './stage.ts';

export interface GradWeightPlan {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

/** Columns and rows of a gradWeight item: A and B panels of one block of K stay in L2. */
const GRAD_WEIGHT_ROWS = 240;
const GRAD_WEIGHT_COLUMNS = 512;
/** Positions of a block of K. */
const GRAD_WEIGHT_DEPTH = 256;
/** A long K is cut into at most this many items one after another. */
export const MAXIMUM_STAGES = 64;
/** Where M x N makes fewer items, K is dealt to as many as are missing. */
const ITEMS_PER_STAGE = 8;
/** Memory for the sums of those. */
const PARTS_BYTES = 2 ** 20;

/**
 * Plan of `weight gradient = X · im2col(gradOutput)ᵀ`. Operands: `input` (X) and `output` (gradOutput) are read,
 * `weight` is written or added to.
 */
export function planGradWeight(spec: ProductSpec): GradWeightPlan {
  const { dtype, geometry } = spec;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const taps = elementCount(geometry.axes.map(({ kernel }) => kernel));
  const rows = geometry.inChannels;
  const columns = geometry.outChannels * taps;
  const rowsPerItem = ceilDiv(rows, ceilDiv(rows, GRAD_WEIGHT_ROWS));
  const mr = chooseMr(spec, (height) => ceilDiv(rows, rowsPerItem) * roundUp(rowsPerItem, height));
  const slabChannels = Math.min(roundUp(rowsPerItem, mr), roundUp(rows, mr));
  const wanted = Math.min(
    columns,
    taps <= GRAD_WEIGHT_COLUMNS ? Math.floor(GRAD_WEIGHT_COLUMNS / taps) * taps : GRAD_WEIGHT_COLUMNS,
  );
  const columnsPerItem = roundUp(wanted, taps <= GRAD_WEIGHT_COLUMNS ? taps : nr);
  const channels = Math.min(
    geometry.outChannels,
    columnsPerItem % taps === 0 ? columnsPerItem / taps : Math.ceil(columnsPerItem / taps) + 1,
  );
  const reached = reachedOf(spec);
  const box = boxOfPositions(spec, channels, GRAD_WEIGHT_DEPTH, reached.copied);
  const images = imagesPerItem(geometry, box, GRAD_WEIGHT_DEPTH);
  const kc = images * box[0] * box[1] * box[2];

  const workspace = workspaceFields(channels * reached.copied(box) * bytes, {
    aPanels: roundUp(slabChannels, mr) * kc * bytes,
    panels: roundUp(columnsPerItem, nr) * kc * bytes,
    tile: tileBytes(mr, nr),
  });

  const { fields: common, boxes } = convFields(spec, null, inputRanges(geometry), box);
  const fields = {
    ...common,
    ...reached.fields(box),
    ...workspace,
    ...pointers('input', 'output'),
    mr,
    slabChannels,
    taps,
    columnsPerItem,
    imagesPerItem: images,
  };
  const steps = ceilDiv(geometry.batch, images) * boxes;
  const items = geometry.groups * ceilDiv(rows, slabChannels) * ceilDiv(columns, columnsPerItem);
  const gradientBytes = geometry.groups * rows * columns * bytes;
  const parts = Math.min(ceilDiv(ITEMS_PER_STAGE, items), Math.floor(PARTS_BYTES / gradientBytes), steps);
  const flopsPerStep = 2 * slabChannels * columnsPerItem * kc;
  const stepsPerItem = Math.max(1, Math.round(ITEM_FLOPS / flopsPerStep), ceilDiv(steps, MAXIMUM_STAGES));
  const own = {
    ...pointers('weight'),
    rowOffsetPtr: rowOffsets(slabChannels, mr, spec.weight.inChannel, bytes),
    dense: Number(weightIsDense(geometry, spec.weight)),
  };
  const cut = { entry: 'convGradWeight', steps, flops: directFlops(geometry) };
  if (parts <= 1) {
    const all = { ...fields, ...own, parts: 1, ...pointers('workspace') };
    return {
      stages: cutIntoStages({ ...cut, items, stepsPerStage: stepsPerItem }, all),
      workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
    };
  }
  const shared = roundUp(parts * gradientBytes, 64);
  const split = { parts, partStride: geometry.groups * rows * columns };
  const stages = cutIntoStages(
    { ...cut, items: items * parts, stepsPerStage: Math.max(parts, ceilDiv(stepsPerItem, parts) * parts) },
    {
      ...fields,
      ...split,
      weightPtr: pointer('workspace'),
      workspacePtr: pointer('workspace', shared),
      weightInStride: columns,
      rowOffsetPtr: rowOffsets(slabChannels, mr, columns, bytes),
      dense: 1,
      accumulate: 0,
    },
  );
  const sum: Stage = {
    entry: 'sumGradWeight',
    items: geometry.groups * rows,
    flops: parts * geometry.groups * rows * columns,
    block: 'conv',
    fields: { ...fields, ...split, ...own, packedPtr: pointer('workspace') },
  };
  return { stages: [...stages, sum], workspaceBytes: { shared, perThread: workspace.threadBytes } };
}

/** One stage for each range of blocks of K; all but the first add to what is there. */
export function cutIntoStages(
  {
    entry,
    steps,
    stepsPerStage,
    items,
    flops,
  }: { entry: string; steps: number; stepsPerStage: number; items: number; flops: number },
  fields: Readonly<Record<string, FieldValue>>,
): Stage[] {
  const count = Math.max(1, ceilDiv(steps, stepsPerStage));
  return Array.from({ length: count }, (_, index) => ({
    entry,
    items,
    flops: flops / count,
    block: 'conv',
    fields: {
      ...fields,
      ...(index > 0 ? { accumulate: 1 } : {}),
      stepBegin: index * stepsPerStage,
      stepEnd: Math.min(steps, (index + 1) * stepsPerStage),
    },
  }));
}

/** (output channel, tap) of a row of the gradient are one run in memory. */
function weightIsDense({ axes }: ConvGeometry, { outChannel, spatial }: WeightStrides): boolean {
  const [d, h, w] = axes.map(({ kernel }) => kernel);
  return (
    (w === 1 || spatial[2] === 1) &&
    (h === 1 || spatial[1] === w) &&
    (d === 1 || spatial[0] === h * w) &&
    outChannel === d * h * w
  );
}
