/** Calls of activations and their gradients; modules and convolutions with activations are built on them. */

import type { CheckedActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { computeDtype } from '../core/dtype.ts';
import { isChannelsLast } from '../core/memory_format.ts';
import { sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { planActivation, planActivationGradient, planPrelu } from '../plan/elementwise.ts';
import type { Stage } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { preluBackwardStep, preluShape } from './activation_steps.ts';
import { allocateResult, checkTensor, commonDtype, commonEngine, resultTensor, storagesOf } from './arguments.ts';
import { KernelOperands } from './kernel_operands.ts';
import { checkShapeLike, checkTensorLike } from './tensor_arguments.ts';

/**
 * `activation(input)`, any strides.
 * @param resultDtype inside a module's pass; default: that of the input
 */
export function beginActivation(
  operation: string,
  activation: CheckedActivation,
  input: Tensor,
  out?: Tensor,
  resultDtype?: Dtype,
): Call<Tensor> {
  const x = checkTensor(operation, 'input', input);
  const dtype = computeDtype(x.dtype);
  const { kind, a, b } = activation;
  const key = `activation ${dtype} ${x.size} ${kind} ${a} ${b}`;
  const make = () => planActivation(dtype, x.size, activation);
  return elementwiseCall(operation, key, make, { saved: x }, out, resultDtype);
}

/**
 * `gradOutput · activation′`.
 * @param saved what the forward pass kept, see `savesOutput`
 * @param resultDtype inside a module's pass, where float16 and float32 may meet; default: that of both
 * @throws {ShapeError} when gradOutput does not have the shape of `saved`.
 */
export function beginActivationGradient(
  operation: string,
  activation: CheckedActivation,
  gradOutput: Tensor,
  saved: Tensor,
  resultDtype?: Dtype,
): Call<Tensor> {
  const grad = checkShapeLike(operation, 'gradOutput', gradOutput, saved);
  if (resultDtype === undefined) commonDtype(operation, saved, { gradOutput: grad });
  const dtype = computeDtype(grad.dtype);
  const { kind, a, b } = activation;
  const key = `activationGradient ${dtype} ${grad.size} ${kind} ${a} ${b}`;
  const make = () => planActivationGradient(dtype, grad.size, activation);
  return elementwiseCall(operation, key, make, { saved, grad }, undefined, resultDtype);
}

/**
 * PReLU: x where positive, else weight · x.
 * @param weight one slope, or one per entry of axis 1
 * @throws {ShapeError} when there are several slopes but not one per channel.
 */
export function beginPrelu(operation: string, input: Tensor, weight: Tensor, out?: Tensor): Call<Tensor> {
  const x = checkTensor(operation, 'input', input);
  commonEngine(operation, x, { weight });
  const dtype = computeDtype(commonDtype(operation, x, { weight }));
  const shape = preluShape(operation, x, weight);
  const key = `prelu ${dtype} ${JSON.stringify(shape)}`;
  return elementwiseCall(operation, key, () => planPrelu(dtype, shape), { input: x, weight }, out);
}

/**
 * Gradients of PReLU.
 * @param wanted gradInput: whether to make it; gradWeight: what its gradient is added to, or null
 */
export function beginPreluGradient(
  operation: string,
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  wanted: { readonly gradInput: boolean; readonly gradWeight: Tensor | null },
): Call<Tensor | null> {
  const grad = checkTensorLike(operation, 'gradOutput', gradOutput, input);
  const { engine, dtype, shape } = input;
  const gradInput = wanted.gradInput ? allocateResult(operation, engine, dtype, shape) : null;
  const step = preluBackwardStep(operation, grad, input, weight, {
    gradInput: gradInput === null ? null : { tensor: gradInput, accumulate: false },
    gradWeight: wanted.gradWeight === null ? null : { tensor: wanted.gradWeight, accumulate: true },
  });
  return {
    engine,
    operation,
    reads: storagesOf([grad, input, weight]),
    steps: [step],
    writes: storagesOf([gradInput, wanted.gradWeight]),
    finish: () => gradInput,
    abandon: () => gradInput?.dispose(),
    release: () => undefined,
  };
}

/**
 * A stage over operands in one order in memory; the result has the shape of the first one, and channels last where one
 * of them has.
 * @param key of the stage in the engine's cache of plans
 */
function elementwiseCall(
  operation: string,
  key: string,
  make: () => Stage,
  inputs: Readonly<Record<string, Tensor>>,
  out?: Tensor,
  resultDtype?: Dtype,
): Call<Tensor> {
  const tensors = Object.values(inputs);
  const { shape, dtype, engine } = tensors[0];
  const strides = tensors.find((tensor) => isChannelsLast(tensor.shape, tensor.strides))?.strides;
  const result = resultTensor(operation, 'out', out, engine, resultDtype ?? dtype, shape, tensors, strides);
  const output = result.tensor;
  // elements of the same place in memory belong together
  const alike = [...tensors, output].every(
    (tensor) => tensor.dtype !== 'float16' && sameShape(tensor.strides, strides ?? []),
  );
  const layout = alike ? 'any strides' : 'row-major';
  const operands = new KernelOperands();
  for (const [name, tensor] of Object.entries(inputs)) operands.read(name, tensor, layout);
  operands.write('target', output, layout);
  const { stages } = engine.plan(key, () => ({ stages: [make()] }));
  return {
    engine,
    operation,
    reads: storagesOf(tensors),
    writes: [output.storage],
    steps: [operands.step(engine, key, stages, NO_WORKSPACE)],
    finish: () => output,
    abandon: () => {
      if (result.owned) output.dispose();
    },
    release: () => undefined,
  };
}
