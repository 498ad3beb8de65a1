/** The default engine, and engines and tensors after their end. Each test ends the default engine it made. */

import { afterEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  Conv1d,
  convTranspose1d,
  ConvTranspose1d,
  convTranspose1dSync,
  createEngine,
  createEngineSync,
  DtypeError,
  init,
  mseLoss,
  packWeight,
  PReLU,
  rand,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, EngineError } from '../../src/index.ts';
import { supportsRelaxedSimd } from '../../src/wasm/variants.ts';
import { compiled } from '../support/compiled.ts';

const engines: Engine[] = [];
const kept = (engine: Engine): Engine => {
  engines.push(engine);
  return engine;
};
afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

/** The error that `work` throws or rejects with. */
async function errorOf(work: () => unknown): Promise<EngineError> {
  try {
    await work();
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('nothing was thrown');
}

describe('init', () => {
  test('before it, there is no default engine', async () => {
    const like = { data: [1], shape: [1, 1, 1] };
    for (const [operation, use] of [
      ['tensor', () => tensor([1])],
      ['zeros', () => zeros([1])],
      ['rand', () => rand([1])],
      ['ConvTranspose1d', () => new ConvTranspose1d(1, 1, 1)],
      ['Conv1d', () => new Conv1d(1, 1, 1)],
      ['PReLU', () => new PReLU()],
      ['convTranspose1d', () => convTranspose1dSync(like, like)],
      ['convTranspose1d', () => convTranspose1d(like, like)],
      ['mseLoss', () => mseLoss(like, like)],
      ['packWeight', () => packWeight(like)],
    ] as const) {
      const error = await errorOf(use);
      expect(error).toMatchObject({ name: 'EngineError', code: 'ERR_NOT_INITIALIZED' });
      expect(error.message).toBe(`${operation}: no engine; call \`await init()\` first`);
    }
  });

  test('concurrent calls share one engine', async () => {
    const first = init();
    expect(init()).toBe(first); // one promise
    const made = await Promise.all([first, init(), init({})]);
    made.forEach(kept);
    expect(new Set(made).size).toBe(1);
    expect(await init()).toBe(made[0]);
    const t = zeros([1]);
    expect(t.engine).toBe(made[0]);
  });

  test('other options are refused while the engine lives, pending or not', async () => {
    const pending = init({ threads: 1 });
    expect(await errorOf(() => init({ numerics: 'portable' }))).toBeInstanceOf(ArgumentError);
    const engine = kept(await pending);
    expect(await errorOf(() => init())).toBeInstanceOf(ArgumentError);
    for (const same of [{ threads: 1 }, { threads: 1, numerics: 'fast' }, { threads: 1, debug: undefined }] as const) {
      expect(await init(same)).toBe(engine);
    }
    for (const others of [{ threads: 2 }, { threads: 1, debug: true }, { threads: 1, cacheBytes: 0 }]) {
      expect(await errorOf(() => init(others))).toBeInstanceOf(ArgumentError);
    }
    engine.dispose();
    const next = kept(await init({ numerics: 'portable' }));
    expect(next).not.toBe(engine);
    expect(next.info).toMatchObject({ numerics: 'portable', relaxed: false });
    expect(next.info.variant).toMatch(/^simd/);
  });

  test('after a failure it starts afresh', async () => {
    const wasm = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); // not ours
    const failing = [init({ wasm }), init({ wasm })];
    for (const each of failing) await expect(each).rejects.toThrow(ArgumentError);
    expect(await errorOf(() => zeros([1]))).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    kept(await init());
    expect(zeros([1]).item()).toBe(0);
  });

  test('a wrong option fails without leaving anything', async () => {
    for (const options of [
      { threads: 0 },
      { threads: 1.5 },
      { numerics: 'exact' },
      { thread: 1 },
      { maximumBytes: -1 },
      { microkernel: '7x8' },
      { cacheBytes: -1 },
      { yieldEveryMs: Number.NaN },
      { initialBytes: 2 ** 21, maximumBytes: 2 ** 20 },
    ]) {
      expect(await errorOf(() => init(options as object)), JSON.stringify(options)).toBeInstanceOf(ArgumentError);
    }
    expect(await errorOf(() => init({ threads: '2' } as object))).toBeInstanceOf(TypeError);
    kept(await init());
  });

  test('after dispose, functions ask for a new one', async () => {
    kept(await init()).dispose();
    expect(await errorOf(() => zeros([1]))).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    const next = kept(await init());
    expect(zeros([1]).engine).toBe(next);
  });
});

