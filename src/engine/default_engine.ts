/** Making engines, and the default one that functions use when they are not told otherwise. */

import { ArgumentError, EngineError } from '../core/errors.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import { Engine } from './engine.ts';
import type { CheckedEngineOptions, EngineOptions } from './options.ts';
import { checkEngineOptions } from './options.ts';
import { makeParts, makePartsSync } from './parts.ts';

/**
 * An engine with a memory of its own.
 * @throws {EngineError} ERR_UNSUPPORTED without WebAssembly SIMD, or when wasm may not be compiled.
 * @throws {ArgumentError | TypeError} for options.
 *
 * @example
 * ```js
 * import { createEngine, zeros } from 'upconv';
 *
 * const engine = await createEngine({ threads: 1, maximumBytes: 64 * 2 ** 20 });
 * const t = zeros([4, 4], { engine });
 * console.log(engine.memory.tensors, t.engine === engine); // 1 true
 * engine.dispose();
 * ```
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const checked = checkEngineOptions('createEngine', options);
  const parts = IN_WORKERD ? makePartsSync('createEngine', checked) : await makeParts(checked);
  return new Engine(parts, checked);
}

/**
 * As `createEngine`, without waiting and on one thread. Needs `options.wasm`, a module compiled by the caller, except in
 * Cloudflare Workers, where modules come compiled.
 */
export function createEngineSync(options: EngineOptions = {}): Engine {
  const checked = checkEngineOptions('createEngineSync', options);
  return new Engine(makePartsSync('createEngineSync', checked), checked);
}

interface DefaultEngine {
  readonly options: CheckedEngineOptions;
  /** Null while it is made. */
  engine: Engine | null;
  promise: Promise<Engine> | null;
}

let current: DefaultEngine | null = null;

/**
 * Creates the default engine; concurrent calls share one promise. After a failure or `dispose()` it starts afresh.
 * @throws {ArgumentError} when the default engine lives with other options.
 *
 * @example
 * ```js
 * import { init } from 'upconv';
 *
 * const engine = await init({ threads: 1 });
 * console.log(engine.info.threads, engine.info.numerics); // 1 fast
 * console.log((await init({ threads: 1 })) === engine); // true
 * ```
 */
export function init(options: EngineOptions = {}): Promise<Engine> {
  let checked: CheckedEngineOptions;
  try {
    checked = checkEngineOptions('init', options);
    if (current?.promise && !(current.engine?.disposed ?? false)) {
      if (sameOptions(checked, current.options)) return current.promise;
      throw new ArgumentError('init', 'options', 'those of the living default engine (dispose() it first)', 'others');
    }
  } catch (error) {
    return Promise.reject(error);
  }
  const made: DefaultEngine = { options: checked, engine: null, promise: null };
  current = made;
  const promise = makeDefault(made, options);
  made.promise = promise;
  return promise;
}

/** In Workers the promise that this returns is settled. */
async function makeDefault(made: DefaultEngine, options: EngineOptions): Promise<Engine> {
  try {
    made.engine = IN_WORKERD
      ? new Engine(makePartsSync('init', made.options), made.options)
      : await createEngine(options);
    return made.engine;
  } catch (error) {
    if (current === made) current = null;
    throw error;
  }
}

/** Defaults count as given: `init()` and `init({ numerics: 'fast' })` ask for the same. */
function sameOptions(a: CheckedEngineOptions, b: CheckedEngineOptions): boolean {
  return (Object.keys(a) as (keyof CheckedEngineOptions)[]).every((key) => a[key] === b[key]);
}

/**
 * `engine`, else the default engine.
 * @throws {EngineError} ERR_NOT_INITIALIZED when there is neither.
 */
export function engineOrDefault(operation: string, engine: Engine | undefined): Engine {
  const chosen = engine ?? current?.engine ?? null;
  if (chosen === null || (engine === undefined && chosen.disposed)) {
    throw new EngineError('ERR_NOT_INITIALIZED', `${operation}: no engine; call \`await init()\` first`);
  }
  if (!(chosen instanceof Engine)) throw new TypeError(`${operation}: engine expected an Engine`);
  return chosen;
}
