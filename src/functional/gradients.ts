/** Where the gradients of a backward call go, for both directions of convolution. */

import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { checkBoolean, describe } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor } from './arguments.ts';
import type { Target } from './conv_steps.ts';
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

const NAMES = ['gradInput', 'gradWeight', 'gradBias'] as const;
const OUT_NAMES = ['outGradInput', 'outGradWeight', 'outGradBias'] as const;

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
  { engine, dtype, inputs, weight, storages, release }: ConvOperands<'gradOutput' | 'input'>,
  shapes: readonly [Shape, Shape, Shape],
  strides: readonly number[],
  options: GradientOptions,
  steps: (gradInput: Target | null, gradWeight: Target | null, gradBias: Target | null) => Step[],
): Call<ConvGradients> {
  const packed = weight instanceof PackedWeight;
  const { outputMask = [true, !packed, !packed], accumulate: adds = false } = options;
  const mask = checkMask(operation, outputMask);
  if (packed && mask[1]) {
    throw new ArgumentError(operation, 'outputMask', 'no gradWeight with a packed weight', describe(mask));
  }
  const accumulate = checkBoolean(operation, 'accumulate', adds);
  const owned: Tensor[] = [];
  const targets: (Target | null)[] = [];
  try {
    NAMES.forEach((name, index) => {
      const out = options[OUT_NAMES[index]];
      if (!mask[index]) {
        if (out !== undefined) {
          throw new ArgumentError(operation, OUT_NAMES[index], 'no tensor where outputMask is false', 'a tensor');
        }
        targets.push(null);
        return;
      }
      const others = targets.map((target) => target?.tensor ?? null);
      const result = resultTensor(
        operation,
        out === undefined ? name : OUT_NAMES[index],
        out,
        engine,
        index === 0 ? dtype : weight.dtype,
        shapes[index],
        [...inputs, ...others],
        index === 0 ? strides : undefined,
      );
      if (result.owned) owned.push(result.tensor);
      targets.push({ tensor: result.tensor, accumulate: accumulate && !result.owned });
    });
    const [gradInput, gradWeight, gradBias] = targets;
    return {
      engine,
      operation,
      reads: storages,
      steps: steps(gradInput, gradWeight, gradBias),
      writes: targets.flatMap((target) => (target === null ? [] : [target.tensor.storage])),
      finish: () => ({
        gradInput: gradInput?.tensor ?? null,
        gradWeight: gradWeight?.tensor ?? null,
        gradBias: gradBias?.tensor ?? null,
      }),
      abandon: () => {
        for (const tensor of owned) tensor.dispose();
      },
      release,
    };
  } catch (error) {
    for (const tensor of owned) tensor.dispose();
    throw error;
  }
}

function checkMask(operation: string, mask: unknown): readonly [boolean, boolean, boolean] {
  if (!Array.isArray(mask) || mask.length !== 3) {
    throw new ArgumentError(operation, 'outputMask', 'three booleans', describe(mask));
  }
  return mask.map((wanted: unknown) => checkBoolean(operation, 'outputMask', wanted)) as [boolean, boolean, boolean];
}
