/** Pre-activation of a convolution: the operation reads activation(input). */

import type { CheckedActivation } from '../core/activation.ts';
import type { Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { planCopy } from '../plan/copy.ts';
import { planActivation } from '../plan/elementwise.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult } from './arguments.ts';

export interface ActivatedInput {
  /** What the operation reads. */
  readonly tensor: Tensor;
  /** Run before it. */
  readonly steps: readonly Step[];
  readonly release: () => void;
}

/** `input` itself without an activation, else a temporary that the steps fill. */
export function activateInput(operation: string, input: Tensor, activation: CheckedActivation): ActivatedInput {
  if (activation.kind === 0) return { tensor: input, steps: [], release: () => undefined };
  const tensor = allocateResult(operation, input.engine, input.dtype, input.shape);
  const { dtype, size } = input;
  const target = tensor.ptr;
  const dense = input.isContiguous;
  const stages = [
    ...(dense ? [] : [planCopy(dtype, input.shape, input.strides, tensor.strides)]),
    planActivation(dtype, size, activation),
  ];
  const pointers = { source: input.ptr, saved: dense ? input.ptr : target, target };
  return {
    tensor,
    steps: size === 0 ? [] : [{ stages, workspaceBytes: NO_WORKSPACE, pointers }],
    release: () => tensor.dispose(),
  };
}
