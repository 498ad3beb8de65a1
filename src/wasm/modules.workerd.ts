/**
 * The modules that come with the package, for Cloudflare Workers: no code is compiled there at run time, modules are
 * imported. Those with threads are left out; who has a shared memory imports one of them and passes it as `wasm`.
 */

import { EngineError } from '../core/errors.ts';
import relaxed from './relaxed.wasm';
import simd from './simd.wasm';
import type { VariantName } from './variants.ts';

const COMPILED: Partial<Record<VariantName, WebAssembly.Module>> = { simd, relaxed };

export function compiledModule(variant: VariantName): WebAssembly.Module | null {
  return COMPILED[variant] ?? null;
}

/** @throws {EngineError} ERR_UNSUPPORTED for a variant with threads */
export async function compileModule(variant: VariantName): Promise<WebAssembly.Module> {
  const module = compiledModule(variant);
  if (module !== null) return module;
  throw new EngineError(
    'ERR_UNSUPPORTED',
    `loadVariant: Workers compile nothing at run time; import 'upconv/wasm/${variant}.wasm' instead`,
  );
}

/** As in modules.ts. */
export function refused(cause: unknown): EngineError {
  return new EngineError('ERR_UNSUPPORTED', `init: WebAssembly refused to run (${String(cause)})`, { cause });
}
