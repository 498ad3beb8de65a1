/** layerNorm2d: normalisation over the channels of each pixel. */

import { checkFinite, checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkMask, gradientOptions } from './gradients_call.ts';
import type { GradientPlaces, Normalization, NormalizationGradients } from './normalization.ts';
import { beginNormalize, beginNormalizeBackward, checkAxes } from './normalization.ts';
import type { TensorArgument } from './operands.ts';

export interface LayerNorm2dOptions {
  /** Added to variances; default 1e-6. */
  eps?: number;
  /** Where to write the result: any strides, no overlap with an operand. */
  out?: Tensor;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface LayerNorm2dBackwardOptions extends Omit<LayerNorm2dOptions, 'out'>, GradientPlaces {
  /** Which of gradInput, gradWeight and gradBias to compute; default all. */
  outputMask?: readonly [boolean, boolean, boolean];
}

const FORWARD = ['eps', 'engine', 'signal', 'out'];
const BACKWARD = ['eps', ...gradientOptions('gradInput', 'gradWeight', 'gradBias')];

/** Statistics are those of a pixel. */
export const LAYER_NORM_2D: Pick<Normalization, 'keeps' | 'several'> = {
  keeps: (axis, channelAxis) => axis !== channelAxis,
  several: null,
};

/**
 * Layer normalisation over channels, as ConvNeXt and SAM have it: `layer_norm` of PyTorch on channels_last.
 *
 * @param input (N, channels, H, W) or (channels, H, W), any strides
 * @param weight (channels); null or undefined: 1
 * @param bias (channels); null or undefined: 0
 * @returns a tensor of the shape of `input`
 * @throws {ShapeError} for other ranks, sizes that are not (channels)
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 */
export async function layerNorm2d(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: LayerNorm2dOptions,
): Promise<Tensor> {
  const call = begin(input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `layerNorm2d`, on the calling thread. */
export function layerNorm2dSync(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: LayerNorm2dOptions,
): Tensor {
  const call = begin(input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradients of `layerNorm2d`. Statistics are taken anew.
 *
 * @param gradOutput gradient of the result, of the shape of `input`
 * @param weight as given to the forward call
 * @returns gradInput, gradWeight (channels), gradBias (channels); null where the mask leaves one out
 * @throws as `layerNorm2d`
 */
export async function layerNorm2dBackward(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: LayerNorm2dBackwardOptions,
): Promise<NormalizationGradients> {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `layerNorm2dBackward`, on the calling thread. */
export function layerNorm2dBackwardSync(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: LayerNorm2dBackwardOptions,
): NormalizationGradients {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.execute(call, options?.signal);
}

function begin(input: unknown, weight: unknown, bias: unknown, options: LayerNorm2dOptions = {}): Call<Tensor> {
  checkOptions('layerNorm2d', options, FORWARD);
  const kind = checkKind('layerNorm2d', input, options);
  return beginNormalize(kind, null, input, weight, bias, options);
}

function beginBackward(
  gradOutput: unknown,
  input: unknown,
  weight: unknown,
  options: LayerNorm2dBackwardOptions = {},
): Call<NormalizationGradients> {
  const operation = 'layerNorm2dBackward';
  checkOptions(operation, options, BACKWARD);
  const kind = checkKind(operation, input, options);
  const { outputMask = [true, true, true] } = options;
  const mask = checkMask(operation, outputMask, 3);
  return beginNormalizeBackward(kind, gradOutput, input, weight, mask, options);
}

function checkKind(operation: string, input: unknown, { eps = 1e-6 }: LayerNorm2dOptions): Normalization {
  const axes = checkAxes(operation, input, 3, 4);
  const checked = checkFinite(operation, 'eps', eps, 0);
  return { operation, channelAxis: axes - 3, ...LAYER_NORM_2D, eps: checked, uses: null };
}
