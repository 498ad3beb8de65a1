/** What forward and backward passes of modules take and give. */

import { checkBoolean, checkOptions } from '../core/validate.ts';
import type { TensorArgument } from '../functional/operands.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Saved } from './saved.ts';

export interface ForwardOptions {
  /** Of transposed convolutions: spatial sizes or the full shape of the output. */
  outputSize?: readonly number[];
  signal?: AbortSignal;
  /** Where to write the output. */
  out?: Tensor;
}

export interface BackwardOptions {
  /** Whether to compute the gradient of the input; default true. */
  gradInput?: boolean;
  /** Whether to add to the gradients of the parameters; default true. */
  gradParameters?: boolean;
  signal?: AbortSignal;
}

/** What `forwardSteps` gives: the output, and what the backward pass needs (null when it was not asked for). */
export interface ForwardResult {
  readonly output: Tensor;
  readonly saved: Saved | null;
}

/** Backward options, checked. */
export interface Wanted {
  readonly gradInput: boolean;
  readonly gradParameters: boolean;
}

/** One pass through a module that keeps its own state; its backward runs once. */
export interface Vjp {
  readonly output: Tensor;
  backward(gradOutput: TensorArgument, options?: BackwardOptions & { gradInput?: true }): Promise<Tensor>;
  backward(gradOutput: TensorArgument, options: BackwardOptions): Promise<Tensor | null>;
  backwardSync(gradOutput: TensorArgument, options?: BackwardOptions & { gradInput?: true }): Tensor;
  backwardSync(gradOutput: TensorArgument, options: BackwardOptions): Tensor | null;
  /** Frees what was kept for backward, not the output. Idempotent. */
  dispose(): void;
}

/**
 * @throws {ArgumentError} for an unknown option.
 * @throws {TypeError} when a flag is no boolean.
 */
export function checkWanted(operation: string, options: BackwardOptions): Wanted {
  checkOptions(operation, options, ['gradInput', 'gradParameters', 'signal']);
  return {
    gradInput: checkBoolean(operation, 'gradInput', options.gradInput ?? true),
    gradParameters: checkBoolean(operation, 'gradParameters', options.gradParameters ?? true),
  };
}
