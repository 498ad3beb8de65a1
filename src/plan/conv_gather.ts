/**
 * Plans of the two products that read the output side through im2col: the convolution itself (gradInput of a
 * transposed one) and gradWeight. See assembly/conv/conv_forward.ts and grad_weight.ts.
 */

import type { CheckedActivation } from '../core/activation.ts';
import { NO_ACTIVATION } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { KernelSet } from '../wasm/variants.ts';
import {
  A_BLOCK_BYTES,
  B_PANELS_BYTES,
  ceilDiv,
  chooseKc,
  chooseMr,
  ITEM_FLOPS,
  nrOf,
  PLANES_BYTES,
  roundUp,
} from './blocking.ts';
import { boxFields, geometryFields } from './conv_fields.ts';
import type { AxisPhases, ConvGeometry, Strides, WeightStrides } from './conv_geometry.ts';
import { axisPhases } from './conv_geometry.ts';
import type { ConvPlan } from './conv_transpose_forward.ts';
import type { FieldValue, Stage, WorkspaceBytes } from './stage.ts';
import { pointer } from './stage.ts';

export interface GatherSpec {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  readonly mr: number | null;
  readonly geometry: ConvGeometry;
  /** The small side: the result of a convolution, X of gradWeight. */
  readonly input: Strides;
  readonly weight: WeightStrides;
  /** The large side. */
  readonly output: Strides;
}

export interface ConvForwardSpec extends GatherSpec {
  readonly bias: boolean;
  readonly activation?: CheckedActivation;
  /** Add to what is there. */
  readonly accumulate: boolean;
}

export interface GradWeightSpec extends GatherSpec {
  readonly accumulate: boolean;
}

