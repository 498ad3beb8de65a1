/** What nobody refers to any more is collected. */

import { expect, test } from 'vitest';
import { ConvTranspose1d, createEngine, zeros } from '../../src/index.ts';
import { collectGarbage } from '../support/garbage.ts';

/** Collects until all are gone, or a while; returns how many are left. */
async function leftOf(references: readonly WeakRef<object>[]): Promise<number> {
  const alive = (): number => references.filter((reference) => reference.deref() !== undefined).length;
  for (let round = 0; round < 40 && alive() > 0; round++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    collectGarbage();
  }
  return alive();
}

test('a disposed engine gives its memory back, whoever still refers to it', async () => {
  const kept: unknown[] = [];
  const make = async (): Promise<WeakRef<object>> => {
    const engine = await createEngine({ initialBytes: 8 << 20 });
    const m = new ConvTranspose1d(2, 2, 2, { engine });
    const t = zeros([1, 2, 3], { engine });
    kept.push(engine, m, t, await m.forward(t));
    const buffer = new WeakRef(engine.buffer);
    engine.dispose();
    return buffer;
  };
  expect(await leftOf([await make(), await make(), await make()])).toBe(0);
  expect(kept.length).toBe(12);
});

test('wraps that nobody disposes are collected', async () => {
  const engine = await createEngine();
  const x = zeros([4, 8], { engine });
  expect(await leftOf(Array.from({ length: 20 }, () => new WeakRef(engine.wrap(x.ptr, x.shape))))).toBe(0);
  expect(x.size).toBe(32); // which they lay over
  engine.dispose();
});