test('functions use the engine of their tensors, others options.engine, else the default one', async () => {
  const [fallback, other] = [kept(await init()), kept(await createEngine())];
  const like = { data: [1], shape: [1, 1, 1] };
  const there = zeros([1, 1, 1], { engine: other });
  expect(tensor([1]).engine).toBe(fallback);
  expect(tensor([1], [1], { engine: other }).engine).toBe(other);
  expect(new ConvTranspose1d(1, 1, 1).weight.engine).toBe(fallback);
  expect(new ConvTranspose1d(1, 1, 1, { engine: other }).weight.engine).toBe(other);
  expect(convTranspose1dSync(like, like).engine).toBe(fallback);
  expect((await convTranspose1d(like, like, null, { engine: other })).engine).toBe(other);
  expect(convTranspose1dSync(there, there).engine).toBe(other);
  expect(convTranspose1dSync(like, there, { data: [1], shape: [1] }).engine).toBe(other);
  expect(packWeight(like, { engine: other }).engine).toBe(other);
  expect(convTranspose1dSync(like, packWeight(there)).engine).toBe(other);
});

test('info says what runs, memory what it takes', async () => {
  const engine = kept(await createEngine({ threads: 1, initialBytes: 3_000_000, maximumBytes: 1600 * 65536 }));
  const relaxed = supportsRelaxedSimd();
  expect(engine.info).toEqual({
    variant: relaxed ? 'relaxed' : 'simd',
    threads: 1,
    microkernel: relaxed ? '6x8' : '5x8',
    wide: false,
    numerics: 'fast',
    relaxed,
  });
  expect(engine.memory).toEqual({
    bytesInUse: 0,
    bytesPeak: 0,
    bytesReserved: 46 * 65536,
    bytesPacked: 0,
    bytesWorkspace: 0,
    bytesCopiedIn: 0,
    bytesCopiedOut: 0,
    tensors: 0,
    tensorsCollected: 0,
    maximumBytes: 1600 * 65536,
  });
  const portable = kept(await createEngine({ numerics: 'portable', microkernel: '4x8' }));
  expect(portable.info).toMatchObject({ microkernel: '4x8', numerics: 'portable', relaxed: false });
  expect(portable.info.variant).toMatch(/^simd/);
});

describe('createEngineSync', () => {
  test('takes a compiled module', () => {
    const engine = kept(createEngineSync({ wasm: compiled('simd') }));
    expect(engine.info).toMatchObject({ variant: 'simd', threads: 1, relaxed: false });
    expect(zeros([2], { engine }).size).toBe(2);
  });

  test('needs one here', () => {
    expect(() => createEngineSync()).toThrow(ArgumentError);
  });
});

