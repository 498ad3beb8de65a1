/** A module by the name of its variant. */

import { checkChoice } from '../core/validate.ts';
import { compileModule } from './modules.ts';
import type { VariantName } from './variants.ts';
import { chooseVariant, VARIANTS } from './variants.ts';

/**
 * Compiles a variant that comes with the package.
 * @param name 'auto': relaxed SIMD where the runtime has it, else plain
 * @throws {ArgumentError} for another name
 * @throws {EngineError} ERR_UNSUPPORTED when the runtime refuses to compile (a strict CSP, for one).
 */
export async function loadVariant(name: VariantName | 'auto'): Promise<WebAssembly.Module> {
  return compileModule(name === 'auto' ? chooseVariant(false) : checkChoice('loadVariant', 'name', name, VARIANTS));
}
