/** What plans with bias and activation are made of, and how the taps of a geometry fall into phases. */

import { elementCount } from '../core/shape.ts';
import type { ProductSpec } from './conv_fields.ts';
import type { AxisPhases, ConvGeometry } from './conv_geometry.ts';
import { areNeighbours, axisPhases } from './conv_geometry.ts';

export interface ForwardSpec extends ProductSpec {
  readonly bias: boolean;
  /** The layout of the packed weight must not depend on sizes, so that one serves all. */
  readonly anySize?: boolean;
}

/** Rows that the flush turns into columns at once, as in assembly/conv/col2im.ts. */
const TURNED_ROWS = 4;

/** True where channels of what is read lie side by side, and are turned while lines are packed. The twin of `turned`. */
export function isTurned({ input }: Pick<ForwardSpec, 'input'>): boolean {
  return areNeighbours(input);
}

/** Channels in two lines of memory. */
const USEFUL_NEIGHBOURS = 32;

/**
 * Channels that are worth writing together: where they lie side by side in memory, what writes fewer writes parts of
 * lines, and fetches each line again for every part.
 */
export function neighbours({ output, geometry }: Pick<ForwardSpec, 'output' | 'geometry'>): number {
  return areNeighbours(output) ? Math.min(USEFUL_NEIGHBOURS, geometry.outChannels) : 1;
}

/** Room for output rows that are not written where they are composed. */
export function rowBufferBytes({ output, accumulate, geometry }: ForwardSpec, elementBytes: number): number {
  const rows = accumulate ? 1 : output.spatial[2] === 1 ? 0 : TURNED_ROWS;
  return rows * geometry.axes[2].output * elementBytes;
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
    planesPerChannel: elementCount(phases.map(({ residues }) => residues.length)),
    taps: elementCount(phases.map(({ taps }) => taps.length)),
  };
}
