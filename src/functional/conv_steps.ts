/**
 * The three products behind convolutions, as steps over checked tensors. "input" is the small side, "output" the
 * strided, larger one; a transposed convolution goes from small to large, a convolution back.
 */

import type { CheckedActivation } from '../core/activation.ts';
import type { Step } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { ConvGeometry, Strides, WeightStrides } from '../plan/conv_geometry.ts';
import { planConvForward } from '../plan/conv_forward.ts';
import type { ConvPlan } from '../plan/conv_plan.ts';
import { planConvTransposeForward } from '../plan/conv_transpose_forward.ts';
import { planDepthwiseForward } from '../plan/depthwise.ts';
import { planGradWeight } from '../plan/grad_weight.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Element strides of an activation tensor, batched or not, with unit axes in front. */
export function stridesOf({ shape, strides }: Tensor, axes: number): Strides {
  const spatial: [number, number, number] = [0, 0, 0];
  let dense = 1; // what the stride of an axis of length 1 is taken for: any is right, this one keeps rows contiguous
  for (let axis = 0; axis < 3; axis++) {
    const from = shape.length - 1 - axis;
    const exists = axis < axes && shape[from] !== 1;
    spatial[2 - axis] = exists ? strides[from] : dense;
    if (exists) dense = strides[from] * shape[from];
  }
  const channelAxis = shape.length - axes - 1;
  return { batch: channelAxis > 0 ? strides[0] : 0, channel: strides[channelAxis], spatial };
}

/** Element strides of a weight (in, out, *kernel). */
function weightStridesOf({ shape, strides }: Tensor): WeightStrides {
  const spatial: [number, number, number] = [0, 0, 0];
  const axes = shape.length - 2;
  for (let axis = 0; axis < axes; axis++) spatial[3 - axes + axis] = strides[2 + axis];
  return { inChannel: strides[0], outChannel: strides[1], spatial };
}

function keyOf(kind: string, engine: Engine, parts: object): string {
  return `${kind} ${engine.forcedMr ?? ''} ${JSON.stringify(parts)}`;
}

function packedRequest(plan: ConvPlan, weight: Tensor): Step['packedWeight'] {
  const offset = weight.ptr - weight.storage.ptr;
  return {
    storage: weight.storage,
    weightPtr: weight.ptr,
    key: `${plan.packKey} @${offset}`,
    bytes: plan.packedWeightBytes,
    stages: plan.pack,
  };
}

/** output = col2im(Wᵀ · input) + bias: transposed convolution, and gradInput of a convolution. */
export function scatterStep(
  geometry: ConvGeometry,
  axes: number,
  operands: { input: Tensor; weight: Tensor; bias: Tensor | null; output: Tensor },
  activation: CheckedActivation,
  accumulate: boolean,
  depthwise: boolean,
): Step {
  const { input, weight, bias, output } = operands;
  const { engine, dtype } = input;
  const spec = {
    dtype,
    kernelSet: engine.kernelSet,
    mr: engine.forcedMr,
    geometry,
    input: stridesOf(input, axes),
    weight: weightStridesOf(weight),
    output: stridesOf(output, axes),
    bias: bias !== null,
    activation,
    accumulate,
  };
  const pointers = { input: input.ptr, output: output.ptr, ...(bias === null ? {} : { bias: bias.ptr }) };
  if (depthwise) {
    const plan = engine.plan(keyOf('depthwise', engine, spec), () => planDepthwiseForward(spec));
    return { ...plan, pointers: { ...pointers, weight: weight.ptr } };
  }
  const plan = engine.plan(keyOf('scatter', engine, spec), () => planConvTransposeForward(spec));
  return {
    stages: plan.stages,
    workspaceBytes: plan.workspaceBytes,
    packedWeight: packedRequest(plan, weight),
    pointers,
  };
}

/** input = W · im2col(output) + bias: convolution, and gradInput of a transposed one. */
export function gatherStep(
  geometry: ConvGeometry,
  axes: number,
  operands: { input: Tensor; weight: Tensor; bias: Tensor | null; output: Tensor },
  activation: CheckedActivation,
  accumulate: boolean,
): Step {
  const { input, weight, bias, output } = operands;
  const { engine, dtype } = input;
  const spec = {
    dtype,
    kernelSet: engine.kernelSet,
    mr: engine.forcedMr,
    geometry,
    input: stridesOf(input, axes),
    weight: weightStridesOf(weight),
    output: stridesOf(output, axes),
    bias: bias !== null,
    activation,
    accumulate,
  };
  const plan = engine.plan(keyOf('gather', engine, spec), () => planConvForward(spec));
  return {
    stages: plan.stages,
    workspaceBytes: plan.workspaceBytes,
    packedWeight: packedRequest(plan, weight),
    pointers: { input: input.ptr, output: output.ptr, ...(bias === null ? {} : { bias: bias.ptr }) },
  };
}

/** weight gradient = input · im2col(output)ᵀ, the same for both operations. */
export function gradWeightStep(
  geometry: ConvGeometry,
  axes: number,
  operands: { input: Tensor; gradWeight: Tensor; output: Tensor },
  accumulate: boolean,
): Step {
  const { input, gradWeight, output } = operands;
  const { engine, dtype } = input;
  const spec = {
    dtype,
    kernelSet: engine.kernelSet,
    mr: engine.forcedMr,
    geometry,
    input: stridesOf(input, axes),
    weight: weightStridesOf(gradWeight),
    output: stridesOf(output, axes),
    accumulate,
  };
  const plan = engine.plan(keyOf('gradWeight', engine, spec), () => planGradWeight(spec));
  return {
    stages: plan.stages,
    workspaceBytes: plan.workspaceBytes,
    pointers: { input: input.ptr, output: output.ptr, weight: gradWeight.ptr },
  };
}
