/** Engines of every kind that random tests choose from. */

import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { MICROKERNELS } from '../../src/plan/blocking.ts';
import { base64 as debug } from '../../src/wasm/inlined/debug.ts';
import { decodeBase64 } from './fixtures.ts';

export const ENGINES: readonly string[] = ['default', 'portable', 'debug', ...MICROKERNELS];

/** One engine for each entry of `ENGINES`; the caller disposes them. */
export function everyEngine(): Promise<Engine[]> {
  return Promise.all(
    ENGINES.map((kind) => {
      if (kind === 'default') return createEngine();
      if (kind === 'portable') return createEngine({ numerics: 'portable' });
      if (kind === 'debug') return createEngine({ wasm: new WebAssembly.Module(decodeBase64(debug)) });
      return createEngine({ microkernel: kind });
    }),
  );
}
