/** Calls of activations and their gradients; modules and convolutions with activations are built on them. */

import type { CheckedActivation } from '../core/activation.ts';
import { ACTIVATION_KINDS } from '../core/activation.ts';
import { ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { planCopy } from '../plan/copy.ts';
import type { PreluShape } from '../plan/elementwise.ts';
import { planActivation, planActivationGradient, planPrelu, planPreluGradient } from '../plan/elementwise.ts';
import type { Stage } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult, checkTensor, commonDtype, commonEngine, resultTensor, storagesOf } from './arguments.ts';
import type { DenseOperands } from './dense.ts';
import { denseOperands } from './dense.ts';
import { checkTensorLike } from './tensor_arguments.ts';

const { silu, gelu, clamp, leakyRelu } = ACTIVATION_KINDS;

/** True for activations whose gradient is computed from their output; the others need their input. */
export function savesOutput({ kind, a }: CheckedActivation): boolean {
  return !(kind === silu || kind === gelu || kind === clamp || (kind === leakyRelu && a < 0));
}

/** `activation(input)`, any strides. */
export function beginActivation(
  operation: string,
  activation: CheckedActivation,
  input: Tensor,
  out?: Tensor,
): Call<Tensor> {
  const x = checkTensor(operation, 'input', input);
  const { kind, a, b } = activation;
  const plan = x.engine.plan(`activation ${x.dtype} ${x.size} ${kind} ${a} ${b}`, () => ({
    stages: [planActivation(x.dtype, x.size, activation)],
  }));
  return elementwiseCall(operation, plan.stages, { saved: x }, out);
}

/**
 * `gradOutput · activation′`.
 * @param saved what the forward pass kept, see `savesOutput`
 * @throws {ShapeError} when gradOutput does not have the shape of `saved`.
 */
export function beginActivationGradient(
  operation: string,
  activation: CheckedActivation,
  gradOutput: Tensor,
  saved: Tensor,
): Call<Tensor> {
  const grad = checkTensorLike(operation, 'gradOutput', gradOutput, saved);
  const { kind, a, b } = activation;
  const plan = grad.engine.plan(`activationGradient ${grad.dtype} ${grad.size} ${kind} ${a} ${b}`, () => ({
    stages: [planActivationGradient(grad.dtype, grad.size, activation)],
  }));
  return elementwiseCall(operation, plan.stages, { saved, grad });
}

/**
 * PReLU: x where positive, else weight · x.
 * @param weight one slope, or one per entry of axis 1
 * @throws {ShapeError} when there are several slopes but not one per channel.
 */
export function beginPrelu(operation: string, input: Tensor, weight: Tensor, out?: Tensor): Call<Tensor> {
  const x = checkTensor(operation, 'input', input);
  commonEngine(operation, x, { weight });
  commonDtype(operation, x, { weight });
  const shape = preluShape(operation, x, weight);
  const plan = x.engine.plan(`prelu ${x.dtype} ${JSON.stringify(shape)}`, () => ({
    stages: [planPrelu(x.dtype, shape)],
  }));
  return elementwiseCall(operation, plan.stages, { input: x, weight }, out);
}

/**
 * Gradients of PReLU.
 * @param wanted gradInput: whether to make it; gradWeight: what its gradient is added to, contiguous, or null
 */
export function beginPreluGradient(
  operation: string,
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  wanted: { readonly gradInput: boolean; readonly gradWeight: Tensor | null },
): Call<Tensor | null> {
  const grad = checkTensorLike(operation, 'gradOutput', gradOutput, input);
  const { stages, workspaceBytes } = planPreluGradient(input.dtype, preluShape(operation, input, weight));
  const operands = denseOperands(operation, { grad, input, weight });
  let gradInput: Tensor | null = null;
  try {
    if (wanted.gradInput) gradInput = allocateResult(operation, input.engine, input.dtype, input.shape);
  } catch (error) {
    operands.release();
    throw error;
  }
  const gradWeight = wanted.gradWeight;
  const step: Step = {
    stages: gradWeight === null ? stages.slice(0, 1) : stages,
    workspaceBytes: { shared: workspaceBytes, perThread: 0 },
    pointers: { ...operands.pointers, target: gradInput?.ptr ?? 0, gradWeight: gradWeight?.ptr ?? 0 },
  };
  const written = [gradInput, gradWeight].filter((tensor) => tensor !== null);
  return {
    engine: input.engine,
    operation,
    reads: storagesOf([grad, input, weight]),
    steps: [...operands.steps, step],
    writes: written.map(({ storage }) => storage),
    finish: () => gradInput,
    abandon: () => gradInput?.dispose(),
    release: operands.release,
  };
}

function preluShape(operation: string, { shape, size }: Tensor, weight: Tensor): PreluShape {
  if (weight.size === 1) return { rows: 1, channels: 1, rowLength: size };
  const channels = shape.length > 1 ? shape[1] : 1;
  if (channels !== weight.size) {
    throw new ShapeError(operation, 'input', `${weight.size} channels in axis 1`, formatShape(shape));
  }
  const rows = shape[0] * channels;
  return { rows, channels, rowLength: rows === 0 ? 0 : size / rows };
}

/** Stages over contiguous operands of the first one's shape; an `out` with other strides gets a copy. */
function elementwiseCall(
  operation: string,
  stages: readonly Stage[],
  operands: Readonly<Record<string, Tensor>>,
  out?: Tensor,
): Call<Tensor> {
  const inputs = Object.values(operands);
  const { shape, dtype, engine } = inputs[0];
  const { tensor: output, owned } = resultTensor(operation, 'out', out, engine, dtype, shape, inputs);
  const abandon = (): void => {
    if (owned) output.dispose();
  };
  let dense: DenseOperands | null = null;
  let temporary: Tensor | null = null;
  const release = (): void => {
    dense?.release();
    temporary?.dispose();
  };
  const steps: Step[] = [];
  try {
    dense = denseOperands(operation, operands);
    steps.push(...dense.steps);
    if (!output.isContiguous) temporary = allocateResult(operation, engine, dtype, shape);
    const target = (temporary ?? output).ptr;
    steps.push({ stages, workspaceBytes: NO_WORKSPACE, pointers: { ...dense.pointers, target } });
    if (temporary !== null && output.size > 0) {
      const copy = planCopy(dtype, shape, temporary.strides, output.strides);
      steps.push({
        stages: [copy],
        workspaceBytes: NO_WORKSPACE,
        pointers: { source: target, target: output.ptr },
      });
    }
  } catch (error) {
    release();
    abandon();
    throw error;
  }
  return {
    engine,
    operation,
    reads: storagesOf(inputs),
    writes: [output.storage],
    steps,
    finish: () => output,
    abandon,
    release,
  };
}
