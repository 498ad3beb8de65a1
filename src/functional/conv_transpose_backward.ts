/** convTranspose1d, 2d, 3d: gradients. */

import type { Call } from '../engine/call.ts';
import { beginBackward } from './conv_call.ts';
import type { ConvTransposeBackwardOptions } from './conv_options.ts';
import { CONV_TRANSPOSE } from './conv_problem.ts';
import type { DefaultMask, GradientsOf, OutputMask } from './gradients.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';

/**
 * Gradients of `convTranspose1d`.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param input (N, Cin, L) or (Cin, L), as given to the forward call
 * @param weight (Cin, Cout/groups, k)
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradInput, gradWeight, gradBias (Cout); null where the mask leaves one out. Without a mask all three, but of
 *   a packed weight gradInput alone
 * @throws as `convTranspose1d`; {ArgumentError} for an activation
 *
 * @example
 * ```js
 * import { convTranspose1dBackward, init, tensor } from 'upconv';
 *
 * await init();
 * const [input, weight] = [tensor([[1, 2]]), tensor([[[3, 4]]])];
 * const gradOutput = tensor([[1, 1, 1, 1]]);
 * const { gradInput, gradWeight, gradBias } = await convTranspose1dBackward(gradOutput, input, weight, { stride: 2 });
 * console.log(gradInput.toArray(), gradWeight.toArray(), gradBias.toArray()); // [ [ 7, 7 ] ] [ [ [ 3, 3 ] ] ] [ 4 ]
 * ```
 */
export async function convTranspose1dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose1dBackward`, on the calling thread. */
export function convTranspose1dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose1dBackward', 1, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}

/**
 * Gradients of `convTranspose2d`, see `convTranspose1dBackward`.
 *
 * @example
 * ```js
 * import { convTranspose2dBackward, init, rand } from 'upconv';
 *
 * await init();
 * const [input, weight] = [rand([1, 16, 8, 8]), rand([16, 8, 4, 4])];
 * const options = { stride: 2, padding: 1, outputMask: [true, true, false] };
 * const { gradInput, gradWeight } = await convTranspose2dBackward(rand([1, 8, 16, 16]), input, weight, options);
 * console.log(gradInput.shape, gradWeight.shape); // [ 1, 16, 8, 8 ] [ 16, 8, 4, 4 ]
 * ```
 */
export async function convTranspose2dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose2dBackward`, on the calling thread. */
export function convTranspose2dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose2dBackward', 2, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}

/** Gradients of `convTranspose3d`, see `convTranspose1dBackward`. */
export async function convTranspose3dBackward<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): Promise<GradientsOf<M>> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.submit(call as Call<GradientsOf<M>>, options?.signal);
}

/** As `convTranspose3dBackward`, on the calling thread. */
export function convTranspose3dBackwardSync<W extends WeightArgument, const M extends OutputMask = DefaultMask<W>>(
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: W,
  options?: ConvTransposeBackwardOptions & { readonly outputMask?: M },
): GradientsOf<M> {
  const call = beginBackward(CONV_TRANSPOSE, 'convTranspose3dBackward', 3, gradOutput, input, weight, options);
  return call.engine.execute(call as Call<GradientsOf<M>>, options?.signal);
}
