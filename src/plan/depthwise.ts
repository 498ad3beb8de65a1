/** Plan of the forward pass with one input channel per group. See assembly/conv/depthwise.ts. */

import { elementBytes } from '../core/dtype.ts';
import { PLANES_BYTES, roundUp } from './blocking.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { AxisPhases, WeightStrides } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { layoutOf, rowBufferBytes } from './forward_spec.ts';
import type { Stage } from './stage.ts';
import { pointer, pointers } from './stage.ts';

/** Planes of an item stay in L1. */
const DEPTHWISE_PLANES_BYTES: number = PLANES_BYTES / 16;
/** Rows are summed in blocks of at most this many columns, the last one whole. */
const BLOCK_COLUMNS = 16;

/**
 * Operands: `input`, `bias` and `weight` or `packedWeight` are read, `output` is written. A packed weight is a
 * row-major copy.
 */
export function planDepthwiseForward(spec: ForwardSpec): ConvPlan {
  const { dtype, geometry } = spec;
  const kernel = geometry.axes.map(({ kernel: length }) => length);
  const kernelSize = kernel[0] * kernel[1] * kernel[2];
  const weight: WeightStrides = {
    inChannel: geometry.outChannels * kernelSize,
    outChannel: kernelSize,
    spatial: [kernel[1] * kernel[2], kernel[2], 1],
  };
  const bytes = elementBytes(dtype);
  const { phases, planesPerChannel } = layoutOf(geometry, true);
  const box = chooseBox(phases, Math.max(planesPerChannel, 1) * bytes);
  const planeRow = roundUp(box[2], BLOCK_COLUMNS);
  const planeSlice = box[1] * planeRow;
  const planeSize = box[0] * planeSlice;
  const [shiftD, shiftH, shiftW] = phases.map(({ maxShift }) => maxShift);
  const paddedRow = planeRow + shiftW;
  const paddedSlice = (box[1] + shiftH) * paddedRow;
  const workspace = workspaceFields(planesPerChannel * planeSize * bytes, {
    panels: (box[0] + shiftD) * paddedSlice * bytes,
    rowBuffer: rowBufferBytes(spec, bytes),
  });
  const { taps, padded, runs } = tapTables(weight, phases, paddedRow, paddedSlice);
  const { fields, boxes } = convFields({ ...spec, weight }, phases, phases, box);
  return {
    pack: [packCopy(spec, kernel)],
    stages: [
      {
        entry: 'depthwiseForward',
        items: geometry.groups * geometry.outChannels * geometry.batch * boxes,
        flops: 4 * directFlops(geometry), // narrow products: a FLOP takes longer
        block: 'conv',
        fields: {
          ...fields,
          ...workspace,
          ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])),
          weightPtr: pointer('packedWeight'),
          planeRow,
          planeSlice,
          planeSize,
          paddedRow,
          paddedSlice,
          taps: taps.length / 4,
          tapTablePtr: taps,
          packTablePtr: padded,
          runTablePtr: runs,
        },
      },
    ],
    packedWeightBytes: geometry.groups * geometry.outChannels * kernelSize * bytes,
    workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
    packKey: `depthwise,${dtype},${[geometry.groups, geometry.outChannels, ...kernel].join(',')},${[
      spec.weight.inChannel,
      spec.weight.outChannel,
      ...spec.weight.spatial,
    ].join(',')}`,
  };
}

/** One panel of one row per group: the row-major copy. */
function packCopy({ dtype, geometry, weight }: ForwardSpec, [kernelD, kernelH, kernelW]: readonly number[]): Stage {
  const [strideD, strideH, strideW] = weight.spatial;
  const taps: number[] = [];
  for (let d = 0; d < kernelD; d++) {
    for (let h = 0; h < kernelH; h++) {
      for (let w = 0; w < kernelW; w++) taps.push(0, d * strideD + h * strideH + w * strideW);
    }
  }
  const depth = (geometry.outChannels * taps.length) / 2;
  return {
    entry: 'packConvWeight',
    items: geometry.groups,
    block: 'conv',
    fields: {
      elementBytes: elementBytes(dtype),
      inChannels: 1,
      weightInStride: weight.inChannel,
      weightOutStride: weight.outChannel,
      mr: 1,
      kc: depth,
      depth,
      tiles: 1,
      taps: taps.length / 2,
      tapTablePtr: Int32Array.from(taps),
      weightPtr: pointer('weight'),
      packedPtr: pointer('packedWeight'),
    },
  };
}

/** Rows, then slices, while the planes of a channel stay in L1; long rows are cut. */
function chooseBox(phases: readonly AxisPhases[], bytesPerPosition: number): [number, number, number] {
  const extent = phases.map(({ begin, end }) => end - begin);
  const positions = Math.max(64, Math.floor(DEPTHWISE_PLANES_BYTES / bytesPerPosition));
  const w = Math.min(extent[2], positions);
  const h = w < extent[2] ? 1 : Math.max(1, Math.min(extent[1], Math.floor(positions / w)));
  const d = h < extent[1] ? 1 : Math.max(1, Math.min(extent[0], Math.floor(positions / (w * h))));
  return [d, h, w];
}

/**
 * (shiftD, shiftH, shiftW, weight offset) and (offset in the padded input, weight offset) per tap, sorted by phase,
 * and where each phase begins.
 */
function tapTables(
  weight: WeightStrides,
  [phasesD, phasesH, phasesW]: readonly [AxisPhases, AxisPhases, AxisPhases],
  paddedRow: number,
  paddedSlice: number,
): { taps: Int32Array; padded: Int32Array; runs: Int32Array } {
  const taps: number[] = [];
  const padded: number[] = [];
  const runs: number[] = [0];
  for (const residueD of phasesD.residues) {
    for (const residueH of phasesH.residues) {
      for (const residueW of phasesW.residues) {
        for (const d of phasesD.taps.filter(({ residue }) => residue === residueD)) {
          for (const h of phasesH.taps.filter(({ residue }) => residue === residueH)) {
            for (const w of phasesW.taps.filter(({ residue }) => residue === residueW)) {
              const offset = d.tap * weight.spatial[0] + h.tap * weight.spatial[1] + w.tap * weight.spatial[2];
              taps.push(d.shift, h.shift, w.shift, offset);
              const slice = (phasesD.maxShift - d.shift) * paddedSlice;
              const row = (phasesH.maxShift - h.shift) * paddedRow;
              padded.push(slice + row + phasesW.maxShift - w.shift, offset);
            }
          }
        }
        runs.push(taps.length / 4);
      }
    }
  }
  return { taps: Int32Array.from(taps), padded: Int32Array.from(padded), runs: Int32Array.from(runs) };
}
