/** convTranspose1d, 2d, 3d: gradients of the gradients. */

import { beginDoubleBackward } from './double_backward_call.ts';
import type { ConvTransposeDoubleBackwardOptions, DoubleGradients } from './double_backward_call.ts';
import type { TensorArgument } from './operands.ts';

/**
 * Gradients of `convTranspose1dBackward`: what autograd of a gradient needs (gradient penalties, Hessian products).
 *
 * @param gradGradInput gradient with respect to gradInput, of the shape of `input`; null: zeros
 * @param gradGradWeight the same of gradWeight
 * @param gradGradBias the same of gradBias, (Cout)
 * @param gradOutput as given to the backward call, and so `input` and `weight`
 * @param options those of the forward call that shape the output; outputMask, outGrad…, accumulate
 * @returns gradGradOutput of the shape of gradOutput, gradInput, gradWeight; null where the mask leaves one out
 * @throws as `convTranspose1dBackward`; {ArgumentError} for a packed weight
 */
export async function convTranspose1dDoubleBackward(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): Promise<DoubleGradients> {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose1dDoubleBackward', 1, given, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose1dDoubleBackward`, on the calling thread. */
export function convTranspose1dDoubleBackwardSync(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): DoubleGradients {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose1dDoubleBackward', 1, given, options);
  return call.engine.execute(call, options?.signal);
}

/** Gradients of `convTranspose2dBackward`, see `convTranspose1dDoubleBackward`. */
export async function convTranspose2dDoubleBackward(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): Promise<DoubleGradients> {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose2dDoubleBackward', 2, given, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose2dDoubleBackward`, on the calling thread. */
export function convTranspose2dDoubleBackwardSync(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): DoubleGradients {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose2dDoubleBackward', 2, given, options);
  return call.engine.execute(call, options?.signal);
}

/** Gradients of `convTranspose3dBackward`, see `convTranspose1dDoubleBackward`. */
export async function convTranspose3dDoubleBackward(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): Promise<DoubleGradients> {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose3dDoubleBackward', 3, given, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose3dDoubleBackward`, on the calling thread. */
export function convTranspose3dDoubleBackwardSync(
  gradGradInput: TensorArgument | null,
  gradGradWeight: TensorArgument | null,
  gradGradBias: TensorArgument | null,
  gradOutput: TensorArgument,
  input: TensorArgument,
  weight: TensorArgument,
  options?: ConvTransposeDoubleBackwardOptions,
): DoubleGradients {
  const given = [gradGradInput, gradGradWeight, gradGradBias, gradOutput, input, weight] as const;
  const call = beginDoubleBackward('convTranspose3dDoubleBackward', 3, given, options);
  return call.engine.execute(call, options?.signal);
}
