/** Plan of gradWeight, the same for both operations. See assembly/conv/grad_weight.ts. */

import { elementBytes } from '../core/dtype.ts';
import { ceilDiv, chooseMr, ITEM_FLOPS, nrOf, roundUp } from './blocking.ts';
import { BOX_BYTES, boxFields, geometryFields } from './conv_fields.ts';
import type { GatherSpec } from './conv_gather.ts';
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
import type { ConvGeometry, WeightStrides } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { FieldValue, Stage, WorkspaceBytes } from './stage.ts';
import { pointer } from './stage.ts';

export interface GradWeightSpec extends GatherSpec {
  readonly accumulate: boolean;
}

export interface GradWeightPlan {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

/** Columns and rows of a gradWeight item: A and B panels of one block of K stay in L2. */
const GRAD_WEIGHT_ROWS = 240;
const GRAD_WEIGHT_COLUMNS = 512;
/** Positions of a block of K. */
const GRAD_WEIGHT_DEPTH = 256;
/** A long K is cut into at most this many stages. */
const MAXIMUM_STAGES = 64;

/**
 * Plan of `weight gradient = X · im2col(gradOutput)ᵀ`. Operands: `input` (X) and `output` (gradOutput) are read,
 * `weight` is written or added to.
 */
export function planGradWeight(spec: GradWeightSpec): GradWeightPlan {
  const { dtype, geometry, kernelSet } = spec;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const phases = phasesOf(geometry);
  const taps = phases.reduce((product, phase) => product * phase.taps.length, 1);
  const rows = geometry.inChannels;
  const columns = geometry.outChannels * taps;
  const rowsPerItem = ceilDiv(rows, ceilDiv(rows, GRAD_WEIGHT_ROWS));
  const mr = chooseMr(kernelSet, spec.mr, (height) => ceilDiv(rows, rowsPerItem) * roundUp(rowsPerItem, height));
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
  const box = boxOfPositions(geometry, phases, dtype, channels, GRAD_WEIGHT_DEPTH);
  const images = imagesPerItem(geometry, box, GRAD_WEIGHT_DEPTH);
  const planes = planesFor(box, phases);
  const counts = boxCounts(geometry, box);
  const kc = images * box[0] * box[1] * box[2];

  const planesOfChannel = phases.reduce((product, { residues }) => product * residues.length, 1);
  const aPanelsOffset = BOX_BYTES + roundUp(channels * planesOfChannel * planes.planeSize * bytes, 64);
  const panelsOffset = aPanelsOffset + roundUp(roundUp(slabChannels, mr) * kc * bytes, 64);
  const tileOffset = panelsOffset + roundUp(roundUp(columnsPerItem, nr) * kc * bytes, 64);
  const perThread = tileOffset + tileBytes(mr, nr);

  const fields: Record<string, FieldValue> = {
    ...geometryFields(dtype, geometry, phases, spec.input, spec.output),
    ...boxFields(inputRanges(geometry), box, counts),
    ...planes,
    weightInStride: spec.weight.inChannel,
    weightOutStride: spec.weight.outChannel,
    mr,
    slabChannels,
    taps,
    columnsPerItem,
    imagesPerItem: images,
    inputPtr: pointer('input'),
    outputPtr: pointer('output'),
    weightPtr: pointer('weight'),
    workspacePtr: pointer('workspace'),
    threadBytes: perThread,
    rowOffsetPtr: rowOffsets(slabChannels, mr, spec.weight.inChannel, bytes),
    tapTablePtr: tapTable(phases, planes, spec.weight),
    dense: weightIsDense(geometry, spec.weight) ? 1 : 0,
    aPanelsOffset,
    panelsOffset,
    tileOffset,
  };
  const steps = ceilDiv(geometry.batch, images) * counts[0] * counts[1] * counts[2];
  const flopsPerStep = 2 * slabChannels * columnsPerItem * kc;
  const stepsPerStage = Math.max(1, Math.round(ITEM_FLOPS / flopsPerStep), ceilDiv(steps, MAXIMUM_STAGES));
  const stageCount = Math.max(1, ceilDiv(steps, stepsPerStage));
  return {
    stages: Array.from({ length: stageCount }, (_, index) => ({
      entry: 'convGradWeight',
      items: geometry.groups * ceilDiv(rows, slabChannels) * ceilDiv(columns, columnsPerItem),
      flops: directFlops(geometry) / stageCount,
      block: 'conv',
      fields: {
        ...fields,
        accumulate: spec.accumulate || index > 0 ? 1 : 0,
        stepBegin: index * stepsPerStage,
        stepEnd: Math.min(steps, (index + 1) * stepsPerStage),
      },
    })),
    workspaceBytes: { shared: 0, perThread },
  };
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
