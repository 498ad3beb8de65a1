/** As wide.node.test.ts, in a process of its own: what V8 has joined once stays so. */

import { expect, test, vi } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { compiled } from '../support/compiled.ts';
import { expectRight, resultsOf } from '../support/every_path.ts';

const DEAF = /V8 does not join vectors here: float32 is \d+\.\d times as fast as float64/;

test('a runtime that ignores the flag', async () => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ setFlagsFromString: () => undefined });
  const engine = await createEngine({ wide: true, threads: 2 });
  expect(engine.info).toMatchObject({ wide: false, wideReason: expect.stringMatching(DEAF), threads: 2 });
  expect(engine.info.variant).toBe('relaxed-threads');
  expectRight(resultsOf(engine));
  const given = await createEngine({ wide: true, wasm: compiled('wide') });
  expect(given.info).toMatchObject({ wide: false, wideReason: expect.stringMatching(DEAF), variant: 'wide' });
  expectRight(resultsOf(given));
});
