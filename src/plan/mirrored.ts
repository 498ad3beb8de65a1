/**
 * A convolution of stride 1 is a transposed one: of the reversed kernel, with the sides and their channels exchanged. So
 * it may take the paths that scatter.
 */

import { elementBytes } from '../core/dtype.ts';
import type { Axis } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { ForwardSpec } from './forward_spec.ts';
import type { Pointer, Stage } from './stage.ts';
import { withPointers, pointer } from './stage.ts';

/** True when `mirroredForward` takes the geometry. */
export function isMirrored({ geometry: { axes, groups } }: Pick<ForwardSpec, 'geometry'>): boolean {
  // weights of a group follow one another along the small side's channels
  return (
    groups === 1 && axes.every(({ stride, kernel, dilation, crop }) => stride === 1 && crop <= (kernel - 1) * dilation)
  );
}

/** Plan of a convolution, operands as for `planConvForward`, by one of a transposed convolution. */
export function mirroredForward(plan: (spec: ForwardSpec) => ConvPlan, spec: ForwardSpec): ConvPlan {
  const { dtype, geometry, input, output, weight } = spec;
  const mirrored = plan({
    ...spec,
    geometry: {
      ...geometry,
      inChannels: geometry.outChannels,
      outChannels: geometry.inChannels,
      axes: geometry.axes.map((axis) => ({
        ...axis,
        input: axis.output,
        output: axis.input,
        crop: (axis.kernel - 1) * axis.dilation - axis.crop,
      })) as [Axis, Axis, Axis],
    },
    input: output,
    output: input,
    weight: {
      inChannel: weight.outChannel,
      outChannel: weight.inChannel,
      spatial: weight.spatial.map((stride) => -stride) as [number, number, number],
    },
  });
  // the last tap is the first one
  const last = geometry.axes.reduce((sum, { kernel }, axis) => sum + (kernel - 1) * weight.spatial[axis], 0);
  return exchanged(mirrored, last * elementBytes(dtype));
}

/**
 * A plan to the large side as one to the small side.
 * @param weightBytes from the weight's first tap to the one where the plan takes it to begin
 */
export function exchanged(plan: ConvPlan, weightBytes: number): ConvPlan {
  const turned = ({ fields, ...stage }: Stage): Stage => {
    const change = ({ at, offsetBytes }: Pointer): Pointer => {
      if (at === 'weight') return pointer(at, offsetBytes + weightBytes);
      return pointer(at === 'input' ? 'output' : at === 'output' ? 'input' : at, offsetBytes);
    };
    return withPointers([{ ...stage, fields: { ...fields, gather: 1 } }], change)[0];
  };
  return { ...plan, pack: plan.pack.map(turned), stages: plan.stages.map(turned) };
}
