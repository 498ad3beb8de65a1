/** Kernels of an engine, instantiated through the loader of the compiler that made them. */

import { instantiateSync } from '@assemblyscript/loader';
import type { Kernels } from './instance.ts';
import { instantiateKernels } from './instance.ts';

export type { KernelEntry, Kernels } from './instance.ts';

/**
 * @param module a variant of this package's wasm, see `loadVariant`
 * @param memory any memory; kernels touch only the ranges that parameter blocks name
 * @throws as `instantiateKernels`
 */
export function createKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  // The loader adds its own entries to the imports object, so it gets a fresh one.
  return instantiateKernels(
    module,
    memory,
    (given, imports) => instantiateSync(given, { ...imports }).instance.exports,
  );
}
