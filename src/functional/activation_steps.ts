/** Steps of the gradients of activations and PReLU, from the input of the forward call. */

import type { CheckedActivation } from '../core/activation.ts';
import { ACTIVATION_KINDS } from '../core/activation.ts';
import { computeDtype, elementBytes } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { contiguousStrides, formatShape } from '../core/shape.ts';
import type { Step } from '../engine/call.ts';
import { constant, planCombine, planZeros } from '../plan/combine.ts';
import type { PreluShape } from '../plan/elementwise.ts';
import { planActivation, planActivationGradient, planPreluGradient } from '../plan/elementwise.ts';
import type { Stage } from '../plan/stage.ts';
import { pointer, withPointers } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Target } from './gradients_call.ts';
import { KernelOperands } from './kernel_operands.ts';

const { silu, gelu, clamp, leakyRelu } = ACTIVATION_KINDS;

/** True for activations whose gradient is computed from their output; the others need their input. */
export function savesOutput({ kind, a }: CheckedActivation): boolean {
  return !(kind === silu || kind === gelu || kind === clamp || (kind === leakyRelu && a < 0));
}

/** The step of PReLU's gradients; operands are checked. */
export function preluBackwardStep(
  operation: string,
  grad: Tensor,
  input: Tensor,
  weight: Tensor,
  { gradInput, gradWeight }: { readonly gradInput: Target | null; readonly gradWeight: Target | null },
): Step {
  const dtype = computeDtype(input.dtype);
  const plan = planPreluGradient(dtype, preluShape(operation, input, weight));
  const operands = new KernelOperands();
  operands.read('grad', grad, 'row-major');
  operands.read('input', input, 'row-major');
  operands.read('weight', weight, 'row-major');
  const own = gradWeight === null ? plan.stages.slice(0, 1) : plan.stages;
  const zeroed = gradWeight === null || gradWeight.accumulate ? [] : [planZeros(dtype, 'gradWeight', weight.size)];
  if (gradWeight !== null) operands.update('gradWeight', gradWeight.tensor, 'row-major');
  const { stages, bytes } = intoTarget([...zeroed, ...own], 'target', gradInput, operands, plan.workspaceBytes);
  return operands.step(input.engine, null, stages, { shared: bytes, perThread: 0 });
}

/** The step of an activation's gradient from its input; operands are checked. */
export function activationBackwardStep(
  activation: CheckedActivation,
  grad: Tensor,
  input: Tensor,
  gradInput: Target,
): Step {
  const { size, engine } = input;
  const dtype = computeDtype(input.dtype);
  const operands = new KernelOperands();
  operands.read('grad', grad, 'row-major');
  operands.read('input', input, 'row-major');
  const renamed = (stage: Stage, saved: string): Stage[] =>
    withPointers([stage], ({ at, offsetBytes }) => pointer(at === 'saved' ? saved : at, offsetBytes));
  const gradient = planActivationGradient(dtype, size, activation);
  const made = savesOutput(activation)
    ? [...renamed(planActivation(dtype, size, activation), 'input'), ...renamed(gradient, 'target')]
    : renamed(gradient, 'input');
  const { stages, bytes } = intoTarget(made, 'target', gradInput, operands, 0);
  return operands.step(engine, null, stages, { shared: bytes, perThread: 0 });
}

/**
 * Stages of kernels that write a gradient, for a target that may be added to: they write to scratch memory then.
 * @param bytes of scratch memory that the stages need themselves
 */
function intoTarget(
  stages: readonly Stage[],
  name: string,
  target: Target | null,
  operands: KernelOperands,
  bytes: number,
): { readonly stages: readonly Stage[]; readonly bytes: number } {
  if (target === null) return { stages, bytes };
  const { tensor, accumulate } = target;
  if (!accumulate) {
    operands.write(name, tensor, 'row-major');
    return { stages, bytes };
  }
  const { strides, shape } = operands.update(name, tensor);
  const dtype = computeDtype(tensor.dtype);
  const scratch = Math.ceil(bytes / 64) * 64;
  const moved = withPointers(stages, (place) => (place.at === name ? pointer('workspace', scratch) : place));
  const sum = planCombine({
    formula: 'linear',
    dtype,
    shape,
    target: { at: pointer(name), strides },
    operands: [
      { at: pointer('workspace', scratch), strides: contiguousStrides(shape) },
      constant(dtype, 0, shape.length),
    ],
    accumulate: true,
  });
  return { stages: [...moved, ...sum], bytes: scratch + tensor.size * elementBytes(dtype) };
}

/** @throws {ShapeError} when there are several slopes but not one per channel. */
export function preluShape(operation: string, { shape, size }: Tensor, weight: Tensor): PreluShape {
  if (weight.size === 1) return { rows: 1, channels: 1, rowLength: size };
  const channels = shape.length > 1 ? shape[1] : 1;
  if (channels !== weight.size) {
    throw new ShapeError(operation, 'input', `${weight.size} channels in axis 1`, formatShape(shape));
  }
  const rows = shape[0] * channels;
  return { rows, channels, rowLength: rows === 0 ? 0 : size / rows };
}
