/** The tensors of one step as its kernels take them. */

import { computeDtype } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides } from '../core/shape.ts';
import type { Step } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { ScratchOperand } from '../plan/scratch_operands.ts';
import { throughScratch } from '../plan/scratch_operands.ts';
import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What kernels see of a tensor. */
export interface KernelOperand {
  readonly dtype: 'float32' | 'float64';
  readonly shape: Shape;
  readonly strides: readonly number[];
}

/** What kernels can do with strides: take any, or walk row-major memory. */
export type OperandLayout = 'any strides' | 'row-major';

/**
 * Operands by the names that the stages of a step have for them. Those that kernels cannot take as they are (float16,
 * strides in front of row-major kernels) go through scratch memory when the step runs, so that it reads what calls
 * before it write.
 */
export class KernelOperands {
  readonly #inScratch: ScratchOperand[] = [];
  readonly #pointers: Record<string, number> = {};

  read(name: string, tensor: Tensor, layout: OperandLayout = 'any strides'): KernelOperand {
    return this.#add(name, tensor, 'read', layout);
  }

  write(name: string, tensor: Tensor, layout: OperandLayout = 'any strides'): KernelOperand {
    return this.#add(name, tensor, 'write', layout);
  }

  /** For a result that depends on what is there. */
  update(name: string, tensor: Tensor, layout: OperandLayout = 'any strides'): KernelOperand {
    return this.#add(name, tensor, 'update', layout);
  }

  /** Bytes that are no tensor. */
  raw(name: string, ptr: number): void {
    this.#pointers[name] = ptr;
  }

  /**
   * The step that runs `stages` on these operands.
   * @param key of the stages in the engine's cache of plans; null when they are not there
   */
  step(engine: Engine, key: string | null, stages: readonly Stage[], workspaceBytes: WorkspaceBytes): Step {
    const pointers = { ...this.#pointers };
    if (this.#inScratch.length === 0) return { stages, workspaceBytes, pointers };
    const make = () => throughScratch(stages, workspaceBytes, this.#inScratch);
    const moved = key === null ? make() : engine.plan(`${key} on ${JSON.stringify(this.#inScratch)}`, make);
    return { ...moved, pointers };
  }

  #add(name: string, tensor: Tensor, access: ScratchOperand['access'], layout: OperandLayout): KernelOperand {
    const { dtype, shape, size } = tensor;
    const strides = [...tensor.strides]; // of keys, and `JSON.stringify` takes three times as long where arrays are frozen
    this.#pointers[name] = tensor.ptr;
    const taken = dtype !== 'float16' && (layout === 'any strides' || tensor.isContiguous);
    if (taken || size === 0) return { dtype: computeDtype(dtype), shape, strides };
    this.#inScratch.push({ name, access, dtype, shape, strides });
    return { dtype: computeDtype(dtype), shape, strides: contiguousStrides(shape) };
  }
}
