/** batchNorm: normalisation of each channel over batch and spatial axes. */

import { ArgumentError } from '../core/errors.ts';
import { checkBoolean, checkFinite, checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkTensor } from './arguments.ts';
import { checkMask, gradientOptions } from './gradients_call.ts';
import type { GradientPlaces, Normalization, NormalizationGradients, RunningStatistics } from './normalization.ts';
import { beginNormalize, beginNormalizeBackward, checkAxes } from './normalization.ts';
import type { TensorArgument } from './operands.ts';

interface StatisticsOptions {
  /** (channels): means to use when not training; training moves them. Together with `runningVar`, or neither. */
  runningMean?: Tensor | null;
  runningVar?: Tensor | null;
  /** true: with the statistics of the input, false (default): with the running ones. */
  training?: boolean;
  /** Added to variances; default 1e-5. */
  eps?: number;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface BatchNormOptions extends StatisticsOptions {
  /** By which factor running statistics move towards those of the input; default 0.1. */
  momentum?: number;
  /** Where to write the result: any strides, no overlap with an operand. */
  out?: Tensor;
}

export interface BatchNormBackwardOptions extends StatisticsOptions, GradientPlaces {
  /** Which of gradInput, gradWeight and gradBias to compute; default all. */
  outputMask?: readonly [boolean, boolean, boolean];
}

const STATISTICS = ['runningMean', 'runningVar', 'training', 'eps'];
const FORWARD = [...STATISTICS, 'momentum', 'engine', 'signal', 'out'];
const BACKWARD = [...STATISTICS, ...gradientOptions('gradInput', 'gradWeight', 'gradBias')];

/** Statistics are those of a channel over all other axes. */
export const BATCH_NORM: Pick<Normalization, 'keeps' | 'several'> = {
  keeps: (axis, channelAxis) => axis === channelAxis,
  several: 'value per channel',
};

/**
 * Batch normalisation, `torch.nn.functional.batch_norm`: (x − mean) ÷ √(variance + eps) · weight + bias.
 *
 * @param input (N, channels, …spatial), any strides
 * @param weight (channels); null or undefined: 1
 * @param bias (channels); null or undefined: 0
 * @param options in training `runningMean` and `runningVar` are written, the latter with the unbiased variance
 * @returns a tensor of the shape of `input`
 * @throws {ShapeError} for less than two axes, less than two values per channel in training, sizes that are not (channels)
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 */
export async function batchNorm(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: BatchNormOptions,
): Promise<Tensor> {
  const call = begin(input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `batchNorm`, on the calling thread. */
export function batchNormSync(
  input: TensorArgument,
  weight?: TensorArgument | null,
  bias?: TensorArgument | null,
  options?: BatchNormOptions,
): Tensor {
  const call = begin(input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradients of `batchNorm`. Statistics are taken anew; running ones are read when not training, and never written.
 *
 * @param gradOutput gradient of the result, of the shape of `input`
 * @param weight as given to the forward call
 * @param options those of the forward call; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight (channels), gradBias (channels); null where the mask leaves one out
 * @throws as `batchNorm`
 */
export async function batchNormBackward(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: BatchNormBackwardOptions,
): Promise<NormalizationGradients> {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `batchNormBackward`, on the calling thread. */
export function batchNormBackwardSync(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight?: TensorArgument | null,
  options?: BatchNormBackwardOptions,
): NormalizationGradients {
  const call = beginBackward(gradOutput, input, weight, options);
  return call.engine.execute(call, options?.signal);
}

function begin(input: unknown, weight: unknown, bias: unknown, options: BatchNormOptions = {}): Call<Tensor> {
  checkOptions('batchNorm', options, FORWARD);
  const { kind, running, training } = checkStatistics('batchNorm', options);
  const factor = checkFinite('batchNorm', 'momentum', options.momentum ?? 0.1);
  checkAxes('batchNorm', input, 2);
  const update = training && running !== null ? { running, factor } : null;
  return beginNormalize(kind, update, input, weight, bias, options);
}

function beginBackward(
  gradOutput: unknown,
  input: unknown,
  weight: unknown,
  options: BatchNormBackwardOptions = {},
): Call<NormalizationGradients> {
  const operation = 'batchNormBackward';
  checkOptions(operation, options, BACKWARD);
  const { kind } = checkStatistics(operation, options);
  const { outputMask = [true, true, true] } = options;
  const mask = checkMask(operation, outputMask, 3);
  checkAxes(operation, input, 2);
  return beginNormalizeBackward(kind, gradOutput, input, weight, mask, options);
}

function checkStatistics(
  operation: string,
  options: StatisticsOptions,
): { kind: Normalization; running: RunningStatistics | null; training: boolean } {
  const training = checkBoolean(operation, 'training', options.training ?? false);
  const eps = checkFinite(operation, 'eps', options.eps ?? 1e-5, 0);
  const [mean, variance] = (['runningMean', 'runningVar'] as const).map((name) => {
    const value = options[name] ?? null;
    return value === null ? null : checkTensor(operation, name, value);
  });
  if ((mean === null) !== (variance === null) || (mean === null && !training)) {
    const expected = training ? 'together with runningMean, or neither' : 'running statistics when not training';
    throw new ArgumentError(operation, mean === null ? 'runningMean' : 'runningVar', expected, 'none');
  }
  const running = mean === null || variance === null ? null : { mean, variance };
  return {
    kind: { operation, channelAxis: 1, ...BATCH_NORM, eps, uses: training ? null : running },
    running,
    training,
  };
}
