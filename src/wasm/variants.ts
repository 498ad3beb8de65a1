/** The wasm variants: which exist, which this runtime can run, how one is loaded. */

import { ArgumentError, EngineError } from '../core/errors.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { checkChoice } from '../core/validate.ts';

export type VariantName = 'simd' | 'relaxed' | 'simd-threads' | 'relaxed-threads';

export interface VariantDescription {
  readonly variant: VariantName | 'debug';
  readonly kernelSet: KernelSet;
  /** The module imports a shared memory. */
  readonly threads: boolean;
}

/** Name of the custom section, written by the build, that holds a `VariantDescription` as JSON. */
const SECTION = 'upconv';

/**
 * Reads what a module is from its custom section.
 * @param operation and `argument`: where the module was given, for the message
 * @throws {ArgumentError} when the module is not one of this package.
 */
export function describeModule(
  module: WebAssembly.Module,
  operation = 'createEngine',
  argument = 'wasm',
): VariantDescription {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  if (section === undefined) {
    throw new ArgumentError(operation, argument, "a module of this package (custom section 'upconv')", 'another');
  }
  return JSON.parse(new TextDecoder().decode(section)) as VariantDescription;
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
export function chooseVariant(portable: boolean): VariantName {
  if (!supportsSimd()) throw new EngineError('ERR_UNSUPPORTED', 'init: this runtime has no WebAssembly SIMD');
  return !portable && supportsRelaxedSimd() ? 'relaxed' : 'simd';
}

/** The variant for a shared memory. */
export function withThreads(variant: VariantName): VariantName {
  return variant === 'relaxed' ? 'relaxed-threads' : 'simd-threads';
}

/** Each variant is a module of its own, so that a browser downloads one only. */
const INLINED: Record<VariantName, () => Promise<{ readonly text: string }>> = {
  simd: () => import('./inlined/simd.ts'),
  relaxed: () => import('./inlined/relaxed.ts'),
  'simd-threads': () => import('./inlined/simd-threads.ts'),
  'relaxed-threads': () => import('./inlined/relaxed-threads.ts'),
};

/**
 * Compiles a variant from the bytes inlined in the package.
 * @param name 'auto': relaxed SIMD where the runtime has it, else plain
 * @throws {ArgumentError} for another name
 * @throws {EngineError} ERR_UNSUPPORTED when the runtime refuses to compile (a strict CSP, for one).
 */
export async function loadVariant(name: VariantName | 'auto'): Promise<WebAssembly.Module> {
  const variant =
    name === 'auto' ? chooseVariant(false) : checkChoice('loadVariant', 'name', name, Object.keys(INLINED));
  const { text } = await INLINED[variant as VariantName]();
  try {
    return await WebAssembly.compile(decodeInlined(text));
  } catch (cause) {
    throw refused(cause);
  }
}

/** What to throw where the runtime refuses to compile, or, as WebKit does, to instantiate what it has compiled. */
export function refused(cause: unknown): EngineError {
  return new EngineError(
    'ERR_UNSUPPORTED',
    `init: WebAssembly refused to compile (${String(cause)}); a Content-Security-Policy needs script-src 'wasm-unsafe-eval'`,
    { cause },
  );
}

/**
 * Code point of byte 0 in the text of an inlined module, which has a character for each byte. As such it compresses as
 * well as the module itself, which base64 does not: its characters straddle bytes. Quotes are below this one.
 */
export const FIRST_CHARACTER = 37;

export function decodeInlined(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) - FIRST_CHARACTER;
  return bytes;
}
