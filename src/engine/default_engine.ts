/** Making engines, and the default one that functions use when they are not told otherwise. */

import { ArgumentError, EngineError } from '../core/errors.ts';
import { Engine } from './engine.ts';
import type { CheckedEngineOptions, EngineOptions } from './options.ts';
import { checkEngineOptions } from './options.ts';
import { makeParts, singleThreadParts } from './parts.ts';

/**
 * An engine with a memory of its own.
 * @throws {EngineError} ERR_UNSUPPORTED without WebAssembly SIMD, or when wasm may not be compiled.
 * @throws {ArgumentError | TypeError} for options.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const checked = checkEngineOptions('createEngine', options);
  return new Engine(await makeParts(checked), checked);
}

/** As `createEngine`, without waiting: needs `options.wasm`, a module compiled by the caller. */
export function createEngineSync(options: EngineOptions = {}): Engine {
  const checked = checkEngineOptions('createEngineSync', options);
  if (checked.wasm === null) {
    throw new ArgumentError('createEngineSync', 'wasm', 'a compiled WebAssembly.Module', 'none');
  }
  const asked = checked.threads !== 'auto' && checked.threads > 1;
  return new Engine(singleThreadParts(checked.wasm, checked, asked ? 'made by createEngineSync' : null), checked);
}

let defaultEngine: Promise<Engine> | null = null;
let readyEngine: Engine | null = null;
let defaultOptions: CheckedEngineOptions | null = null;

/**
 * Creates the default engine; concurrent calls share one promise. After a failure or `dispose()` it starts afresh.
 * @throws {ArgumentError} when the default engine lives with other options.
 */
export function init(options: EngineOptions = {}): Promise<Engine> {
  let checked: CheckedEngineOptions;
  try {
    checked = checkEngineOptions('init', options);
    if (defaultEngine !== null && !(readyEngine?.disposed ?? false)) {
      if (sameOptions(checked, defaultOptions)) return defaultEngine;
      throw new ArgumentError('init', 'options', 'those of the living default engine (dispose() it first)', 'others');
    }
  } catch (error) {
    return Promise.reject(error);
  }
  defaultOptions = checked;
  const pending = makeDefault(options);
  defaultEngine = pending;
  return pending;
}

async function makeDefault(options: EngineOptions): Promise<Engine> {
  readyEngine = null;
  try {
    readyEngine = await createEngine(options);
    return readyEngine;
  } catch (error) {
    defaultEngine = null;
    throw error;
  }
}

/** Defaults count as given: `init()` and `init({ numerics: 'fast' })` ask for the same. */
function sameOptions(a: CheckedEngineOptions, b: CheckedEngineOptions | null): boolean {
  return b !== null && (Object.keys(a) as (keyof CheckedEngineOptions)[]).every((key) => a[key] === b[key]);
}

/**
 * `engine`, else the default engine.
 * @throws {EngineError} ERR_NOT_INITIALIZED when there is neither.
 */
export function engineOrDefault(operation: string, engine: Engine | undefined): Engine {
  const chosen = engine ?? readyEngine;
  if (chosen === null || (engine === undefined && chosen.disposed)) {
    throw new EngineError('ERR_NOT_INITIALIZED', `${operation}: no engine; call \`await init()\` first`);
  }
  if (!(chosen instanceof Engine)) throw new TypeError(`${operation}: engine expected an Engine`);
  return chosen;
}
