/** Where the gradients of a backward call go, for both directions of convolution. */

import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { describe } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Target } from './gradients_call.ts';
import { callForGradients, checkMask } from './gradients_call.ts';
import type { ConvOperands } from './packed_weight.ts';
import { PackedWeight } from './packed_weight.ts';

/** Gradients of one backward call; null where the mask leaves one out. */
export interface ConvGradients {
  gradInput: Tensor | null;
  gradWeight: Tensor | null;
  gradBias: Tensor | null;
}

/** Which of gradInput, gradWeight and gradBias are wanted. */
export type OutputMask = readonly [boolean, boolean, boolean];

/** What a call without `outputMask` computes; a packed weight gives gradInput, which it was packed for. */
export type DefaultMask<W> = W extends PackedWeight ? readonly [true, false, false] : readonly [true, true, true];

type Wanted<Flag extends boolean> = Flag extends true ? Tensor : null;

/** `ConvGradients` for a mask that is known: no gradient that was asked for is null. */
export interface GradientsOf<M extends OutputMask> {
  gradInput: Wanted<M[0]>;
  gradWeight: Wanted<M[1]>;
  gradBias: Wanted<M[2]>;
}

export interface GradientOptions {
  readonly outputMask?: readonly [boolean, boolean, boolean];
  readonly outGradInput?: Tensor;
  readonly outGradWeight?: Tensor;
  readonly outGradBias?: Tensor;
  readonly accumulate?: boolean;
}

/**
 * Builds a backward call.
 *
 * @param operands of the call; `dtype` is that of gradInput, the others have that of the weight
 * @param shapes of the three gradients
 * @param strides of a new gradInput
 * @param steps makes the steps for the wanted gradients
 * @throws {ArgumentError} for a mask that is not three booleans, or a given gradient that it leaves out
 */
export function gradientsCall(
  operation: string,
  operands: ConvOperands<'gradOutput' | 'input'>,
  shapes: readonly [Shape, Shape, Shape],
  strides: readonly number[],
  options: GradientOptions,
  steps: (gradInput: Target | null, gradWeight: Target | null, gradBias: Target | null) => Step[],
): Call<ConvGradients> {
  const { dtype, weight } = operands;
  const packed = weight instanceof PackedWeight;
  const { outputMask = [true, !packed, !packed] } = options;
  const mask = checkMask(operation, outputMask, 3);
  if (packed && mask[1]) {
    throw new ArgumentError(operation, 'outputMask', 'no gradWeight with a packed weight', describe(mask));
  }
  const gradients = [
    { name: 'gradInput', dtype, shape: shapes[0], strides },
    { name: 'gradWeight', dtype: weight.dtype, shape: shapes[1] },
    { name: 'gradBias', dtype: weight.dtype, shape: shapes[2] },
  ] as const;
  return callForGradients(operation, operands, gradients, mask, options, ([gradInput, gradWeight, gradBias]) =>
    steps(gradInput, gradWeight, gradBias),
  );
}
