/** conv1d, 2d, 3d: gradients. gradInput is a transposed convolution of gradOutput. */

import { NO_ACTIVATION } from '../core/activation.ts';
import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkTensor, commonDtype, commonEngine } from './arguments.ts';
import type { ConvBackwardOptions } from './conv_geometry.ts';
import { convGeometry } from './conv_geometry.ts';
import type { SpatialRank } from './conv_options.ts';
import { checkAlgorithm, checkBackwardOptions, CONV_BACKWARD_OPTIONS } from './conv_options.ts';
import { gradWeightStep, scatterStep } from './conv_steps.ts';
import type { ConvGradients } from './gradients.ts';
import { gradBiasStep, gradientsCall } from './gradients.ts';

/** A checked backward call, ready to run. */
export function beginConvBackward(
  operation: string,
  axes: SpatialRank,
  gradOutputArgument: Tensor,
  inputArgument: Tensor,
  weightArgument: Tensor,
  options: ConvBackwardOptions = {},
): Call<ConvGradients> {
  checkBackwardOptions(operation, options, CONV_BACKWARD_OPTIONS);
  const gradOutput = checkTensor(operation, 'gradOutput', gradOutputArgument);
  const input = checkTensor(operation, 'input', inputArgument);
  const weight = checkTensor(operation, 'weight', weightArgument);
  const engine = commonEngine(operation, gradOutput, { input, weight }, options.engine);
  const dtype = commonDtype(operation, gradOutput, { input, weight });
  const { geometry, outputShape, outChannels } = convGeometry(operation, axes, input.shape, weight.shape, options);
  if (!sameShape(gradOutput.shape, outputShape)) {
    throw new ShapeError(operation, 'gradOutput', formatShape(outputShape), formatShape(gradOutput.shape));
  }
  checkAlgorithm(operation, options.algorithm, geometry);
  const shapes = [input.shape, weight.shape, [outChannels]] as const;
  return gradientsCall(
    operation,
    engine,
    dtype,
    shapes,
    [gradOutput, input, weight],
    options,
    (gradInput, gradWeight, gradBias) => [
      ...(gradInput === null
        ? []
        : [
            scatterStep(
              geometry,
              axes,
              { input: gradOutput, weight, bias: null, output: gradInput.tensor },
              NO_ACTIVATION,
              gradInput.accumulate,
            ),
          ]),
      ...(gradWeight === null
        ? []
        : [
            gradWeightStep(
              geometry,
              axes,
              { input: gradOutput, gradWeight: gradWeight.tensor, output: input },
              gradWeight.accumulate,
            ),
          ]),
      ...(gradBias === null ? [] : [gradBiasStep(gradOutput, axes, outChannels, gradBias)]),
    ],
  );
}

/**
 * Gradients of `conv1d`.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param input (N, Cin, L) or (Cin, L), as given to the forward call
 * @param weight (Cout, Cin/groups, k)
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight, gradBias (Cout); null where the mask leaves one out
 * @throws as `conv1d`; {ArgumentError} for an activation
 */
export async function conv1dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvBackward('conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv1dBackward`, on the calling thread. */
export function conv1dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): ConvGradients {
  const call = beginConvBackward('conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call);
}

/** Gradients of `conv2d`, see `conv1dBackward`. */
export async function conv2dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvBackward('conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv2dBackward`, on the calling thread. */
export function conv2dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): ConvGradients {
  const call = beginConvBackward('conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call);
}

/** Gradients of `conv3d`, see `conv1dBackward`. */
export async function conv3dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvBackward('conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv3dBackward`, on the calling thread. */
export function conv3dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvBackwardOptions,
): ConvGradients {
  const call = beginConvBackward('conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call);
}
