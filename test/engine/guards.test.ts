/** Engines with the option `debug`: what is written outside of blocks is found, and nothing relies on what memory held. */

import { afterEach, describe, expect, test } from 'vitest';
import { convTranspose2d, convTranspose2dSync, createEngine, zeros } from '../../src/index.ts';
import type { Engine, EngineOptions } from '../../src/index.ts';
import { counted } from '../support/counted.ts';
import { random } from '../support/in_flight.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { LAYER_SUBJECTS } from './layer_subjects.ts';
import { SUBJECTS } from './subjects.ts';

const engines: Engine[] = [];
async function made(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine({ threads: 1, ...options });
  engines.push(engine);
  return engine;
}
afterEach(() => {
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

test.each([...SUBJECTS, ...LAYER_SUBJECTS])(
  '%s: stays inside its blocks, in memory full of NaN',
  async (_, subject) => {
    const expected = await subject(await made({}))();
    expect(await subject(await made({ debug: true }))()).toEqual(expected);
    counted('subjects between guard zones', 1);
  },
);

describe('a byte that is written', () => {
  const OUTSIDE = [
    ['behind', 64],
    ['before', -1],
  ] as const;

  test.each(OUTSIDE)('%s a tensor fails the call that it is found after, once', async (where, at) => {
    const engine = await made({ debug: true });
    const [x, w] = [own(random(engine, [1, 3, 4, 4])), own(random(engine, [3, 2, 3, 3], 2))];
    const t = own(zeros([16], { engine }));
    new Uint8Array(engine.buffer)[t.ptr + at] = 7;
    const message = new RegExp(`: wrote ${where} the 64 bytes at ${t.ptr}$`);
    const before = engine.memory.tensors;
    expect(() => convTranspose2dSync(x, w)).toThrow(message);
    expect(engine.memory.tensors).toBe(before);
    own(convTranspose2dSync(x, w));
    new Uint8Array(engine.buffer)[t.ptr + at] = 7;
    await expect(convTranspose2d(x, w)).rejects.toThrow(message);
  });

  test('outside without the option is not looked for', async () => {
    const engine = await made({});
    const [x, w] = [own(random(engine, [1, 3, 4, 4])), own(random(engine, [3, 2, 3, 3], 2))];
    const t = own(zeros([15], { engine }));
    new Uint8Array(engine.buffer)[t.ptr + 60] = 7;
    expect(() => own(convTranspose2dSync(x, w))).not.toThrow();
  });
});
