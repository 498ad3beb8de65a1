/** Runs a plan of `upconv/kernels` on a guarded heap. */

import type { BoundStage, Dtype, Kernels, Plan } from '../../src/kernels.ts';
import { bind, bindPack, createKernels, run } from '../../src/kernels.ts';
import { GuardedHeap } from './guarded_heap.ts';

export interface Run {
  /** Of every block, modulo 64. */
  readonly misalignment?: number;
  /** 'bind' packs into the workspace; 'before' calls bindPack. */
  readonly packing?: 'bind' | 'before';
  /** Items are dealt to this many threads, one after another. */
  readonly threads?: number;
  /** This operand ends where the memory ends. */
  readonly last?: string;
  /** This operand begins where the memory begins. */
  readonly first?: string;
}

/** Elements of each result as they lie in memory. */
export type Results = Record<string, Float32Array | Float64Array>;

/**
 * @param inputs elements as they lie in memory; operands that are not here are results, filled with NaN before
 * @param start content of results before, for those that are added to
 */
export function runPlan(
  module: WebAssembly.Module,
  plan: Plan,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  how: Run = {},
  start: Readonly<Record<string, ArrayLike<number>>> = {},
): Results {
  const { misalignment = 8, packing = 'bind', threads = 1, last, first } = how;
  const { dtype } = plan;
  const scratch = plan.workspaceBytes.shared + threads * plan.workspaceBytes.perThread;
  const operandBytes = Object.values(plan.operands).reduce((sum, bytes) => sum + bytes + 512, 0);
  const bytes = scratch + operandBytes + plan.paramsBytes * 2 + plan.packedWeightBytes + 8192;
  const shared = WebAssembly.Module.imports(module).length > 0 && isThreaded(module);
  const heap = new GuardedHeap(Math.ceil(bytes / 65536) + 1, misalignment, shared);
  const kernels = createKernels(module, heap.memory);
  const place = (name: string, size: number): number =>
    name === last ? heap.allocateLast(name, size) : heap.allocate(name, size);
  const sizes = { params: plan.paramsBytes, workspace: scratch, ...plan.operands } as Record<string, number>;
  const pointers: Record<string, number> = {};
  if (first !== undefined) pointers[first] = heap.allocateFirst(first, sizes[first]);
  for (const [name, size] of Object.entries(sizes)) pointers[name] ??= place(name, size);
  const results = Object.keys(plan.operands).filter((name) => inputs[name] === undefined);
  for (const [name, values] of Object.entries(inputs)) heap.protect(name, dtype, values);
  for (const name of results) {
    const view = heap.view(name, dtype);
    if (start[name] === undefined) view.fill(Number.NaN);
    else view.set(start[name]);
  }
  if (packing === 'before' && plan.packedWeightBytes > 0) {
    pointers.packedWeight = place('packedWeight', plan.packedWeightBytes);
    const { params, weight, packedWeight } = pointers;
    runDealt(kernels, bindPack(kernels, plan, { params, weight, packedWeight }), threads);
    delete pointers.weight;
  }
  const bound = bind(kernels, plan, pointers);
  if (threads === 1) run(kernels, bound);
  else runDealt(kernels, bound, threads);
  heap.checkGuards();
  return Object.fromEntries(results.map((name) => [name, heap.read(name, dtype)]));
}

/** Items in reverse order, each on the next thread: what a pool may do. */
function runDealt(kernels: Kernels, bound: readonly BoundStage[], threads: number): void {
  for (const { entry, paramsPtr, items } of bound) {
    for (let item = items - 1; item >= 0; item--) kernels.exports[entry](paramsPtr, item, item + 1, item % threads);
  }
}

function isThreaded(module: WebAssembly.Module): boolean {
  const [section] = WebAssembly.Module.customSections(module, 'upconv');
  return new TextDecoder().decode(section).includes('"threads":true');
}

/** Places row-major `values` of `shape` at `strides`, NaN between them. */
export function scattered(
  dtype: Dtype,
  values: ArrayLike<number>,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array | Float64Array {
  const length = values.length === 0 ? 0 : shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis], 1);
  const memory = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
  memory.fill(Number.NaN);
  offsetsOf(shape, strides).forEach((offset, index) => {
    memory[offset] = values[index];
  });
  return memory;
}

/** The row-major numbers of a tensor that lies at `strides`. */
export function gathered(
  memory: Float32Array | Float64Array,
  shape: readonly number[],
  strides: readonly number[],
): Float64Array {
  return Float64Array.from(offsetsOf(shape, strides), (offset) => memory[offset]);
}

function offsetsOf(shape: readonly number[], strides: readonly number[]): number[] {
  let offsets = [0];
  shape.forEach((length, axis) => {
    offsets = offsets.flatMap((base) => Array.from({ length }, (_, index) => base + index * strides[axis]));
  });
  return offsets;
}

/** Element strides of axes that lie in memory in `order`, outermost first. */
export function stridesInOrder(shape: readonly number[], order: readonly number[]): number[] {
  const strides = shape.map(() => 0);
  let step = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = step;
    step *= Math.max(1, shape[axis]);
  }
  return strides;
}
