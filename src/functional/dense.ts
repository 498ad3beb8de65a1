/** Row-major versions of operands, for kernels that walk contiguous tensors. */

import type { Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { planCopy } from '../plan/copy.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult } from './arguments.ts';

export interface DenseOperands {
  readonly pointers: Readonly<Record<string, number>>;
  /** Fill the copies; run before the kernels, in the call's turn. */
  readonly steps: readonly Step[];
  /** Frees the copies. */
  readonly release: () => void;
}

/** Addresses of the operands themselves, or of copies of those with other strides. */
export function denseOperands(operation: string, operands: Readonly<Record<string, Tensor>>): DenseOperands {
  const copies: Tensor[] = [];
  const steps: Step[] = [];
  const pointers: Record<string, number> = {};
  const release = (): void => {
    for (const copy of copies.splice(0)) copy.dispose();
  };
  try {
    for (const [name, tensor] of Object.entries(operands)) {
      if (tensor.isContiguous) {
        pointers[name] = tensor.ptr;
        continue;
      }
      const copy = allocateResult(operation, tensor.engine, tensor.dtype, tensor.shape);
      copies.push(copy);
      pointers[name] = copy.ptr;
      steps.push({
        stages: [planCopy(tensor.dtype, tensor.shape, tensor.strides, copy.strides)],
        workspaceBytes: NO_WORKSPACE,
        pointers: { source: tensor.ptr, target: copy.ptr },
      });
    }
  } catch (error) {
    release();
    throw error;
  }
  return { pointers, steps, release };
}
