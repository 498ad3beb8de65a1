/** One instance of the kernel module on one memory. */

import type { KernelSet } from '../core/kernel_set.ts';
import { ArgumentError } from '../core/errors.ts';
import { wrongType } from '../core/validate.ts';
import { describeModule } from '../wasm/variants.ts';

/** Every stage entry has this signature; see assembly/index.ts. */
export type KernelEntry = (paramsPtr: number, begin: number, end: number, thread: number) => void;

export interface Kernels {
  readonly kernelSet: KernelSet;
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, KernelEntry>>;
}

/** How a module and its imports become exports. */
export type Instantiate = (module: WebAssembly.Module, imports: { env: { memory: WebAssembly.Memory } }) => object;

/**
 * @throws {TypeError} for what is no module or no memory
 * @throws {ArgumentError} for another module, or a memory that is not shared as the module wants it
 */
export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  instantiate: Instantiate,
): Kernels {
  if (!(module instanceof WebAssembly.Module)) {
    throw wrongType('createKernels', 'module', 'a WebAssembly.Module', module);
  }
  if (!(memory instanceof WebAssembly.Memory)) {
    throw wrongType('createKernels', 'memory', 'a WebAssembly.Memory', memory);
  }
  const { kernelSet, threads, variant } = describeModule(module, 'createKernels', 'module');
  const shared = !(memory.buffer instanceof ArrayBuffer);
  if (shared !== threads) {
    const expected = `a memory that is ${threads ? '' : 'not '}shared, for variant '${variant}'`;
    throw new ArgumentError('createKernels', 'memory', expected, shared ? 'a shared one' : 'one that is not');
  }
  return { kernelSet, memory, exports: instantiate(module, { env: { memory } }) as Kernels['exports'] };
}

/**
 * Kernels on a memory of the caller's.
 * @param module a variant of this package's wasm, see `loadVariant`
 * @param memory any memory, shared for a variant with threads. Kernels touch only the ranges that plans are bound to,
 *   so any number of instances may live in it
 * @throws as `instantiateKernels`
 */
export function createBareKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return instantiateKernels(module, memory, (given, imports) => new WebAssembly.Instance(given, imports).exports);
}
