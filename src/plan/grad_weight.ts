/** Plan of gradWeight, the same for both operations. See assembly/conv/grad_weight.ts. */

import { elementBytes } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import { ceilDiv, chooseMr, ITEM_FLOPS, nrOf, roundUp, stepCycles } from './blocking.ts';
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
  /** As those of a `ConvPlan`, of all groups. */
  readonly cycles?: number;
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
  const lengths = geometry.axes.map(({ input }) => input);
  const images = imagesPerItem(geometry.batch, lengths, box, GRAD_WEIGHT_DEPTH);
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
  const wantedParts = Math.min(ceilDiv(ITEMS_PER_STAGE, items), steps);
  const { parts, weight, fields: target, sum, bytes: partsBytes } = partsOf(spec, wantedParts);
  const flopsPerStep = 2 * slabChannels * columnsPerItem * kc;
  const stepsPerItem = Math.max(1, Math.round(ITEM_FLOPS / flopsPerStep), ceilDiv(steps, MAXIMUM_STAGES));
  const stepsPerStage = ceilDiv(stepsPerItem, parts) * parts;
  const stages = cutIntoStages(
    { entry: 'convGradWeight', steps, stepsPerStage, items: items * parts, flops: directFlops(geometry) },
    {
      ...fields,
      ...target,
      workspacePtr: pointer('workspace', partsBytes),
      rowOffsetPtr: rowOffsets(slabChannels, mr, weight.inChannel, bytes),
      dense: Number(weightIsDense(geometry, weight)),
    },
  );
  const positions = geometry.batch * geometry.groups * elementCount(lengths);
  const packed = columns * ceilDiv(rows, slabChannels) + rows * ceilDiv(columns, columnsPerItem);
  return {
    cycles: positions * ((stepCycles(roundUp(rows, mr), mr, spec.kernelSet) * columns) / nr + packed),
    stages: [...stages, ...sum],
    workspaceBytes: { shared: partsBytes, perThread: workspace.threadBytes },
  };
}

/** Where items of a product leave their sums. */
export interface Parts {
  readonly parts: number;
  readonly weight: WeightStrides;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Stages that follow. */
  readonly sum: readonly Stage[];
  /** Of shared workspace. */
  readonly bytes: number;
}

/** To how many items K may be dealt. */
export function mostParts({ dtype, geometry: { groups, inChannels, outChannels, axes } }: ProductSpec): number {
  const taps = elementCount(axes.map(({ kernel }) => kernel));
  return Math.max(1, Math.floor(PARTS_BYTES / (groups * inChannels * outChannels * taps * elementBytes(dtype))));
}

/**
 * The gradient, or where K is dealt to several items, a gradient for each of them, which the last stage adds up.
 * @param offset bytes into the workspace
 */
export function partsOf(spec: ProductSpec, wanted: number, offset: number = 0): Parts {
  const { dtype, geometry } = spec;
  const { groups, inChannels, outChannels, axes } = geometry;
  const [d, h, w] = axes.map(({ kernel }) => kernel);
  const taps = d * h * w;
  const columns = outChannels * taps;
  const gradientBytes = groups * inChannels * columns * elementBytes(dtype);
  const parts = Math.min(wanted, mostParts(spec));
  if (parts <= 1)
    return { parts: 1, weight: spec.weight, fields: { parts: 1, ...pointers('weight') }, sum: [], bytes: 0 };
  const split = { parts, partStride: groups * inChannels * columns };
  const from = pointer('workspace', offset);
  const box = [1, 1, 1] as const;
  const sum: Stage = {
    entry: 'sumGradWeight',
    items: groups * inChannels,
    flops: parts * groups * inChannels * columns,
    block: 'conv',
    fields: {
      ...convFields(spec, null, inputRanges(geometry), box).fields,
      ...reachedOf(spec).fields(box),
      ...split,
      ...pointers('weight'),
      packedPtr: from,
      taps,
      dense: Number(weightIsDense(geometry, spec.weight)),
    },
  };
  return {
    parts,
    weight: { ...spec.weight, inChannel: columns, outChannel: taps, spatial: [h * w, w, 1] },
    fields: { ...split, weightPtr: from, weightInStride: columns, weightOutStride: taps, accumulate: 0 },
    sum: [sum],
    bytes: roundUp(parts * gradientBytes, 64),
  };
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
