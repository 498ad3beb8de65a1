/** Weight and bias of convolutions: their memory, and how they are drawn. */

import type { Dtype } from '../core/dtype.ts';
import type { Generator } from '../core/generator.ts';
import type { Engine } from '../engine/engine.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';
import { empty } from '../tensor/create.ts';
import { fillUniform } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { CheckedConvModule, ConvType } from './conv_arguments.ts';

export interface ConvParameters {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** Content undefined. */
export function allocateParameters(
  { kind }: ConvType,
  { outChannels, groups, kernelSize, bias }: Pick<CheckedConvModule, 'outChannels' | 'groups' | 'kernelSize' | 'bias'>,
  inChannels: number,
  place: { readonly dtype: Dtype; readonly engine: Engine },
): ConvParameters {
  const [first, second] = kind === CONV_TRANSPOSE ? [inChannels, outChannels] : [outChannels, inChannels];
  const weight = empty([first, second / groups, ...kernelSize], place);
  try {
    return { weight, bias: bias ? empty([outChannels], place) : null };
  } catch (error) {
    weight.dispose();
    throw error;
  }
}

/** Uniform in ±1/√fanIn, the bits of PyTorch for the same seed. */
export function drawParameters({ weight, bias }: ConvParameters, generator: Generator): void {
  const fanIn = weight.size / weight.shape[0];
  // Kaiming's bound with slope √5, in PyTorch's order of operations: the bits depend on it
  const bound = Math.sqrt(3) * (Math.sqrt(2 / 6) / Math.sqrt(fanIn));
  fillUniform(weight, -bound, bound, generator);
  if (bias === null) return;
  const biasBound = 1 / Math.sqrt(fanIn);
  fillUniform(bias, -biasBound, biasBound, generator);
}
