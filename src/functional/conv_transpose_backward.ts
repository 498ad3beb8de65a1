/** convTranspose1d, 2d, 3d: gradients. */

import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import type { ConvTransposeBackwardOptions, SpatialRank } from './conv_options.ts';
import {
  checkAlgorithm,
  checkBackwardOptions,
  convTransposeGeometry,
  TRANSPOSE_BACKWARD_OPTIONS,
} from './conv_options.ts';
import { backwardSteps } from './conv_steps.ts';
import type { AllGradients, ConvGradients, GradientsOf, OutputMask } from './gradients.ts';
import { gradientsCall } from './gradients.ts';
import { beginInFloat32, hasHalf, OUT_GRADIENTS } from './half.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';
import { openConvOperands } from './packed_weight.ts';

/** A checked backward call, ready to run. */
export function beginConvTransposeBackward(
  operation: string,
  axes: SpatialRank,
  gradOutputArgument: TensorArgument,
  inputArgument: TensorArgument,
  weightArgument: WeightArgument,
  options: ConvTransposeBackwardOptions = {},
): Call<ConvGradients> {
  checkBackwardOptions(operation, options, TRANSPOSE_BACKWARD_OPTIONS);
  if (hasHalf(gradOutputArgument, inputArgument, weightArgument)) {
    const arguments_ = { gradOutput: gradOutputArgument, input: inputArgument, weight: weightArgument };
    return beginInFloat32(
      operation,
      arguments_,
      null,
      options,
      OUT_GRADIENTS,
      ({ gradOutput, input, weight }, _, inner) =>
        beginConvTransposeBackward(operation, axes, gradOutput, input, weight, inner),
    );
  }
  const use = { operation: 'convTranspose', direction: 'gradInput', axes } as const;
  const values = { gradOutput: gradOutputArgument, input: inputArgument };
  const operands = openConvOperands(operation, values, weightArgument, null, options, use);
  try {
    const { weight } = operands;
    const { gradOutput, input } = operands.tensors;
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
    const depthwise = checkAlgorithm(operation, options.algorithm, geometry);
    const problem = { kind: 'convTranspose', geometry, axes, depthwise } as const;
    const shapes = [input.shape, weight.shape, [outChannels]] as const;
    return gradientsCall(operation, operands, shapes, options, (gradInput, gradWeight, gradBias) =>
      backwardSteps(problem, { gradOutput, input, weight }, gradInput, gradWeight, gradBias),
    );
  } catch (error) {
    operands.release();
    throw error;
  }
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
export async function convTranspose1dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvTransposeBackward('convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose1dBackward`, on the calling thread. */
export function convTranspose1dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvTransposeBackward('convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}

/** Gradients of `convTranspose2d`, see `convTranspose1dBackward`. */
export async function convTranspose2dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvTransposeBackward('convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose2dBackward`, on the calling thread. */
export function convTranspose2dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvTransposeBackward('convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}

/** Gradients of `convTranspose3d`, see `convTranspose1dBackward`. */
export async function convTranspose3dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvTransposeBackward('convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose3dBackward`, on the calling thread. */
export function convTranspose3dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvTransposeBackward('convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}
