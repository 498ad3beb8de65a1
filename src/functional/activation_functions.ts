/** activate and prelu: activations as functions of their own, and their gradients. */

import type { Activation } from '../core/activation.ts';
import { checkActivation } from '../core/activation.ts';
import { ArgumentError } from '../core/errors.ts';
import { keptStrides } from '../core/memory_format.ts';
import { checkOptions, describe } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { beginActivation, beginPrelu } from './activation.ts';
import { activationBackwardStep, preluBackwardStep } from './activation_steps.ts';
import { storagesOf } from './arguments.ts';
import { callForGradients, checkMask, gradientOptions } from './gradients_call.ts';
import type { Operands, TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';
import { checkTensorLike } from './tensor_arguments.ts';

export interface ActivateOptions {
  /** Where to write the result: any strides, no overlap with an operand. */
  out?: Tensor;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface ActivateBackwardOptions {
  outGradInput?: Tensor;
  /** Adds to the gradients given. */
  accumulate?: boolean;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface PreluBackwardOptions extends ActivateBackwardOptions {
  /** Which of gradInput and gradWeight to compute; default both. */
  outputMask?: readonly [boolean, boolean];
  outGradWeight?: Tensor;
}

/** Null where the mask leaves one out. */
export interface PreluGradients {
  gradInput: Tensor | null;
  gradWeight: Tensor | null;
}

const FORWARD = ['engine', 'signal', 'out'];
const PRELU_BACKWARD = gradientOptions('gradInput', 'gradWeight');
const ACTIVATE_BACKWARD = gradientOptions('gradInput').filter((name) => name !== 'outputMask');

/**
 * An activation of every element, as the option `activation` of convolutions names them.
 * @throws {ArgumentError} for an activation that there is not
 * @throws {DtypeError | ShapeError | EngineError | OutOfMemoryError | TypeError}
 */
export async function activate(
  input: TensorArgument,
  activation: Activation,
  options?: ActivateOptions,
): Promise<Tensor> {
  const call = beginActivate(input, activation, options);
  return call.engine.submit(call, options?.signal);
}

/** As `activate`, on the calling thread. */
export function activateSync(input: TensorArgument, activation: Activation, options?: ActivateOptions): Tensor {
  const call = beginActivate(input, activation, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradient of `activate`.
 * @param gradOutput gradient of the result, of the shape of `input`
 * @throws as `activate`
 */
export async function activateBackward(
  gradOutput: TensorArgument,
  input: TensorArgument,
  activation: Activation,
  options?: ActivateBackwardOptions,
): Promise<{ gradInput: Tensor }> {
  const call = beginActivateBackward(gradOutput, input, activation, options);
  return call.engine.submit(call, options?.signal);
}

/** As `activateBackward`, on the calling thread. */
export function activateBackwardSync(
  gradOutput: TensorArgument,
  input: TensorArgument,
  activation: Activation,
  options?: ActivateBackwardOptions,
): { gradInput: Tensor } {
  const call = beginActivateBackward(gradOutput, input, activation, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * x where positive, else weight · x.
 * @param weight (1), or (channels): one slope per entry of axis 1
 * @throws {ShapeError} when there are several slopes but not one per channel
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 */
export async function prelu(input: TensorArgument, weight: TensorArgument, options?: ActivateOptions): Promise<Tensor> {
  const call = beginPreluFunction(input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `prelu`, on the calling thread. */
export function preluSync(input: TensorArgument, weight: TensorArgument, options?: ActivateOptions): Tensor {
  const call = beginPreluFunction(input, weight, options);
  return call.engine.execute(call, options?.signal);
}

/** Gradients of `prelu`; throws as it does. */
export async function preluBackward(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: PreluBackwardOptions,
): Promise<PreluGradients> {
  const call = beginPreluBackward(gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `preluBackward`, on the calling thread. */
export function preluBackwardSync(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: PreluBackwardOptions,
): PreluGradients {
  const call = beginPreluBackward(gradOutput, input, weight, options);
  return call.engine.execute(call, options?.signal);
}

function beginActivate(input: unknown, activation: unknown, options: ActivateOptions = {}): Call<Tensor> {
  checkOptions('activate', options, FORWARD);
  const checked = checkActivation('activate', 'activation', named('activate', activation));
  return opened('activate', { input }, options, ({ tensors }) =>
    beginActivation('activate', checked, tensors.input, options.out),
  );
}

function beginActivateBackward(
  gradOutputArgument: unknown,
  inputArgument: unknown,
  activation: unknown,
  options: ActivateBackwardOptions = {},
): Call<{ gradInput: Tensor }> {
  const operation = 'activateBackward';
  checkOptions(operation, options, ACTIVATE_BACKWARD);
  const checked = checkActivation(operation, 'activation', named(operation, activation));
  const values = { gradOutput: gradOutputArgument, input: inputArgument };
  return opened(operation, values, options, ({ engine, dtype, tensors }) => {
    const { input } = tensors;
    const gradOutput = checkTensorLike(operation, 'gradOutput', tensors.gradOutput, input);
    const gradients = [
      { name: 'gradInput', dtype, shape: input.shape, strides: keptStrides(input.shape, [input]) },
    ] as const;
    const inputs = [gradOutput, input];
    const results = { engine, inputs, storages: storagesOf(inputs), release: () => undefined };
    const call = callForGradients(operation, results, gradients, [true], options, ([target]) => [
      activationBackwardStep(checked, gradOutput, input, target!),
    ]);
    return call as Call<{ gradInput: Tensor }>;
  });
}

function beginPreluFunction(input: unknown, weight: unknown, options: ActivateOptions = {}): Call<Tensor> {
  checkOptions('prelu', options, FORWARD);
  return opened('prelu', { input, weight }, options, ({ tensors }) =>
    beginPrelu('prelu', tensors.input, tensors.weight, options.out),
  );
}

function beginPreluBackward(
  gradOutputArgument: unknown,
  inputArgument: unknown,
  weightArgument: unknown,
  options: PreluBackwardOptions = {},
): Call<PreluGradients> {
  const operation = 'preluBackward';
  checkOptions(operation, options, PRELU_BACKWARD);
  const { outputMask = [true, true] } = options;
  const mask = checkMask(operation, outputMask, 2);
  const values = { gradOutput: gradOutputArgument, input: inputArgument, weight: weightArgument };
  return opened(operation, values, options, ({ engine, dtype, tensors }) => {
    const { input, weight } = tensors;
    const gradOutput = checkTensorLike(operation, 'gradOutput', tensors.gradOutput, input);
    const gradients = [
      { name: 'gradInput', dtype, shape: input.shape, strides: keptStrides(input.shape, [input]) },
      { name: 'gradWeight', dtype, shape: weight.shape },
    ] as const;
    const inputs = [gradOutput, input, weight];
    const results = { engine, inputs, storages: storagesOf(inputs), release: () => undefined };
    return callForGradients(operation, results, gradients, mask, options, ([gradInput, gradWeight]) => [
      preluBackwardStep(operation, gradOutput, input, weight, { gradInput, gradWeight }),
    ]);
  });
}

/** undefined would mean 'none', but here somebody forgot it. */
function named(operation: string, activation: unknown): unknown {
  if (activation === undefined) {
    throw new ArgumentError(operation, 'activation', "a name, as 'relu', or an object", describe(activation));
  }
  return activation;
}

/** A call on operands of which TensorLikes are copied in, and freed when it is over. */
function opened<Name extends string, T>(
  operation: string,
  values: Readonly<Record<Name, unknown>>,
  { engine }: { readonly engine?: Engine },
  begin: (operands: Operands<Name>) => Call<T>,
): Call<T> {
  const operands = openOperands(operation, values, null, engine);
  try {
    const call = begin(operands);
    return {
      ...call,
      release: () => {
        call.release();
        operands.release();
      },
    };
  } catch (error) {
    operands.release();
    throw error;
  }
}
