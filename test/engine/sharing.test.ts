/** Engines in somebody else's memory, and tensors over somebody else's bytes. */

import { afterEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ConvTranspose2d,
  convTranspose1dSync,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  full,
  OutOfMemoryError,
  Tensor,
} from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { codeOf, random, SLOW, turns, watch } from '../support/in_flight.ts';
import { disposeOwned, own } from '../support/owned.ts';

/** A memory with an allocator that knows what is live; addresses are aligned as asked, not more. */
function foreign(pages = 512) {
  const memory = new WebAssembly.Memory({ initial: pages });
  const live = new Map<number, number>();
  const calls = { allocate: 0, free: 0 };
  let top = 4096;
  const allocator = {
    allocate(bytes: number, alignment: number): number {
      calls.allocate++;
      const ptr = Math.ceil(top / alignment) * alignment;
      if (ptr + bytes > memory.buffer.byteLength) throw new Error('full');
      live.set(ptr, bytes);
      top = ptr + bytes + 8;
      return ptr;
    },
    free(ptr: number): void {
      calls.free++;
      if (!live.delete(ptr)) throw new Error(`nothing at ${ptr}`);
      if (live.size === 0) top = 4096;
    },
  };
  return { memory, allocator, live, calls };
}

const engines: Engine[] = [];
async function engineIn({ memory, allocator }: ReturnType<typeof foreign>): Promise<Engine> {
  const engine = await createEngine({ memory, allocator });
  engines.push(engine);
  return engine;
}
afterEach(() => {
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

const OPTIONS = { stride: 2, padding: 1 };

describe('a foreign memory', () => {
  test('everything comes from its allocator, and goes back with tensors, trim and dispose', async () => {
    const host = foreign();
    const engine = await engineIn(host);
    expect(engine.buffer).toBe(host.memory.buffer);
    const x = random(engine, [2, 6, 7, 7]);
    const w = random(engine, [6, 4, 4, 4], 2);
    const y = convTranspose2dSync(x, w, null, OPTIONS);
    const gradients = convTranspose2dBackwardSync(y, x, w, OPTIONS);
    const asynchronous = await convTranspose2d(x, w, null, { ...OPTIONS, inputActivation: 'gelu' });
    for (const t of [x, w, y, asynchronous, ...Object.values(gradients)]) {
      const inside = [...host.live].some(([ptr, bytes]) => t!.ptr >= ptr && t!.ptr + t!.byteLength <= ptr + bytes);
      expect(inside).toBe(true);
    }
    for (const t of [x, w, y, asynchronous, ...Object.values(gradients)]) t!.dispose();
    expect(engine.memory).toMatchObject({ tensors: 0, bytesInUse: 0, bytesPacked: 0 });
    expect(host.live.size).toBeGreaterThan(0); // plans and workspaces
    engine.trim();
    expect(host.live.size).toBe(0);
    expect(host.calls.free).toBe(host.calls.allocate);
  });

  test('dispose gives everything back, calls in flight included', async () => {
    const host = foreign();
    const { memory, allocator } = host;
    const engine = await createEngine({ memory, allocator, yieldEveryMs: 0 });
    const x = random(engine, SLOW.input);
    const w = random(engine, SLOW.weight, 2);
    const m = new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine });
    m.forwardSync(x);
    const pending = convTranspose2d(x, w, null, SLOW.options);
    const state = watch(pending);
    await turns(3);
    expect(state.settled).toBe(false);
    engine.dispose();
    expect(host.live.size).toBe(0);
    await expect(pending).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    for (const item of [x, w, m]) item.dispose();
    engine.dispose();
    expect(host.calls.free).toBe(host.calls.allocate);
  });

  test('a full one is OutOfMemoryError, after the caches were emptied', async () => {
    const host = foreign(24);
    const engine = await engineIn(host);
    const x = random(engine, [1, 16, 4, 4]);
    const w = random(engine, [16, 16, 4, 4], 2);
    const y = convTranspose2dSync(x, w, null, OPTIONS);
    expect(engine.memory.bytesPacked).toBeGreaterThan(0);
    expect(() => full([1 << 20], 0, { engine })).toThrow(OutOfMemoryError);
    expect(engine.memory.bytesPacked).toBe(0);
    expect(host.live.size).toBe(3); // the tensors
    for (const t of [x, w, y]) t.dispose();
    expect(host.live.size).toBe(0);
  });

  test.each([() => 0, () => -1, () => Number.NaN])('an allocator that returns %s is full', async (allocate) => {
    const engine = await engineIn({ ...foreign(), allocator: { allocate, free: () => undefined } });
    expect(() => full([1], 0, { engine })).toThrow(OutOfMemoryError);
  });

  test('memory and allocator come together', async () => {
    const { memory, allocator } = foreign(1);
    for (const options of [{ memory }, { allocator }, { memory, allocator: {} }, { memory: {}, allocator }]) {
      await expect(createEngine(options as never)).rejects.toThrow(TypeError);
    }
  });

  test('is never asked for no bytes: malloc(0) may be null', async () => {
    const { memory, allocator } = foreign();
    const asked: number[] = [];
    const allocate = (bytes: number, alignment: number): number => {
      asked.push(bytes);
      return allocator.allocate(bytes, alignment);
    };
    const engine = await createEngine({ memory, allocator: { ...allocator, allocate } });
    engines.push(engine);
    own(full([0, 3], 1, { engine }));
    expect(asked.length).toBeGreaterThan(0);
    expect(Math.min(...asked)).toBeGreaterThan(0);
  });

  test('the memory may grow behind the engine', async () => {
    const host = foreign(64);
    const engine = await engineIn(host);
    const w = own(random(engine, [3, 2, 4]));
    const x = own(random(engine, [1, 3, 9], 2));
    const before = own(convTranspose1dSync(x, w)).toTypedArray();
    host.memory.grow(1);
    expect(own(convTranspose1dSync(x, w)).toTypedArray()).toEqual(before);
    expect(w.data.buffer).toBe(host.memory.buffer);
  });
});

