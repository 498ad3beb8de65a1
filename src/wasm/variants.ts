/** The wasm variants: which exist, which this runtime can run, which one a module is. */

import { ArgumentError, EngineError } from '../core/errors.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { version } from './inlined/version.ts';

export const VARIANTS = ['simd', 'relaxed', 'wide', 'simd-threads', 'relaxed-threads', 'wide-threads'] as const;
export type VariantName = (typeof VARIANTS)[number];

export interface VariantDescription {
  readonly variant: VariantName | 'debug';
  readonly kernelSet: KernelSet;
  /** The module imports a shared memory. */
  readonly threads: boolean;
  /** Of the package. Parameter blocks differ between versions, and a module takes what it gets. */
  readonly version: string;
}

/** Name of the custom section, written by the build, that holds a `VariantDescription` as JSON. */
const SECTION = 'upconv';

/**
 * Reads what a module is from its custom section.
 * @param operation and `argument`: where the module was given, for the message
 * @throws {ArgumentError} when the module is not one of this version of the package.
 */
export function describeModule(module: WebAssembly.Module, operation: string, argument: string): VariantDescription {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  const description = section === undefined ? null : parse(section);
  if (description?.version === version) return description;
  const got = description?.version === undefined ? 'another' : `one of version ${description.version}`;
  throw new ArgumentError(operation, argument, `a module of upconv ${version} (custom section 'upconv')`, got);
}

function parse(section: ArrayBuffer): VariantDescription | null {
  try {
    // ASCII; audio worklets have no TextDecoder
    const text = Array.from(new Uint8Array(section), (byte) => String.fromCharCode(byte)).join('');
    return JSON.parse(text) as VariantDescription | null;
  } catch {
    return null;
  }
}

// Each probe is the smallest module that uses one instruction: (func (drop (…)))
const PROBE_HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10];
/** (f32x4.splat (f32.const 0)) */
const SPLAT = [67, 0, 0, 0, 0, 253, 19];
const SIMD_PROBE = new Uint8Array([PROBE_HEAD, 12, 1, 10, 0, SPLAT, 26, 11].flat());
/** f32x4.relaxed_madd of three splats */
const RELAXED_MADD = [253, 133, 2];
const RELAXED_PROBE = new Uint8Array([PROBE_HEAD, 29, 1, 27, 0, SPLAT, SPLAT, SPLAT, RELAXED_MADD, 26, 11].flat());

export function supportsSimd(): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(SIMD_PROBE);
}

export function supportsRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

/**
 * The variant for this runtime.
 * @param portable plain simd128 everywhere, so that every machine gives the same bits
 * @throws {EngineError} ERR_UNSUPPORTED without WebAssembly SIMD.
 */
export function chooseVariant(portable: boolean): 'simd' | 'relaxed' {
  if (!supportsSimd()) throw new EngineError('ERR_UNSUPPORTED', 'init: this runtime has no WebAssembly SIMD');
  return !portable && supportsRelaxedSimd() ? 'relaxed' : 'simd';
}

/** The variant for a shared memory. */
export function withThreads(kernelSet: KernelSet): VariantName {
  return `${kernelSet}-threads`;
}
