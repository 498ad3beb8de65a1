/** What lives in the wasm memory, and for how long. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  ConvTranspose2d,
  convTranspose1dBackwardSync,
  convTranspose1dSync,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  full,
  matmulSync,
  OutOfMemoryError,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, EngineOptions, Tensor } from '../../src/index.ts';
import { Allocator } from '../../src/memory/allocator.ts';
import { convTransposeReference } from '../reference/conv_transpose.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectWithinBound } from '../support/expect.ts';
import { randomFloat32 } from '../support/random.ts';

const engines: Engine[] = [];
async function newEngine(options: EngineOptions = {}): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}
afterEach(() => {
  vi.restoreAllMocks();
  for (const engine of engines.splice(0)) engine.dispose();
});

function random(engine: Engine, shape: readonly number[], seed = 1): Tensor {
  return tensor(randomFloat32(elementCount(shape), seed), shape, { engine });
}

function referenceOf(t: Tensor): ReturnType<typeof refTensor> {
  return refTensor(t.shape, t.toTypedArray());
}

function usage(engine: Engine): { bytesInUse: number; tensors: number } {
  const { bytesInUse, tensors } = engine.memory;
  return { bytesInUse, tensors };
}

describe('10,000 calls', () => {
  test('forward and backward leave the memory where it was', async () => {
    const engine = await newEngine();
    const input = random(engine, [1, 2, 5]);
    const weight = random(engine, [2, 3, 4]);
    const before = usage(engine);
    let reserved = 0;
    for (let call = 0; call < 10_000; call++) {
      const output = convTranspose1dSync(input, weight, null, { stride: 2 });
      const { gradInput, gradWeight, gradBias } = convTranspose1dBackwardSync(output, input, weight, { stride: 2 });
      for (const gone of [output, gradInput, gradWeight, gradBias]) gone?.dispose();
      if (call === 10) reserved = engine.memory.bytesReserved;
    }
    expect(usage(engine)).toEqual(before);
    expect(engine.memory.bytesReserved).toBe(reserved);
  });

  test('of changing shapes, with changing weights, do not grow the memory either', async () => {
    const engine = await newEngine({ cacheBytes: 1 << 20 });
    let reserved = 0;
    for (let call = 0; call < 2000; call++) {
      const input = full([1, 3, 1 + (call % 40), 1 + (call % 31)], 1, { engine });
      const weight = full([3, 1 + (call % 7), 3, 2], 1, { engine });
      convTranspose2dSync(input, weight, null, { stride: 1 + (call % 3) }).dispose();
      input.dispose();
      weight.dispose();
      if (call === 1400) reserved = engine.memory.bytesReserved; // by now every combination of caches was full
    }
    expect(usage(engine)).toEqual({ bytesInUse: 0, tensors: 0 });
    expect(engine.memory.bytesReserved).toBe(reserved);
    expect(engine.memory.bytesPacked).toBe(0); // died with their weights
  });

  test('of a module do not grow the memory', async () => {
    const engine = await newEngine();
    const module = new ConvTranspose2d(2, 3, 3, { stride: 2, engine });
    const input = random(engine, [1, 2, 4, 4]);
    const step = (): void => {
      const output = module.forwardSync(input);
      const gradInput = module.backwardSync(output);
      output.dispose();
      gradInput?.dispose();
    };
    step(); // makes the gradients
    const before = usage(engine);
    for (let call = 0; call < 1000; call++) step();
    expect(usage(engine)).toEqual(before);
    module.dispose();
    input.dispose();
    expect(usage(engine)).toEqual({ bytesInUse: 0, tensors: 0 });
  });
});

describe('out of memory', () => {
  const shapes = { input: [2, 16, 24, 24], weight: [16, 8, 4, 4] };
  const options = { stride: 2, padding: 1 };

  test('is thrown before anything is kept, and the next call works', async () => {
    const engine = await newEngine({ maximumBytes: 4 << 20 });
    const input = random(engine, shapes.input);
    const weight = random(engine, shapes.weight, 2);
    const before = usage(engine);
    expect(() => zeros([1 << 20, 8], { engine })).toThrow(OutOfMemoryError);
    expect(() => convTranspose2dSync(input, weight, null, { stride: 60 })).toThrow(OutOfMemoryError);
    await expect(convTranspose2d(input, weight, null, { stride: 60 })).rejects.toThrow(OutOfMemoryError);
    expect(usage(engine)).toEqual(before);
    const output = await convTranspose2d(input, weight, null, options);
    expectWithinBound(output, convTransposeReference(referenceOf(input), referenceOf(weight), null, options));
  });

  const calls: Record<string, (x: Tensor, w: Tensor, g: Tensor) => (Tensor | null)[]> = {
    forward: (x, w) => [convTranspose2dSync(x, w, null, options)],
    'forward with activations': (x, w) => [
      convTranspose2dSync(x, w, null, { ...options, activation: 'gelu', inputActivation: 'relu' }),
    ],
    backward: (x, w, g) => Object.values(convTranspose2dBackwardSync(g, x, w, options)),
    matmul: (x) => [matmulSync(x, x)],
    'plain object': (x, w) => [
      convTranspose2dSync({ data: new Float32Array(x.size), shape: x.shape }, w, null, options),
    ],
  };

  test.each(Object.keys(calls))('at every point of a call: %s', async (name) => {
    const engine = await newEngine({ maximumBytes: 3 << 20 });
    const input = random(engine, shapes.input);
    const weight = random(engine, shapes.weight, 2);
    const gradOutput = random(engine, [2, 8, 48, 48], 3);
    const fill = (bytes: number): Tensor[] => [zeros([bytes / 4], { engine })];
    const free = (tensors: readonly (Tensor | null)[]): void => tensors.forEach((each) => each?.dispose());
    let [refused, done] = [0, 0];
    // leaves less and less room: each place that allocates is once the one that fails
    for (let bytes = 0; bytes < 3 << 20; bytes += 16 << 10) {
      engine.trim();
      let ballast: Tensor[];
      try {
        ballast = fill(bytes);
      } catch {
        break; // nothing is left for the ballast itself
      }
      const before = usage(engine);
      try {
        free(calls[name](input, weight, gradOutput));
        done++;
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        refused++;
      }
      expect(usage(engine), `with ${bytes} bytes taken`).toEqual(before);
      free(ballast);
    }
    expect(refused).toBeGreaterThan(3);
    expect(done).toBeGreaterThan(3);
    const output = convTranspose2dSync(input, weight, null, options);
    expectWithinBound(output, convTransposeReference(referenceOf(input), referenceOf(weight), null, options));
  });

  test('caches give way to tensors', async () => {
    const engine = await newEngine({ maximumBytes: 2 << 20 });
    const weight = random(engine, [64, 64, 4, 4]);
    const input = random(engine, [1, 64, 2, 2]);
    convTranspose2dSync(input, weight, null, { stride: 2 }).dispose();
    expect(engine.memory.bytesPacked).toBeGreaterThan(200_000);
    const large: Tensor[] = [];
    expect(() => {
      for (;;) large.push(zeros([1 << 14], { engine }));
    }).toThrow(OutOfMemoryError);
    expect(engine.memory.bytesPacked).toBe(0);
    expect(large.length).toBeGreaterThan(10);
  });
});

describe('a second call on the same shapes', () => {
  test('allocates nothing', async () => {
    const engine = await newEngine();
    const input = random(engine, [2, 5, 9, 7]);
    const weight = random(engine, [5, 4, 3, 3], 2);
    const bias = random(engine, [4], 3);
    const options = { stride: 2 };
    const out = convTranspose2dSync(input, weight, bias, options);
    const { gradInput, gradWeight, gradBias } = convTranspose2dBackwardSync(out, input, weight, options);
    const gradients = { outGradInput: gradInput, outGradWeight: gradWeight, outGradBias: gradBias };
    const everything = async (): Promise<void> => {
      convTranspose2dSync(input, weight, bias, { ...options, out });
      convTranspose2dBackwardSync(out, input, weight, { ...options, ...gradients });
      await convTranspose2d(input, weight, bias, { ...options, out });
      await convTranspose2dBackward(out, input, weight, { ...options, ...gradients });
    };
    await everything(); // Promise and Sync calls have a workspace each
    const reserved = engine.memory.bytesReserved;
    const copied = engine.memory.bytesCopiedIn;
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    for (let repeat = 0; repeat < 3; repeat++) await everything();
    expect(allocate).not.toHaveBeenCalled();
    expect(engine.memory.bytesReserved).toBe(reserved);
    expect(engine.memory.bytesCopiedIn).toBe(copied);
  });
});

describe('packed weights', () => {
  const options = { stride: 2, padding: 1 };

  async function layer() {
    const engine = await newEngine();
    const input = random(engine, [1, 6, 5, 5]);
    const weight = random(engine, [6, 4, 3, 3], 2);
    const out = convTranspose2dSync(input, weight, null, options);
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    /** Runs the layer, checks its result, and says how often memory was asked for. */
    const allocationsOfRun = (): number => {
      const expected = convTransposeReference(referenceOf(input), referenceOf(weight), null, options);
      allocate.mockClear();
      convTranspose2dSync(input, weight, null, { ...options, out });
      const count = allocate.mock.calls.length;
      expectWithinBound(out, expected);
      return count;
    };
    return { engine, weight, allocationsOfRun };
  }

  test('are reused while the weight is unchanged', async () => {
    const { engine, allocationsOfRun } = await layer();
    const { bytesPacked } = engine.memory;
    expect(bytesPacked).toBeGreaterThan(0);
    expect([allocationsOfRun(), allocationsOfRun()]).toEqual([0, 0]);
    expect(engine.memory.bytesPacked).toBe(bytesPacked);
  });

  test('are renewed once after copyFrom', async () => {
    const { engine, weight, allocationsOfRun } = await layer();
    const { bytesPacked } = engine.memory;
    weight.copyFrom(randomFloat32(weight.size, 99));
    expect(allocationsOfRun()).toBeGreaterThan(0);
    expect(engine.memory.bytesPacked).toBe(bytesPacked);
    expect(allocationsOfRun()).toBe(0);
  });

  test('are renewed after the weight was an output', async () => {
    const { engine, weight, allocationsOfRun } = await layer();
    matmulSync(random(engine, [24, 3], 5), random(engine, [3, 9], 6), { out: weight.reshape(24, 9) });
    expect(allocationsOfRun()).toBeGreaterThan(0);
    expect(allocationsOfRun()).toBe(0);
  });

  test('are not trusted while JavaScript holds the data, and again after commit', async () => {
    const { weight, allocationsOfRun } = await layer();
    weight.data.set(randomFloat32(weight.size, 98));
    expect(allocationsOfRun()).toBeGreaterThan(0);
    weight.data.set(randomFloat32(weight.size, 97));
    expect(allocationsOfRun()).toBeGreaterThan(0);
    weight.data.set(randomFloat32(weight.size, 96));
    weight.commit();
    expect(allocationsOfRun()).toBeGreaterThan(0);
    expect(allocationsOfRun()).toBe(0);
  });

  test('of two views of one storage are two', async () => {
    const engine = await newEngine();
    const pair = random(engine, [2, 3, 2, 2, 2]);
    const input = random(engine, [1, 3, 4, 4], 2);
    const [first, second] = [0, 1].map((index) => pair.narrow(0, index, 1).squeeze(0));
    for (const weight of [first, second, first, second]) {
      const output = convTranspose2dSync(input, weight, null, options);
      expectWithinBound(output, convTransposeReference(referenceOf(input), referenceOf(weight), null, options));
    }
  });

  test('respect cacheBytes, and 0 keeps none', async () => {
    for (const cacheBytes of [0, 5000]) {
      const engine = await newEngine({ cacheBytes });
      const input = random(engine, [1, 6, 5, 5]);
      for (let seed = 1; seed < 20; seed++) {
        const weight = random(engine, [6, 4, 3, 3], seed);
        const output = convTranspose2dSync(input, weight, null, options);
        expectWithinBound(output, convTransposeReference(referenceOf(input), referenceOf(weight), null, options));
        expect(engine.memory.bytesPacked).toBeLessThanOrEqual(cacheBytes);
      }
    }
  });

  test('go with trim', async () => {
    const { engine, allocationsOfRun } = await layer();
    engine.trim();
    expect(engine.memory.bytesPacked).toBe(0);
    expect(allocationsOfRun()).toBeGreaterThan(0);
  });
});

