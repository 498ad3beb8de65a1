import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ConvTranspose1d, createEngine, zeros } from '../../src/index.ts';

test('a disposed engine gives its memory back, whoever still refers to it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
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
  const buffers = [await make(), await make(), await make()];
  const alive = (): number => buffers.filter((buffer) => buffer.deref() !== undefined).length;
  for (let round = 0; round < 40 && alive() > 0; round++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    collect();
  }
  expect(alive()).toBe(0);
  expect(kept.length).toBe(12);
});
