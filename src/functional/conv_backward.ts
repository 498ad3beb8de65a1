/** conv1d, 2d, 3d: gradients. gradInput is a transposed convolution of gradOutput. */

import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import type { ConvBackwardOptions } from './conv_geometry.ts';
import { convGeometry } from './conv_geometry.ts';
import type { SpatialRank } from './conv_options.ts';
import { checkAlgorithm, checkBackwardOptions, CONV_BACKWARD_OPTIONS } from './conv_options.ts';
import { backwardSteps } from './conv_steps.ts';
import type { AllGradients, ConvGradients, GradientsOf, OutputMask } from './gradients.ts';
import { gradientsCall } from './gradients.ts';
import { beginInFloat32, hasHalf, OUT_GRADIENTS } from './half.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';
import { openConvOperands } from './packed_weight.ts';

/** A checked backward call, ready to run. */
export function beginConvBackward(
  operation: string,
  axes: SpatialRank,
  gradOutputArgument: TensorArgument,
  inputArgument: TensorArgument,
  weightArgument: WeightArgument,
  options: ConvBackwardOptions = {},
): Call<ConvGradients> {
  checkBackwardOptions(operation, options, CONV_BACKWARD_OPTIONS);
  if (hasHalf(gradOutputArgument, inputArgument, weightArgument)) {
    const arguments_ = { gradOutput: gradOutputArgument, input: inputArgument, weight: weightArgument };
    return beginInFloat32(
      operation,
      arguments_,
      null,
      options,
      OUT_GRADIENTS,
      ({ gradOutput, input, weight }, _, inner) => beginConvBackward(operation, axes, gradOutput, input, weight, inner),
    );
  }
  const use = { operation: 'conv', direction: 'gradInput', axes } as const;
  const values = { gradOutput: gradOutputArgument, input: inputArgument };
  const operands = openConvOperands(operation, values, weightArgument, null, options, use);
  try {
    const { weight } = operands;
    const { gradOutput, input } = operands.tensors;
    const { geometry, outputShape, outChannels } = convGeometry(operation, axes, input.shape, weight.shape, options);
    if (!sameShape(gradOutput.shape, outputShape)) {
      throw new ShapeError(operation, 'gradOutput', formatShape(outputShape), formatShape(gradOutput.shape));
    }
    const depthwise = checkAlgorithm(operation, options.algorithm, geometry);
    const problem = { kind: 'conv', geometry, axes, depthwise } as const;
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
 * Gradients of `conv1d`.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param input (N, Cin, L) or (Cin, L), as given to the forward call
 * @param weight (Cout, Cin/groups, k)
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight, gradBias (Cout); null where the mask leaves one out
 * @throws as `conv1d`; {ArgumentError} for an activation
 */
export async function conv1dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvBackward('conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv1dBackward`, on the calling thread. */
export function conv1dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvBackward('conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}

/** Gradients of `conv2d`, see `conv1dBackward`. */
export async function conv2dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvBackward('conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv2dBackward`, on the calling thread. */
export function conv2dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvBackward('conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}

/** Gradients of `conv3d`, see `conv1dBackward`. */
export async function conv3dBackward<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginConvBackward('conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv3dBackward`, on the calling thread. */
export function conv3dBackwardSync<const M extends OutputMask = AllGradients>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: WeightArgument,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginConvBackward('conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>);
}
