/** The modules that come with the package: as text, to be compiled. Workers have them compiled: modules.workerd.ts. */

import { EngineError } from '../core/errors.ts';
import { decodeInlined } from './inlined_text.ts';
import type { VariantName } from './variants.ts';

/** Each variant is a module of its own, so that a browser downloads one only. */
const INLINED: Record<VariantName, () => Promise<{ readonly text: string }>> = {
  simd: () => import('./inlined/simd.ts'),
  relaxed: () => import('./inlined/relaxed.ts'),
  wide: () => import('./inlined/wide.ts'),
  'simd-threads': () => import('./inlined/simd-threads.ts'),
  'relaxed-threads': () => import('./inlined/relaxed-threads.ts'),
  'wide-threads': () => import('./inlined/wide-threads.ts'),
};

/** A variant that is compiled already, or null. */
export function compiledModule(_variant: VariantName): WebAssembly.Module | null {
  return null;
}

/** @throws {EngineError} ERR_UNSUPPORTED when the runtime refuses to compile (a strict CSP, for one). */
export async function compileModule(variant: VariantName): Promise<WebAssembly.Module> {
  const { text } = await INLINED[variant]();
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
