/** conv1d, 2d, 3d: gradients. gradInput is a transposed convolution of gradOutput. */

import type { Call } from '../engine/call.ts';
import { beginBackward } from './conv_call.ts';
import type { ConvBackwardOptions } from './conv_options.ts';
import { CONV } from './conv_problem.ts';
import type { DefaultMask, GradientsOf, OutputMask } from './gradients.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';

/**
 * Gradients of `conv1d`.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param input (N, Cin, L) or (Cin, L), as given to the forward call
 * @param weight (Cout, Cin/groups, k)
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight, gradBias (Cout); null where the mask leaves one out. Without a mask all three, but of
 *   a packed weight gradInput alone
 * @throws as `conv1d`; {ArgumentError} for an activation
 */
export async function conv1dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV, 'conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv1dBackward`, on the calling thread. */
export function conv1dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV, 'conv1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}

/** Gradients of `conv2d`, see `conv1dBackward`. */
export async function conv2dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV, 'conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv2dBackward`, on the calling thread. */
export function conv2dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV, 'conv2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}

/** Gradients of `conv3d`, see `conv1dBackward`. */
export async function conv3dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV, 'conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `conv3dBackward`, on the calling thread. */
export function conv3dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV, 'conv3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}
