/** What the runtime has and has not: SIMD, leave to compile, a clock that moves. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { convTranspose2d, convTranspose2dSync, createEngine, init, zeros } from '../../src/index.ts';
import type { Engine, EngineOptions } from '../../src/index.ts';
import { codeOf, random, SLOW } from '../support/in_flight.ts';
import { disposeOwned, own } from '../support/owned.ts';

const engines: Engine[] = [];
async function made(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('ERR_UNSUPPORTED', () => {
  const refused = { name: 'EngineError', code: 'ERR_UNSUPPORTED' };

  test('without WebAssembly, or without SIMD', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await expect(init()).rejects.toMatchObject(refused);
    await expect(createEngine({ numerics: 'portable' })).rejects.toThrow('no WebAssembly SIMD');
    vi.restoreAllMocks();
    vi.stubGlobal('WebAssembly', undefined);
    await expect(createEngine()).rejects.toMatchObject(refused);
    vi.unstubAllGlobals();
    expect(codeOf(() => zeros([1]))).toBe('ERR_NOT_INITIALIZED');
    const engine = await init(); // a failed one leaves nothing
    engines.push(engine);
    expect(zeros([1]).engine).toBe(engine);
  });

  test('where wasm may not be compiled: names the directive of the policy, and the cause', async () => {
    const cause = new WebAssembly.CompileError('Refused to compile');
    vi.spyOn(WebAssembly, 'compile').mockRejectedValue(cause);
    await expect(init()).rejects.toMatchObject({ ...refused, cause });
    await expect(createEngine()).rejects.toThrow("script-src 'wasm-unsafe-eval'");
    vi.restoreAllMocks();
    engines.push(await init());
  });

  test('relaxed SIMD is taken where it is there, and not missed', async () => {
    const { validate } = WebAssembly;
    const engine = await made({});
    expect(engine.info.relaxed).toBe(engine.info.variant.startsWith('relaxed'));
    // the longer probe is that of relaxed SIMD
    vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => bytes.byteLength < 40 && validate(bytes));
    const plain = await made({ threads: 1 });
    expect(plain.info).toMatchObject({ variant: 'simd', relaxed: false, numerics: 'fast', microkernel: '5x8' });
  });
});

test("numerics 'portable' multiplies and adds, each rounded, in one order", async () => {
  const engine = await made({ numerics: 'portable' });
  const [channels, width] = [37, 9];
  const x = random(engine, [1, channels, 1, width], 3);
  const w = random(engine, [channels, 2, 1, 1], 4);
  const [values, weights] = [x.toTypedArray(), w.toTypedArray()];
  const expected = Float32Array.from({ length: 2 * width }, (_, i) => {
    const [channel, column] = [Math.floor(i / width), i % width];
    let sum = 0;
    for (let k = 0; k < channels; k++) {
      sum = Math.fround(sum + Math.fround(weights[2 * k + channel] * values[k * width + column]));
    }
    return sum;
  });
  expect(convTranspose2dSync(x, w).toTypedArray()).toEqual(expected);
});

const CLOCKS: [string, (real: () => number) => () => number][] = [
  ['stands still', () => () => 0],
  ['has steps of 1 ms', (real) => () => Math.floor(real())],
];

test.each(CLOCKS)(
  'an engine made while the clock %s chooses the same, and gives the same bits',
  async (_name, clock) => {
    const real = performance.now.bind(performance);
    const results = async (engine: Engine): Promise<unknown[]> => {
      const [x, w] = [random(engine, SLOW.input), random(engine, SLOW.weight, 2)];
      const sync = own(convTranspose2dSync(own(x), own(w), null, SLOW.options)).toTypedArray();
      const promised = own(await convTranspose2d(x, w, null, SLOW.options)).toTypedArray();
      const { bytesPacked, bytesWorkspace, bytesInUse } = engine.memory;
      return [engine.info, sync, promised, { bytesPacked, bytesWorkspace, bytesInUse }];
    };
    const expected = await results(await made({}));
    vi.spyOn(performance, 'now').mockImplementation(clock(real));
    expect(await results(await made({}))).toEqual(expected);
  },
);

test('yieldEveryMs is 8 unless given', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(0); // slices are counted in work alone
  // what an engine yields by; turns of the test's own would not do, those of two channels may overtake each other
  const yields = vi.spyOn(globalThis, typeof setImmediate === 'function' ? 'setImmediate' : 'MessageChannel');
  const yieldsOf = async (options: EngineOptions): Promise<number> => {
    const engine = await made({ threads: 1, ...options });
    const [x, w] = [random(engine, SLOW.input), random(engine, SLOW.weight, 2)];
    yields.mockClear();
    await convTranspose2d(x, w, null, SLOW.options);
    return yields.mock.calls.length;
  };
  const usual = await yieldsOf({});
  expect(await yieldsOf({ yieldEveryMs: 8 })).toBe(usual);
  expect(await yieldsOf({ yieldEveryMs: 4 })).toBeGreaterThan(usual);
  expect(await yieldsOf({ yieldEveryMs: 16 })).toBeLessThan(usual);
});
