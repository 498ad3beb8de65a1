/** Vectors of 256 bits: V8 may join them or not, and an engine says which. The whole suite runs with them: test/wide. */

import type { setFlagsFromString } from 'node:v8';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Engine, EngineOptions } from '../../src/index.ts';
import { createEngine, createEngineSync } from '../../src/index.ts';
import { compiled } from '../support/compiled.ts';
import { HAS_AVX2 } from '../support/cpu.ts';
import { expectRight, expectSame, resultsOf } from '../support/every_path.ts';

const joins = Number.parseInt(process.versions.node, 10) >= 24 && HAS_AVX2;

const engines: Engine[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const engine of engines.splice(0)) engine.dispose();
});

async function made(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

/** What `process.getBuiltinModule('node:v8')` has as its setter of flags. */
function withFlagSetter(setter: typeof setFlagsFromString): void {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ setFlagsFromString: setter });
}

test.runIf(joins)('a default engine first, then a wide one, in one process', async () => {
  const plain = await made({ threads: 1 });
  const before = resultsOf(plain);
  const wide = await made({ wide: true, threads: 1 });
  expect(wide.info).toMatchObject({ wide: true, variant: 'wide', microkernel: '6x16', relaxed: true });
  expect(wide.info.wideReason).toBeUndefined();
  expect(wide.memory.bytesInUse).toBe(0);
  expectRight(resultsOf(wide));
  expect(plain.info).toMatchObject({ wide: false, variant: 'relaxed', microkernel: '6x8' });
  expectSame(resultsOf(plain), before);
  expectRight(before);
});

test.runIf(joins)('the same bits for any number of threads', async () => {
  const results: Float32Array[][] = [];
  for (const threads of [1, 2, 3]) {
    const engine = await made({ wide: true, threads });
    expect(engine.info).toMatchObject({ wide: true, threads });
    results.push(resultsOf(engine));
  }
  for (const others of results.slice(1)) expectSame(others, results[0]);
});

test.runIf(joins)('a module of the caller, and one of its micro-kernels', async () => {
  const engine = await made({ wide: true, threads: 1, wasm: compiled('wide'), microkernel: '4x16' });
  expect(engine.info).toMatchObject({ wide: true, variant: 'wide', microkernel: '4x16' });
  expectRight(resultsOf(engine));
});

describe('an engine without, and why', () => {
  test.each<[string, EngineOptions, RegExp, string]>([
    ['the same bits everywhere', { numerics: 'portable' }, /'portable'/, 'simd'],
    ['another module given', { wasm: compiled('relaxed') }, /the module given is the variant 'relaxed'/, 'relaxed'],
    ['no memory', { maximumBytes: 4 * 65536 }, /no memory/, 'relaxed'],
  ])('%s', async (_, options, reason, variant) => {
    const engine = await made({ wide: true, threads: 1, ...options });
    expect(engine.info).toMatchObject({ wide: false, wideReason: expect.stringMatching(reason), variant });
  });

  test('a runtime that refuses it, or has none to set', async () => {
    withFlagSetter(() => {
      throw new Error('sealed');
    });
    const refused = await made({ wide: true, threads: 1 });
    expect(refused.info).toMatchObject({ wide: false, wideReason: expect.stringMatching(/refused .*sealed/) });
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
    const none = await made({ wide: true, threads: 1 });
    expect(none.info).toMatchObject({ wide: false, wideReason: 'the runtime takes no flags of V8' });
  });

  test('a runtime without relaxed SIMD', async () => {
    const { validate } = WebAssembly;
    // the longer probe is that of relaxed SIMD
    vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => bytes.byteLength < 40 && validate(bytes));
    const engine = await made({ wide: true, threads: 1 });
    expect(engine.info).toMatchObject({ wide: false, wideReason: 'the runtime has no relaxed SIMD', variant: 'simd' });
  });

  test('nothing may be waited for', () => {
    const engine = createEngineSync({ wide: true, wasm: compiled('wide') });
    engines.push(engine);
    expect(engine.info).toMatchObject({ wide: false, wideReason: expect.stringContaining('createEngineSync') });
    expectRight(resultsOf(engine));
  });
});

test('micro-kernels have the names of what was asked for', async () => {
  await expect(createEngine({ microkernel: '6x16' })).rejects.toThrow(/microkernel expected '6x8' \| '5x8' \| '4x8'/);
  await expect(createEngine({ wide: true, microkernel: '6x8' })).rejects.toThrow(/'6x16' \| '4x16'/);
});
