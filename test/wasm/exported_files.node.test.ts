/** The files that the package exports beside its entry points, found by their names as users find them. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, expectTypeOf, test } from 'vitest';
import type exportedModule from 'upconv/wasm/simd.wasm';
import type { WorkerStart } from 'upconv/worker.js';
import { convTranspose2d, createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { compiled } from '../support/compiled.ts';
import { random } from '../support/in_flight.ts';
import { supportsRelaxedSimd, VARIANTS } from '../../src/wasm/variants.ts';

const { resolve } = createRequire(import.meta.url);

async function resultOf(engine: Engine): Promise<Float32Array> {
  const [x, w] = [random(engine, [1, 64, 48, 48], 1), random(engine, [64, 64, 4, 4], 2)];
  return (await convTranspose2d(x, w, null, { stride: 2, padding: 1 })).toTypedArray() as Float32Array;
}

test.each(VARIANTS.filter((name) => supportsRelaxedSimd() || name.startsWith('simd')))(
  'upconv/wasm/%s.wasm, with workers from upconv/worker.js',
  async (variant) => {
    const wasm = await WebAssembly.compile(readFileSync(resolve(`upconv/wasm/${variant}.wasm`)));
    const engine = await createEngine({ wasm, threads: 2, workerUrl: resolve('upconv/worker.js') });
    try {
      expect(engine.info).toMatchObject({ variant, threads: variant.endsWith('-threads') ? 2 : 1 });
      const result = await resultOf(engine);
      // the same bits as of the variant that the package takes by itself
      const own = await createEngine({
        threads: 1,
        ...(variant.startsWith('wide')
          ? { wasm: compiled('wide') }
          : { numerics: engine.info.relaxed ? 'fast' : 'portable' }),
      });
      expect(result).toEqual(await resultOf(own));
      own.dispose();
    } finally {
      engine.dispose();
    }
  },
);

test('they have types', () => {
  expectTypeOf<typeof exportedModule>().toEqualTypeOf<WebAssembly.Module>();
  expectTypeOf<WorkerStart['module']>().toEqualTypeOf<WebAssembly.Module>();
});
