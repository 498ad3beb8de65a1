/**
 * What the K of a Toom-Cook product runs over beside channels. Of a product to the large side that is the input; to the
 * small side, the phases of the large one: small[i] = Σ over phases r and shifts t of w[r, t] · P_r[i + t], where
 * P_r[q] = large[q · stride + r − crop].
 */

import type { Axis, Strides } from './conv_geometry.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import { layoutOf } from './forward_spec.ts';
import { product } from './implicit_runs.ts';

/** A product to the large side whose taps are as many as its shifts. */
export interface WinogradProblem {
  readonly spec: ForwardSpec;
  /** (elements to coordinate 0; first and last + 1 coordinates that exist, D H W each) per source. */
  readonly sources: Int32Array;
  readonly count: number;
  /** Weight offset of each shift of each phase or source. */
  readonly taps: Int32Array;
  /** Weight elements from one group to the next. */
  readonly groupStride: number;
}

/** No tap has this phase and shift. The twin of `NO_TAP` in assembly/conv/winograd_weight.ts. */
const NO_TAP = -(2 ** 31);

export function scatterProblem(spec: ForwardSpec): WinogradProblem {
  const { geometry, weight } = spec;
  const lengths = geometry.axes.map(({ input }) => input);
  return {
    spec,
    sources: Int32Array.of(0, 0, 0, 0, ...lengths),
    count: 1,
    taps: tapTable(spec, layoutOf(geometry, false), false),
    groupStride: geometry.inChannels * weight.inChannel,
  };
}

export function gatherProblem(spec: ForwardSpec): WinogradProblem {
  const { geometry, input, output, weight } = spec;
  const { axes } = geometry;
  const layout = layoutOf(geometry, false);
  const ofAxis = layout.phases.map(({ residues }, axis) => {
    const { stride, crop, output: length } = axes[axis];
    return residues.map((residue) => ({
      offset: (residue - crop) * output.spatial[axis],
      begin: Math.ceil((crop - residue) / stride),
      end: Math.ceil((length + crop - residue) / stride),
    }));
  });
  const sources = product(ofAxis).flatMap((source) => {
    const begins = source.map(({ begin }) => begin);
    const ends = source.map(({ end }) => end);
    return [source.reduce((sum, { offset }) => sum + offset, 0)].concat(begins, ends);
  });
  const large: Strides = {
    ...output,
    spatial: output.spatial.map((step, axis) => step * axes[axis].stride) as [number, number, number],
  };
  return {
    spec: {
      ...spec,
      geometry: {
        ...geometry,
        inChannels: geometry.outChannels,
        outChannels: geometry.inChannels,
        axes: axes.map((axis, index) => axisOf(axis, layout.phases[index].maxShift)) as [Axis, Axis, Axis],
      },
      input: large,
      output: input,
      weight: { ...weight, inChannel: weight.outChannel, outChannel: weight.inChannel },
    },
    sources: Int32Array.from(sources),
    count: layout.planesPerChannel,
    taps: tapTable(spec, layout, true),
    groupStride: geometry.inChannels * weight.inChannel,
  };
}

/** The small side as the result of a stride of 1. */
function axisOf({ input }: Axis, maxShift: number): Axis {
  return { input: input + maxShift, output: input, kernel: maxShift + 1, stride: 1, dilation: 1, crop: maxShift };
}

/** @param reversed the largest shift first */
function tapTable({ weight }: ForwardSpec, { phases }: Layout, reversed: boolean): Int32Array {
  const perAxis = phases.map(({ taps, residues, maxShift }, axis) =>
    residues.map((residue) => {
      return Array.from({ length: maxShift + 1 }, (_, index) => {
        const shift = reversed ? maxShift - index : index;
        const found = taps.find((tap) => tap.residue === residue && tap.shift === shift);
        return found === undefined ? null : found.tap * weight.spatial[axis];
      });
    }),
  );
  const offsets = product(perAxis).flatMap((phase) => product(phase));
  return Int32Array.from(offsets, (taps) => {
    return taps.reduce<number>((sum, at) => (at === null || sum === NO_TAP ? NO_TAP : sum + at), 0);
  });
}