test('bytesWorkspace is the largest since resetPeak', async () => {
  const engine = await newEngine({ threads: 1 });
  const run = (channels: number): void => {
    const [x, w] = [random(engine, [1, channels, 16, 16]), random(engine, [channels, channels, 3, 3], 2)];
    for (const t of [convTranspose2dSync(x, w), x, w]) t.dispose();
  };
  const workspaceOf = (channels: number): number => {
    engine.resetPeak();
    expect(engine.memory.bytesWorkspace).toBe(0);
    run(channels);
    return engine.memory.bytesWorkspace;
  };
  const [small, large] = [workspaceOf(4), workspaceOf(32)];
  expect(small).toBeGreaterThan(0);
  expect(large).toBeGreaterThan(small);
  run(4);
  expect(engine.memory.bytesWorkspace).toBe(large);
  expect(workspaceOf(4)).toBe(small);
});

test('statistics: peak, reset, copies, tensors', async () => {
  const engine = await newEngine();
  const a = zeros([1000], { engine });
  const b = zeros([500], { engine, dtype: 'float64' });
  const view = a.narrow(0, 0, 10);
  expect(usage(engine)).toEqual({ bytesInUse: 8000, tensors: 2 });
  a.dispose();
  expect(usage(engine).tensors).toBe(2); // the view keeps the storage
  view.dispose();
  expect(usage(engine)).toEqual({ bytesInUse: 4000, tensors: 1 });
  expect(engine.memory.bytesPeak).toBe(8000);
  engine.resetPeak();
  expect(engine.memory.bytesPeak).toBe(4000);
  const before = engine.memory.bytesCopiedOut;
  b.toTypedArray();
  expect(engine.memory.bytesCopiedOut - before).toBe(4000);
  b.dispose();
});