describe('wrap', () => {
  test('a tensor over bytes of the host: read, written, not freed', async () => {
    const host = foreign();
    const engine = await engineIn(host);
    const ptr = host.allocator.allocate(4 * 32, 4);
    const values = new Float32Array(host.memory.buffer, ptr, 32);
    values.set(values.map((_, i) => i));
    const frees = host.calls.free;
    const t = engine.wrap(ptr, [2, 3], { dtype: 'float32' });
    expect(t).toBeInstanceOf(Tensor);
    expect(t).toMatchObject({ ptr, shape: [2, 3], strides: [3, 1], dtype: 'float32', isContiguous: true, engine });
    expect(t.toArray()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    t.copyFrom([9, 8, 7, 6, 5, 4]);
    expect([...values.subarray(0, 7)]).toEqual([9, 8, 7, 6, 5, 4, 6]);
    expect(engine.memory).toMatchObject({ tensors: 0, bytesInUse: 0 });
    t.dispose();
    expect(host.calls.free).toBe(frees);
    expect(host.live.has(ptr)).toBe(true);
    expect([...values.subarray(0, 2)]).toEqual([9, 8]);
  });

  test('strides, float64, and out', async () => {
    const engine = await createEngine();
    engines.push(engine);
    const base = own(full([64], 0, { engine, dtype: 'float64' }));
    const nhwc = own(engine.wrap(base.ptr, [1, 2, 2, 3], { dtype: 'float64', strides: [12, 1, 6, 2] }));
    expect(nhwc.isContiguous).toBe(false);
    const x = own(random(engine, [1, 3, 2, 3]));
    const double = own(x.to('float64'));
    const w = own(own(random(engine, [3, 2, 1, 1], 2)).to('float64'));
    expect(convTranspose2dSync(double, w, null, { out: nhwc })).toBe(nhwc);
    expect(nhwc.toTypedArray()).toEqual(own(convTranspose2dSync(double, w)).toTypedArray());
    const moved = own(nhwc.permute(0, 2, 3, 1));
    expect([...base.toTypedArray().subarray(0, 12)]).toEqual([...moved.toTypedArray()]);
  });

  test('is exposed from birth: forward sees every write, also after commit', async () => {
    const host = foreign();
    const engine = await engineIn(host);
    const ptr = host.allocator.allocate(4 * 3, 4);
    const values = new Float32Array(host.memory.buffer, ptr, 3);
    values.set([1, 2, 3]);
    const w = own(engine.wrap(ptr, [1, 1, 3], { dtype: 'float32' }));
    const one = own(full([1, 1, 1], 1, { engine }));
    const forward = (): number[] => [...own(convTranspose1dSync(one, w)).toTypedArray()];
    expect(forward()).toEqual([1, 2, 3]);
    values[0] = 7;
    expect(forward()).toEqual([7, 2, 3]);
    w.commit();
    values[2] = 8;
    expect(forward()).toEqual([7, 2, 8]);
    expect(engine.memory.bytesPacked).toBe(0);
    const m = own(new ConvTranspose2d(1, 1, 1, { engine }));
    const input = own(engine.wrap(ptr, [1, 1, 3, 1], { dtype: 'float32' }));
    const y = own(m.forwardSync(input));
    values[1] = 100;
    expect(codeOf(() => m.backwardSync(y))).toBe('ERR_MODIFIED');
  });

  test('two tensors over the same bytes overlap', async () => {
    const host = foreign();
    const engine = await engineIn(host);
    const ptr = host.allocator.allocate(1024, 4);
    const x = own(engine.wrap(ptr, [1, 1, 8], {}));
    const w = own(engine.wrap(ptr + 512, [1, 1, 1], {}));
    const out = own(engine.wrap(ptr + 16, [1, 1, 8], {}));
    expect(() => convTranspose1dSync(x, w, null, { out })).toThrow(ArgumentError);
    const apart = own(engine.wrap(ptr + 32, [1, 1, 8], {}));
    expect(convTranspose1dSync(x, w, null, { out: apart })).toBe(apart);
  });

  test('arguments', async () => {
    const engine = await createEngine({ initialBytes: 65536 });
    engines.push(engine);
    const end = engine.memory.bytesReserved;
    const wrap = engine.wrap.bind(engine) as (...values: unknown[]) => unknown;
    for (const values of [
      [2, [1]],
      [-4, [1]],
      [0, [1]],
      [1.5, [1]],
      [1028, [1], { dtype: 'float64' }],
      [end - 4, [2]],
      [1024, [2, 2], { strides: [1] }],
      [1024, [2, 2], { strides: [-1, 1] }],
      [1024, [-1]],
      [1024, [1], { stride: [1] }],
    ]) {
      expect(codeOf(() => wrap(...values))).toBe('ERR_ARGUMENT');
    }
    expect(codeOf(() => wrap(1024, [1], { dtype: 'int8' }))).toBe('ERR_DTYPE');
    expect(() => wrap('1024', [1])).toThrow(TypeError);
    expect(() => wrap(1024, 4)).toThrow(TypeError);
    own(engine.wrap(end - 4, [1]));
    own(engine.wrap(end, [0, 3]));
  });
});

describe('debug', () => {
  test('leaks name where living tensors were made', async () => {
    const engine = await createEngine({ debug: true });
    engines.push(engine);
    const makeIt = (): Tensor => {
      const made = full([3], 1, { engine });
      expect(made.size).toBe(3); // a call in tail position has no frame of its caller everywhere
      return made;
    };
    const t = makeIt();
    expect(engine.leaks()).toMatchObject([{ ptr: t.ptr, bytes: 12 }]);
    expect(engine.leaks()[0].stack).toContain('makeIt');
    expect(engine.leaks()[0].stack).toContain('sharing.test.ts');
    t.dispose();
    expect(engine.leaks()).toEqual([]);
    const plain = await createEngine();
    engines.push(plain);
    expect(codeOf(() => plain.leaks())).toBe('ERR_UNSUPPORTED');
  });

  test('freed memory reads as NaN, packed weights too', async () => {
    const engine = await createEngine({ debug: true });
    engines.push(engine);
    const t = full([64], 1, { engine });
    const { ptr } = t;
    const view = (): Float32Array => new Float32Array(engine.buffer, ptr, 64);
    const other = t.narrow(0, 0, 1);
    t.dispose();
    expect(view()[63]).toBe(1);
    other.dispose();
    expect(view().every(Number.isNaN)).toBe(true);
    const x = random(engine, [1, 3, 4, 4]);
    const w = random(engine, [3, 2, 3, 3], 2);
    convTranspose2dSync(x, w).dispose();
    x.dispose();
    w.dispose();
    engine.trim();
    expect(new Float32Array(engine.buffer, ptr, 1024).every((value) => value === 0 || Number.isNaN(value))).toBe(true);
  });
});