describe('the end', () => {
  test('of a tensor: twice is once, use after it is an error', async () => {
    const engine = kept(await createEngine());
    const t = zeros([1, 1, 4], { engine });
    const w = zeros([1, 1, 4], { engine });
    t.dispose();
    t.dispose();
    expect(engine.memory.tensors).toBe(1);
    const uses: (() => unknown)[] = [
      () => t.data,
      () => t.ptr,
      () => t.toTypedArray(),
      () => t.toArray(),
      () => t.item(),
      () => t.copyTo(new Float32Array(4)),
      () => t.copyFrom([1, 2, 3, 4]),
      () => t.clone(),
      () => t.contiguous(),
      () => t.reshape(4),
      () => t.permute(0, 1, 2),
      () => t.transpose(0, 1),
      () => t.narrow(0, 0, 1),
      () => t.squeeze(),
      () => t.unsqueeze(0),
      () => t.to('float64'),
      () => t.commit(),
      () => w.copyFrom(t),
      () => convTranspose1dSync(t, w),
      () => convTranspose1dSync(w, t),
      () => convTranspose1d(t, w),
      () => convTranspose1d(w, w, t),
      () => convTranspose1d(w, w, null, { out: t }),
    ];
    for (const use of uses) {
      expect(await errorOf(use), String(use)).toMatchObject({ name: 'EngineError', code: 'ERR_DISPOSED' });
    }
    expect(engine.memory.tensors).toBe(1);
  });

  test('of an engine: twice is once, its tensors cannot be read, and may still be disposed', async () => {
    const engine = await createEngine();
    const t = zeros([1, 1, 4], { engine });
    const w = zeros([1, 1, 2], { engine });
    engine.dispose();
    engine.dispose();
    for (const use of [
      () => t.data,
      () => t.toTypedArray(),
      () => t.clone(),
      () => t.item(),
      () => t.narrow(0, 0, 1),
    ]) {
      expect(await errorOf(use), String(use)).toMatchObject({ code: 'ERR_DISPOSED' });
    }
    for (const use of [() => convTranspose1dSync(t, w), () => convTranspose1d(t, w), () => zeros([1], { engine })]) {
      expect(await errorOf(use), String(use)).toMatchObject({ code: 'ERR_DISPOSED' });
    }
    expect(await errorOf(() => engine.trim())).toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => t.dispose()).not.toThrow();
  });

  test('of one engine leaves the others', async () => {
    const [first, second] = [kept(await createEngine()), kept(await createEngine())];
    const t = tensor([1, 2], [2], { engine: second });
    first.dispose();
    expect([...t.toTypedArray()]).toEqual([1, 2]);
  });
});

describe('what does not belong together', () => {
  test('engines', async () => {
    const [first, second] = [kept(await createEngine()), kept(await createEngine())];
    const [x, w, b] = [
      zeros([1, 1, 4], { engine: first }),
      zeros([1, 1, 2], { engine: first }),
      zeros([1], { engine: first }),
    ];
    const other = zeros([1, 1, 2], { engine: second });
    const mixed: (() => unknown)[] = [
      () => convTranspose1dSync(x, other),
      () => convTranspose1dSync(other, w),
      () => convTranspose1dSync(x, w, zeros([1], { engine: second })),
      () => convTranspose1dSync(x, w, b, { engine: second }),
      () => convTranspose1dSync(x, w, b, { out: zeros([1, 1, 5], { engine: second }) }),
      () => w.copyFrom(other),
    ];
    for (const use of mixed) {
      expect(await errorOf(use), String(use)).toMatchObject({ name: 'EngineError', code: 'ERR_ENGINE_MISMATCH' });
    }
    expect(first.memory.tensors).toBe(3);
  });

  test('dtypes', async () => {
    const engine = kept(await createEngine());
    const x = zeros([1, 1, 4], { engine });
    const w = zeros([1, 1, 2], { engine });
    const double = zeros([1, 1, 2], { engine, dtype: 'float64' });
    expect(await errorOf(() => convTranspose1dSync(x, double))).toBeInstanceOf(DtypeError);
    expect(await errorOf(() => convTranspose1dSync(double, w))).toBeInstanceOf(DtypeError);
    expect(await errorOf(() => convTranspose1dSync(x, w, zeros([1], { engine, dtype: 'float64' })))).toBeInstanceOf(
      DtypeError,
    );
    const out = zeros([1, 1, 5], { engine, dtype: 'float64' });
    expect(await errorOf(() => convTranspose1dSync(x, w, null, { out }))).toBeInstanceOf(DtypeError);
    expect(await errorOf(() => zeros([1], { engine, dtype: 'int8' as 'float32' }))).toBeInstanceOf(DtypeError);
  });
});
