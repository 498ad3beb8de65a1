/** One instance of the kernel module on one memory. */

import { instantiateSync } from '@assemblyscript/loader';
import type { KernelSet } from '../core/kernel_set.ts';
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
 * @param memory any memory; kernels touch only the ranges that parameter blocks name
 */
export function createKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const { kernelSet } = describeModule(module);
  // The loader adds its own entries to the imports object, so it gets a fresh one.
  const { exports } = instantiateSync(module, { env: { memory } });
  return { kernelSet, memory, exports: exports as unknown as Record<string, KernelEntry> };
}
