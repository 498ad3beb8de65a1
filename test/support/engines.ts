/** Engines of every kind that random tests choose from. */

import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { supportsRelaxedSimd } from '../../src/wasm/variants.ts';
import { compiled } from './compiled.ts';
import { MICROKERNELS } from './microkernels.ts';

/** The debug variant uses relaxed SIMD. */
const DEBUG = supportsRelaxedSimd() ? ['debug'] : [];
export const ENGINES: readonly string[] = ['default', 'portable', ...DEBUG, ...MICROKERNELS];

/** One engine for each entry of `ENGINES`; the caller disposes them. */
export function everyEngine(): Promise<Engine[]> {
  return Promise.all(
    ENGINES.map((kind) => {
      if (kind === 'default') return createEngine();
      if (kind === 'portable') return createEngine({ numerics: 'portable' });
      if (kind === 'debug') return createEngine({ wasm: compiled('debug') });
      return createEngine({ microkernel: kind });
    }),
  );
}
