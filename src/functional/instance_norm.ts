/** instanceNorm: normalisation of each channel of each image over its spatial axes. */

import { checkFinite, checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkMask, gradientOptions } from './gradients_call.ts';
import type { GradientPlaces, Normalization, NormalizationGradients } from './normalization.ts';
import { beginNormalize, beginNormalizeBackward, checkAxes } from './normalization.ts';
import type { TensorArgument } from './operands.ts';

export interface InstanceNormOptions {
  /** Added to variances; default 1e-5. */
  eps?: number;
  /** Where to write the result: any strides, no overlap with an operand. */
  out?: Tensor;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface InstanceNormBackwardOptions extends Omit<InstanceNormOptions, 'out'>, GradientPlaces {
  /** Which of gradInput, gradWeight and gradBias to compute; default all. */
  outputMask?: readonly [boolean, boolean, boolean];
}

const FORWARD = ['eps', 'engine', 'signal', 'out'];
const BACKWARD = ['eps', ...gradientOptions('gradInput', 'gradWeight', 'gradBias')];

/** Statistics are those of a channel of an image. */
export const INSTANCE_NORM: Pick<Normalization, 'keeps' | 'several'> = {
  keeps: (axis, channelAxis) => axis <= channelAxis,
  several: 'spatial element',
};

/**
 * Instance normalisation, `torch.nn.functional.instance_norm`.
 *
 * @param input (N, channels, …spatial), any strides
 * @param weight (channels); null or undefined: 1
 * @param bias (channels); null or undefined: 0
 * @returns a tensor of the shape of `input`
 * @throws {ShapeError} for less than three axes, a single spatial element, sizes that are not (channels)
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 */
export async function instanceNorm(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: InstanceNormOptions,
): Promise<Tensor> {
  const call = begin(input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `instanceNorm`, on the calling thread. */
export function instanceNormSync(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: InstanceNormOptions,
): Tensor {
  const call = begin(input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradients of `instanceNorm`. Statistics are taken anew.
 *
 * @param gradOutput gradient of the result, of the shape of `input`
 * @param weight as given to the forward call
 * @returns gradInput, gradWeight (channels), gradBias (channels); null where the mask leaves one out
 * @throws as `instanceNorm`
 */
export async function instanceNormBackward(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: InstanceNormBackwardOptions,
): Promise<NormalizationGradients> {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `instanceNormBackward`, on the calling thread. */
export function instanceNormBackwardSync(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: InstanceNormBackwardOptions,
): NormalizationGradients {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.execute(call, options?.signal);
}

function begin(input: unknown, weight: unknown, bias: unknown, options: InstanceNormOptions = {}): Call<Tensor> {
  checkOptions('instanceNorm', options, FORWARD);
  const kind = checkKind('instanceNorm', input, options);
  return beginNormalize(kind, null, input, weight, bias, options);
}

function beginBackward(
  gradOutput: unknown,
  input: unknown,
  weight: unknown,
  options: InstanceNormBackwardOptions = {},
): Call<NormalizationGradients> {
  const operation = 'instanceNormBackward';
  checkOptions(operation, options, BACKWARD);
  const kind = checkKind(operation, input, options);
  const { outputMask = [true, true, true] } = options;
  const mask = checkMask(operation, outputMask, 3);
  return beginNormalizeBackward(kind, gradOutput, input, weight, mask, options);
}

function checkKind(operation: string, input: unknown, { eps = 1e-5 }: InstanceNormOptions): Normalization {
  checkAxes(operation, input, 3);
  return { operation, channelAxis: 1, ...INSTANCE_NORM, eps: checkFinite(operation, 'eps', eps, 0), uses: null };
}