export interface GradWeightPlan {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

type Box = readonly [number, number, number];

interface Planes {
  readonly planeRow: number;
  readonly planeSlice: number;
  readonly planeSize: number;
}

/** Largest number of positions that an item packs at once. */
function boxOfPositions(
  geometry: ConvGeometry,
  phases: readonly AxisPhases[],
  dtype: Dtype,
  channels: number,
  maximumPositions: number,
): Box {
  const lengths = geometry.axes.map(({ input }) => input);
  const planesOf = phases.reduce((product, { residues }) => product * residues.length, 1);
  const fits = (box: Box) =>
    box[0] * box[1] * box[2] <= maximumPositions &&
    channels * planesOf * planesFor(box, phases).planeSize * elementBytes(dtype) <= PLANES_BYTES;
  const nr = nrOf(dtype);
  let box: [number, number, number] = [1, 1, lengths[2]];
  while (box[2] > nr && !fits(box)) box[2] = roundUp(ceilDiv(box[2], 2), nr);
  for (const axis of [1, 0] as const) {
    // a box is one run of positions in memory: an axis grows only when all inner ones are whole
    if (box[axis + 1] < lengths[axis + 1]) break;
    for (let length = 2; length <= lengths[axis]; length++) {
      const next: [number, number, number] = [...box];
      next[axis] = length;
      if (!fits(next)) break;
      box = next;
    }
    box[axis] = ceilDiv(lengths[axis], ceilDiv(lengths[axis], box[axis])); // even boxes
  }
  return box;
}

function planesFor(box: Box, phases: readonly AxisPhases[]): Planes {
  const planeRow = roundUp(box[2] + phases[2].maxShift, 4);
  const planeSlice = (box[1] + phases[1].maxShift) * planeRow;
  return { planeRow, planeSlice, planeSize: (box[0] + phases[0].maxShift) * planeSlice };
}

/** (plane offset, weight offset) per tap. */
function tapTable(phases: readonly AxisPhases[], planes: Planes, weight: WeightStrides): Int32Array {
  const [phasesD, phasesH, phasesW] = phases;
  const table: number[] = [];
  for (const d of phasesD.taps) {
    for (const h of phasesH.taps) {
      for (const w of phasesW.taps) {
        const phase =
          (phasesD.residues.indexOf(d.residue) * phasesH.residues.length + phasesH.residues.indexOf(h.residue)) *
            phasesW.residues.length +
          phasesW.residues.indexOf(w.residue);
        table.push(
          phase * planes.planeSize + d.shift * planes.planeSlice + h.shift * planes.planeRow + w.shift,
          d.tap * weight.spatial[0] + h.tap * weight.spatial[1] + w.tap * weight.spatial[2],
        );
      }
    }
  }
  return Int32Array.from(table);
}

function phasesOf(geometry: ConvGeometry): [AxisPhases, AxisPhases, AxisPhases] {
  return geometry.axes.map((axis) => axisPhases(axis, false)) as [AxisPhases, AxisPhases, AxisPhases];
}

function boxCounts(geometry: ConvGeometry, box: Box): [number, number, number] {
  return geometry.axes.map(({ input }, axis) => ceilDiv(input, box[axis])) as [number, number, number];
}

/** Images whose positions one item takes together: only when a box holds a whole image. */
function imagesPerItem(geometry: ConvGeometry, box: Box, maximumPositions: number): number {
  const whole = geometry.axes.every(({ input }, axis) => box[axis] >= input);
  const positions = box[0] * box[1] * box[2];
  return whole ? Math.max(1, Math.min(geometry.batch, Math.floor(maximumPositions / positions))) : 1;
}

/** Byte offset of each row of C, `rows` rounded up to full tiles. */
function rowOffsets(rows: number, mr: number, stride: number, bytes: number): Int32Array {
  return Int32Array.from({ length: roundUp(rows, mr) }, (_, row) => row * stride * bytes);
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

/**
 * Plan of `input = W · im2col(output)`, with bias and activation. Operands: `output` is read, `input` is written,
 * `weight`, `packedWeight`, `bias` (one number per input channel).
 */
export function planConvForward(spec: ConvForwardSpec): ConvPlan {
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
  const slabChannels = Math.max(mr, Math.floor(A_BLOCK_BYTES / (kc * bytes * mr)) * mr);

  const planesOfChannel = phases.reduce((product, { residues }) => product * residues.length, 1);
  const panelsOffset = roundUp(channels * planesOfChannel * planes.planeSize * bytes, 64);
  const strips = ceilDiv(box[0] * box[1] * box[2], nr);
  const rowBufferOffset = panelsOffset + roundUp(images * strips * nr * kc * bytes, 64);
  const tileOffset = rowBufferOffset + (spec.input.spatial[2] === 1 ? 0 : roundUp(box[2] * bytes, 64));
  const perThread = tileOffset + tileBytes(mr, nr);

  const activation = spec.activation ?? NO_ACTIVATION;
  const fields: Record<string, FieldValue> = {
    ...geometryFields(geometry, phases, spec.input, spec.output),
    ...boxFields(box, counts),
    ...planes,
    weightInStride: spec.weight.inChannel,
    weightOutStride: spec.weight.outChannel,
    mr,
    kc,
    depth,
    tiles,
    slabChannels,
    taps,
    tapTablePtr: tapTable(phases, planes, spec.weight),
    packedPtr: pointer('packedWeight'),
  };
  const suffix = dtype === 'float64' ? 'F64' : 'F32';
  return {
    pack: [
      {
        entry: `packConvWeight${suffix}`,
        items: geometry.groups * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, weightPtr: pointer('weight') },
      },
    ],
    stages: [
      {
        entry: `convForward${suffix}`,
        items: geometry.groups * ceilDiv(geometry.batch, images) * counts[0] * counts[1] * counts[2],
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
          activation: activation.kind,
          activationA: activation.a,
          activationB: activation.b,
          planesOffset: 0,
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
      spec.weight.inChannel,
      spec.weight.outChannel,
      ...spec.weight.spatial,
    ].join(','),
  };
}

/** The tile buffer, its row offsets, and the column offsets of a strip. */
function tileBytes(mr: number, nr: number): number {
  return roundUp(mr * 36 + nr * 4, 64);
}

/** Columns and rows of a gradWeight item: A and B panels of one block of K stay in L2. */
const GRAD_WEIGHT_ROWS = 240;
const GRAD_WEIGHT_COLUMNS = 512;
/** Positions of a block of K. */
const GRAD_WEIGHT_DEPTH = 256;

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
  const kc = images * box[0] * box[1] * box[2];

  const planesOfChannel = phases.reduce((product, { residues }) => product * residues.length, 1);
  const aPanelsOffset = roundUp(channels * planesOfChannel * planes.planeSize * bytes, 64);
  const panelsOffset = aPanelsOffset + roundUp(roundUp(slabChannels, mr) * kc * bytes, 64);
  const tileOffset = panelsOffset + roundUp(roundUp(columnsPerItem, nr) * kc * bytes, 64);
  const perThread = tileOffset + tileBytes(mr, nr);

  const fields: Record<string, FieldValue> = {
    ...geometryFields(geometry, phases, spec.input, spec.output),
    ...boxFields(box, boxCounts(geometry, box)),
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
    accumulate: spec.accumulate ? 1 : 0,
    dense: weightIsDense(geometry, spec.weight) ? 1 : 0,
    planesOffset: 0,
    aPanelsOffset,
    panelsOffset,
    tileOffset,
  };
  return {
    stages: [
      {
        entry: `convGradWeight${dtype === 'float64' ? 'F64' : 'F32'}`,
        items: geometry.groups * ceilDiv(rows, slabChannels) * ceilDiv(columns, columnsPerItem),
        block: 'conv',
        fields,
      },
    ],
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
