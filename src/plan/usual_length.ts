/** A geometry without its sizes: what a choice is made of that must be the same for every size. */

import type { Axis } from './conv_geometry.ts';
import type { ForwardSpec } from './forward_spec.ts';

/** Of axes. */
export const USUAL_LENGTH = 64;

/** One image of this length along W and every axis that a kernel spans, contiguous. */
export function atLength(
  length: number,
  { dtype, kernelSet, geometry }: Pick<ForwardSpec, 'dtype' | 'kernelSet' | 'geometry'>,
): ForwardSpec {
  const axes = geometry.axes.map((axis, index) => {
    const { kernel, stride } = axis;
    return stretched(axis, index === 2 || kernel > 1 || stride > 1 ? length : 1);
  }) as [Axis, Axis, Axis];
  return {
    dtype,
    kernelSet,
    mr: null,
    geometry: { ...geometry, batch: 1, axes },
    input: { batch: 0, channel: length, spatial: [0, length, 1] },
    weight: { inChannel: 0, outChannel: 0, spatial: [0, 0, 0] },
    output: { batch: 0, channel: axes[2].output, spatial: [0, axes[2].output, 1] },
    bias: false,
    accumulate: false,
  };
}

/** The same product, but for the number of rows, and with a free choice of micro-kernel. */
export function ofUsualHeight(spec: ForwardSpec): ForwardSpec {
  const [d, h, w] = spec.geometry.axes;
  const axes: [Axis, Axis, Axis] = [d, stretched(h, USUAL_LENGTH), w];
  return { ...spec, mr: null, geometry: { ...spec.geometry, axes } };
}

function stretched(axis: Axis, input: number): Axis {
  return { ...axis, input, output: (input - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1, crop: 0 };
}
