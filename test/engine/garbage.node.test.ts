/** What nobody refers to any more is collected. */

import { expect, test, vi } from 'vitest';
import { ConvTranspose1d, convTranspose2d, createEngine, full, zeros } from '../../src/index.ts';
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

test('tensors that nobody disposes give their memory back and are counted', async () => {
  const engine = await createEngine({ yieldEveryMs: 0, threads: 1 });
  const kept = zeros([8, 8], { engine });
  const rest = kept.narrow(0, 0, 2);
  rest.dispose();
  const forget = (): WeakRef<object>[] => {
    const whole = zeros([1, 4, 16, 16], { engine });
    const weight = zeros([4, 4, 3, 3], { engine });
    const views = [
      whole,
      whole.narrow(1, 0, 2),
      weight,
      kept.narrow(0, 1, 1),
      new ConvTranspose1d(2, 2, 2, { engine }),
    ];
    void convTranspose2d(whole, weight); // which holds its operands while it is pending
    return views.map((view) => new WeakRef<object>(view));
  };
  expect(await leftOf(forget())).toBe(0);
  await vi.waitFor(() => {
    collectGarbage();
    expect(engine.memory).toMatchObject({ tensors: 1, bytesInUse: 256 });
  });
  // two views and two tensors, weight and bias of the module, the result of the call
  expect(engine.memory.tensorsCollected).toBe(7);
  expect([...kept.toTypedArray()]).toEqual(Array.from({ length: 64 }, () => 0));
  kept.dispose();
  expect(engine.memory).toMatchObject({ tensors: 0, tensorsCollected: 7 });
  engine.dispose();
});

test('a pending call keeps what its caller has forgotten', async () => {
  const engine = await createEngine({ yieldEveryMs: 0, threads: 1 });
  const start = () => convTranspose2d(full([1, 8, 32, 32], 1, { engine }), full([8, 8, 3, 3], 1, { engine }));
  const pending = start();
  const collecting = setInterval(collectGarbage, 0);
  const y = await pending;
  clearInterval(collecting);
  expect(y.toTypedArray().every((value) => [8, 16, 24, 32, 48, 72].includes(value))).toBe(true);
  y.dispose();
  engine.dispose();
});
