/** One instance of the kernel module on one memory. */

import { instantiateSync } from '@assemblyscript/loader';
import type { KernelSet } from '../core/kernel_set.ts';
import { ArgumentError } from '../core/errors.ts';
import { describe } from '../core/validate.ts';
import { describeModule } from '../wasm/variants.ts';

/** Every stage entry has this signature; see assembly/index.ts. */
export type KernelEntry = (paramsPtr: number, begin: number, end: number, thread: number) => void;

export interface Kernels {
  readonly kernelSet: KernelSet;
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, KernelEntry>>;
}

/**
 * @param module a variant of this package's wasm, see `loadVariant`
 * @param memory any memory, shared for a variant with threads; kernels touch only the ranges that plans are bound to,
 *   so any number of instances may live in it
 * @throws {TypeError} for what is neither; {ArgumentError} for another module, or a memory that is not shared as the
 *   module wants it
 */
export function createKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  if (!(module instanceof WebAssembly.Module)) {
    throw new TypeError(`createKernels: module expected a WebAssembly.Module, got ${describe(module)}`);
  }
  if (!(memory instanceof WebAssembly.Memory)) {
    throw new TypeError(`createKernels: memory expected a WebAssembly.Memory, got ${describe(memory)}`);
  }
  const { kernelSet, threads, variant } = describeModule(module, 'createKernels', 'module');
  const shared = !(memory.buffer instanceof ArrayBuffer);
  if (shared !== threads) {
    const expected = `a memory that is ${threads ? '' : 'not '}shared, for variant '${variant}'`;
    throw new ArgumentError('createKernels', 'memory', expected, shared ? 'a shared one' : 'one that is not');
  }
  // The loader adds its own entries to the imports object, so it gets a fresh one.
  const { exports } = instantiateSync(module, { env: { memory } });
  return { kernelSet, memory, exports: exports as unknown as Record<string, KernelEntry> };
}
