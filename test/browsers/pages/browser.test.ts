/** What each browser has and has not, and what an engine makes of it. */

import { afterEach, describe, expect, inject, test } from 'vitest';
import { convTranspose2d, convTranspose2dSync, createEngine } from '../../../src/index.ts';
import type { Engine, EngineOptions } from '../../../src/index.ts';
import { random } from '../../support/in_flight.ts';
import { FACTS as ALL } from '../facts.ts';

/** One that has become wrong is news for README.md, too. */
const FACTS = ALL[inject('browser')];

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});
async function made(options: EngineOptions = {}): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

test('Symbol.dispose', () => {
  expect('dispose' in Symbol).toBe(FACTS.symbolDispose);
});

test('relaxed SIMD is taken where the browser has it', async () => {
  const { info } = await made({ threads: 1 });
  expect(info).toMatchObject({
    relaxed: FACTS.relaxed,
    variant: FACTS.relaxed ? 'relaxed' : 'simd',
    microkernel: FACTS.relaxed ? '6x8' : '5x8',
  });
});

describe(`threads, crossOriginIsolated ${crossOriginIsolated}`, () => {
  const REASON = 'the page is not cross-origin isolated (headers COOP and COEP)';

  test("threads: 'auto' are the cores that the browser tells of", async () => {
    const { info } = await made();
    expect(info.threads).toBe(crossOriginIsolated ? navigator.hardwareConcurrency : 1);
    expect(info.threadsReason).toBe(crossOriginIsolated ? undefined : REASON);
    expect(info.variant.endsWith('-threads')).toBe(crossOriginIsolated);
  });

  test('results are those of one thread', async () => {
    const results = [];
    for (const threads of [1, 2, 3]) {
      const engine = await made({ threads });
      expect(engine.info.threads).toBe(crossOriginIsolated ? threads : 1);
      const [x, w] = [random(engine, [1, 64, 24, 24], 1), random(engine, [64, 32, 4, 4], 2)];
      const options = { stride: 2, padding: 1 };
      results.push(convTranspose2dSync(x, w, null, options).toTypedArray());
      results.push((await convTranspose2d(x, w, null, options)).toTypedArray());
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });
});
