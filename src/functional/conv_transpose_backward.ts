/** convTranspose1d, 2d, 3d: gradients. */

import { NO_ACTIVATION } from '../core/activation.ts';
import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkTensor, commonDtype, commonEngine } from './arguments.ts';
import type { ConvTransposeBackwardOptions, SpatialRank } from './conv_options.ts';
import {
  checkAlgorithm,
  checkBackwardOptions,
  convTransposeGeometry,
  TRANSPOSE_BACKWARD_OPTIONS,
} from './conv_options.ts';
import { gatherStep, gradWeightStep } from './conv_steps.ts';
import type { ConvGradients } from './gradients.ts';
import { gradBiasStep, gradientsCall } from './gradients.ts';

/** A checked backward call, ready to run. */
export function beginConvTransposeBackward(
  operation: string,
  axes: SpatialRank,
  gradOutputArgument: Tensor,
  inputArgument: Tensor,
  weightArgument: Tensor,
  options: ConvTransposeBackwardOptions = {},
): Call<ConvGradients> {
  checkBackwardOptions(operation, options, TRANSPOSE_BACKWARD_OPTIONS);
  const gradOutput = checkTensor(operation, 'gradOutput', gradOutputArgument);
  const input = checkTensor(operation, 'input', inputArgument);
  const weight = checkTensor(operation, 'weight', weightArgument);
  const engine = commonEngine(operation, gradOutput, { input, weight }, options.engine);
  const dtype = commonDtype(operation, gradOutput, { input, weight });
  const { geometry, outputShape, outChannels } = convTransposeGeometry(
    operation,
    axes,
    input.shape,
    weight.shape,
    options,
  );
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
            gatherStep(
              geometry,
              axes,
              { input: gradInput.tensor, weight, bias: null, output: gradOutput },
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
              { input, gradWeight: gradWeight.tensor, output: gradOutput },
              gradWeight.accumulate,
            ),
          ]),
      ...(gradBias === null ? [] : [gradBiasStep(gradOutput, axes, outChannels, gradBias)]),
    ],
  );
}

/**
 * Gradients of `convTranspose1d`.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param input (N, Cin, L) or (Cin, L), as given to the forward call
 * @param weight (Cin, Cout/groups, k)
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight, gradBias (Cout); null where the mask leaves one out
 * @throws as `convTranspose1d`; {ArgumentError} for an activation
 */
export async function convTranspose1dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvTransposeBackward('convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose1dBackward`, on the calling thread. */
export function convTranspose1dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): ConvGradients {
  const call = beginConvTransposeBackward('convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call);
}

/** Gradients of `convTranspose2d`, see `convTranspose1dBackward`. */
export async function convTranspose2dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvTransposeBackward('convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose2dBackward`, on the calling thread. */
export function convTranspose2dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): ConvGradients {
  const call = beginConvTransposeBackward('convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call);
}

/** Gradients of `convTranspose3d`, see `convTranspose1dBackward`. */
export async function convTranspose3dBackward(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): Promise<ConvGradients> {
  const call = beginConvTransposeBackward('convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose3dBackward`, on the calling thread. */
export function convTranspose3dBackwardSync(
  gradOutput: Tensor,
  input: Tensor,
  weight: Tensor,
  options?: ConvTransposeBackwardOptions,
): ConvGradients {
  const call = beginConvTransposeBackward('convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call);
}
