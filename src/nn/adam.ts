/** Adam. */

import type { Dtype } from '../core/dtype.ts';
import { computeDtype } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import { checkNumber, describe, wrongType } from '../core/validate.ts';
import { planOptimizer } from '../plan/elementwise.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GroupInput, ParamGroup, Pass } from './optimizer.ts';
import { checkAtLeastZero, Optimizer } from './optimizer.ts';

export interface AdamOptions {
  /** Learning rate; default 0.001. */
  lr?: number;
  /** Decay of the first and second moment; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator; default 1e-8. */
  eps?: number;
  /** Added to the gradient: weightDecay · parameter. */
  weightDecay?: number;
}

/**
 * m = β₁ m + (1 − β₁) g; v = β₂ v + (1 − β₂) g²; w −= lr · m̂ / (√v̂ + ε), the hats for bias correction.
 *
 * @example
 * ```js
 * import { Adam, ConvTranspose1d, init, rand } from 'upconv';
 *
 * await init();
 * const layer = new ConvTranspose1d(4, 2, 4, { stride: 2, padding: 1 });
 * const optimizer = new Adam(layer.parameters(), { lr: 1e-3 });
 * const output = await layer.forward(rand([1, 4, 8]));
 * optimizer.zeroGrad();
 * await layer.backward(rand(output.shape), { gradInput: false });
 * await optimizer.step();
 * optimizer.paramGroups[0].lr = 1e-4;
 * console.log(Object.keys(optimizer.stateDict().state).length); // 2
 * ```
 */
export class Adam extends Optimizer<AdamOptions> {
  /**
   * @param params tensors, or groups of them with their own options
   * @throws {TypeError | ArgumentError} see `Optimizer`.
   */
  constructor(params: Iterable<Tensor> | Iterable<GroupInput<AdamOptions>>, options: AdamOptions = {}) {
    super('Adam', params, options, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
  }

  protected override stateTensors(): readonly string[] {
    return ['expAvg', 'expAvgSq'];
  }

  /**
   * float32 for parameters of float16. PyTorch takes float16 there as well, in which the second moment of gradients
   * below 0.008 is 0: (1 − β₂) g² < 2⁻²⁴. Its steps grow without bound then, or are NaN.
   */
  protected override stateDtype({ dtype }: Tensor): Dtype {
    return computeDtype(dtype);
  }

  protected override checkGroup(operation: string, { lr, betas, eps, weightDecay }: ParamGroup<AdamOptions>): void {
    checkAtLeastZero(operation, { lr, eps, weightDecay });
    if (!Array.isArray(betas)) throw wrongType(operation, 'betas', 'two numbers', betas);
    for (const beta of betas as readonly number[]) checkNumber(operation, 'betas', beta, 0);
    if (betas.length !== 2 || betas.some((beta) => beta >= 1)) {
      throw new ArgumentError(operation, 'betas', 'two numbers below 1', describe(betas));
    }
  }

  protected override passOf(
    parameter: Tensor,
    { lr, betas: [beta1, beta2], eps, weightDecay }: ParamGroup<AdamOptions>,
    step: number,
    state: (names: readonly string[]) => Readonly<Record<string, Tensor>>,
  ): Pass {
    const { expAvg, expAvgSq } = state(['expAvg', 'expAvgSq']);
    const numbers = {
      stepSize: lr / (1 - beta1 ** step),
      secondScale: 1 / Math.sqrt(1 - beta2 ** step),
      weightDecay,
      beta1,
      beta2,
      eps,
    };
    return {
      stage: planOptimizer(computeDtype(parameter.dtype), parameter.size, numbers),
      state: { moment: expAvg, secondMoment: expAvgSq },
    };
  }
}
