/** What a forward plan is made of, and how the taps of its geometry fall into phases. */

import type { CheckedActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { roundUp } from './blocking.ts';
import type { AxisPhases, ConvGeometry, Strides, WeightStrides } from './conv_geometry.ts';
import { axisPhases } from './conv_geometry.ts';

export interface ForwardSpec {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  /** Height of the micro-kernel, to force one; null lets the plan choose. */
  readonly mr: number | null;
  readonly geometry: ConvGeometry;
  readonly input: Strides;
  readonly weight: WeightStrides;
  readonly output: Strides;
  readonly bias: boolean;
  readonly activation?: CheckedActivation;
  /** The operation reads inputActivation(input). */
  readonly inputActivation?: CheckedActivation;
  /** Add to what is there. */
  readonly accumulate: boolean;
  /** The layout of the packed weight must not depend on sizes, so that one serves all. */
  readonly anySize?: boolean;
}

/** Rows that the flush turns into columns at once, as in assembly/conv/col2im.ts. */
const TURNED_ROWS = 4;

/** Room for output rows that are not written where they are composed. */
export function rowBufferBytes({ output, accumulate, geometry }: ForwardSpec, elementBytes: number): number {
  const rows = accumulate ? 1 : output.spatial[2] === 1 ? 0 : TURNED_ROWS;
  return roundUp(rows * geometry.axes[2].output * elementBytes, 64);
}

export interface Layout {
  readonly phases: readonly [AxisPhases, AxisPhases, AxisPhases];
  /** Phase planes per channel. */
  readonly planesPerChannel: number;
  readonly taps: number;
}

/** @param pruned leave out taps whose every destination is cropped, which depends on sizes */
export function layoutOf(geometry: ConvGeometry, pruned: boolean): Layout {
  const phases = geometry.axes.map((axis) => axisPhases(axis, pruned)) as [AxisPhases, AxisPhases, AxisPhases];
  return {
    phases,
    planesPerChannel: phases.reduce((product, { residues }) => product * residues.length, 1),
    taps: phases.reduce((product, { taps }) => product * taps.length, 1),
  };
}
