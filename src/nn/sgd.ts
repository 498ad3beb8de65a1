/** Stochastic gradient descent. */

import { computeDtype } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import { planOptimizer } from '../plan/elementwise.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GroupInput, ParamGroup, Pass } from './optimizer.ts';
import { checkAtLeastZero, Optimizer } from './optimizer.ts';

export interface SGDOptions {
  /** Learning rate. */
  lr: number;
  momentum?: number;
  /** Added to the gradient: weightDecay · parameter. */
  weightDecay?: number;
}

/** g = grad + weightDecay · w; m = momentum · m + g; w −= lr · m */
export class SGD extends Optimizer<SGDOptions> {
  /**
   * @param params tensors, or groups of them with their own options
   * @throws {TypeError | ArgumentError} see `Optimizer`; a missing `lr` too.
   */
  constructor(params: Iterable<Tensor> | Iterable<GroupInput<SGDOptions>>, options: Partial<SGDOptions> = {}) {
    super('SGD', params, options, { lr: Number.NaN, momentum: 0, weightDecay: 0 });
  }

  protected override stateTensors(): readonly string[] {
    return ['momentumBuffer'];
  }

  protected override checkGroup(operation: string, { lr, momentum, weightDecay }: ParamGroup<SGDOptions>): void {
    if (Number.isNaN(lr)) throw new ArgumentError(operation, 'lr', 'a number of at least 0', 'none');
    checkAtLeastZero(operation, { lr, momentum, weightDecay });
  }

  protected override passOf(
    parameter: Tensor,
    { lr, momentum, weightDecay }: ParamGroup<SGDOptions>,
    _step: number,
    state: (names: readonly string[]) => Readonly<Record<string, Tensor>>,
  ): Pass {
    const numbers = { stepSize: lr, weightDecay, beta1: momentum };
    const stage = planOptimizer(computeDtype(parameter.dtype), parameter.size, numbers);
    return { stage, state: momentum === 0 ? {} : { moment: state(['momentumBuffer']).momentumBuffer } };
  }
}
