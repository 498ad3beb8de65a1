/** Promise calls half-way through: what the caller may do to tensors meanwhile, the order of effects, the end of calls. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Adam,
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  empty,
  full,
  initializers,
  matmul,
  matmulSync,
  mseLoss,
  ReLU,
  Sequential,
  SGD,
  SiLU,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf, countTurns, random, SLOW, slicingEngine, turns, watch } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => {
  unhandled.push(reason);
};

let engine: Engine;
let x: Tensor;
let w: Tensor;
let out: Tensor;

beforeEach(async () => {
  process.on('unhandledRejection', note);
  engine = await slicingEngine();
  x = own(random(engine, SLOW.input));
  w = own(random(engine, SLOW.weight, 2));
  out = own(full(SLOW.output, Number.NaN, { engine }));
});
afterEach(async () => {
  await turns(2);
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
  if (!engine.disposed) releaseAll(engine);
  engine.dispose();
});

const slow = (signal?: AbortSignal): Promise<Tensor> => convTranspose2d(x, w, null, { ...SLOW.options, out, signal });

/** Elements of `out` that are written, read behind the engine's back. */
function written(): number {
  return new Float32Array(engine.buffer, out.ptr, out.size).filter((value) => !Number.isNaN(value)).length;
}

/** A slow call that is half-way. */
async function halfWay(signal?: AbortSignal): Promise<{ promise: Promise<Tensor>; state: { settled: boolean } }> {
  const promise = slow(signal);
  const state = watch(promise);
  for (let i = 0; i < 1000 && written() === 0; i++) await turns(1);
  expect(written()).toBeGreaterThan(0);
  expect(written()).toBeLessThan(out.size);
  expect(state.settled).toBe(false);
  return { promise, state };
}

describe('tensors of a pending call', () => {
  test('may not be written, nor what it writes be read', async () => {
    const { promise } = await halfWay();
    const small = own(zeros([1], { engine }));
    const view = own(out.narrow(1, 0, 1));
    const line = own(view.narrow(2, 0, 1));
    const one = own(line.narrow(3, 0, 1));
    const writesOf = (t: Tensor): (() => unknown)[] => [
      () => t.data,
      () => t.commit(),
      () => t.copyFrom(new Float32Array(t.size)),
      () => t.copyFrom(t),
      () => initializers.constant_(t, 1),
      () => initializers.uniform_(t),
      () => initializers.normal_(t),
      () => initializers.kaimingUniform_(t),
    ];
    const reads: (() => unknown)[] = [
      () => out.toTypedArray(),
      () => out.toArray(),
      () => out.copyTo(new Float32Array(out.size)),
      () => out.clone(),
      () => out.to('float64'),
      () => view.toTypedArray(),
      () => own(out.narrow(3, 0, 2)).contiguous(),
      () => one.item(),
      () => small.copyFrom(own(one.reshape(1))),
    ];
    const uses = [...writesOf(out), ...writesOf(x), ...writesOf(w), ...reads];
    expect(uses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    // reading what it reads is no harm
    expect(x.toTypedArray().length).toBe(x.size);
    expect(own(w.clone()).size).toBe(w.size);
    expect(await promise).toBe(out);
    expect(out.data.some(Number.isNaN)).toBe(false);
    expect(x.copyFrom(new Float32Array(x.size))).toBe(x);
  });

  test('are not free for Sync calls that would clash', async () => {
    const { promise } = await halfWay();
    const kernel = own(zeros([64, 1, 1, 1], { engine }));
    const result = own(empty([1, 1, 64, 64], { engine }));
    const columns = own(x.reshape(128, 1024));
    const product = own(empty([128, 128], { engine }));
    const uses: (() => unknown)[] = [
      () => convTranspose2dSync(out, kernel), // reads what is written
      () => convTranspose2dSync(out, kernel, null, { out: result }),
      () => convTranspose2dSync(x, w, null, { ...SLOW.options, out }), // writes what is written
      () => matmulSync(product, columns, { out: columns }), // overlaps anyway
      () => matmulSync(product, own(zeros([128, 1024], { engine })), { out: columns }), // writes what is read
      () => convTranspose2dBackwardSync(out, x, w, SLOW.options),
    ];
    const codes = uses.map(codeOf);
    expect(codes).toEqual(uses.map((_, index) => (index === 3 ? 'ERR_ARGUMENT' : 'ERR_IN_USE')));
    await promise;
    expect(codeOf(() => own(convTranspose2dSync(out, kernel)))).toBeUndefined();
  });

  test('of a module: parameters, gradients, state of the optimizer', async () => {
    const m = own(new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine, activation: 'silu' }));
    const state = m.stateDict();
    const copies = Object.fromEntries(Object.entries(state).map(([name, t]) => [name, own(t.clone())]));
    const bias = [...m.bias!.toTypedArray()];
    const forward = m.forward(x);
    const fly = watch(forward);
    await turns(4);
    const uses = [() => m.resetParameters(), () => m.loadStateDict(copies), () => m.weight.data, () => x.data];
    expect(uses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    expect(fly.settled).toBe(false);
    const y = own(await forward);
    expect([...m.bias!.toTypedArray()]).toEqual(bias); // all or nothing

    const backward = m.backward(y);
    const flyBack = watch(backward);
    await turns(4);
    const gradUses = [
      () => m.zeroGrad(),
      () => m.weight.grad!.data,
      () => m.bias!.grad!.toTypedArray(),
      () => x.copyFrom(new Float32Array(x.size)), // saved by the forward
      () => m.weight.copyFrom(copies.weight),
      () => y.data,
      () => new SGD(m.parameters(), { lr: 1 }).stepSync(),
      () => m.backwardSync(y),
    ];
    expect(gradUses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    expect(flyBack.settled).toBe(false);
    own(await backward);
    expect(codeOf(() => m.zeroGrad())).toBeUndefined();
  });
});

describe('a Sync call overtakes', () => {
  test('with the same weight and plan, and others: all results are right', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    engine.trim();
    const first = await halfWay();
    const here = own(convTranspose2dSync(x, w, null, SLOW.options)); // same plan, same weight
    expect(first.state.settled).toBe(false);
    expect(here.toTypedArray()).toEqual(expected);
    const a = own(random(engine, [300, 200], 3));
    const b = own(random(engine, [200, 100], 4));
    const product = own(matmulSync(a, b)).toTypedArray();
    const gradients = convTranspose2dBackwardSync(here, x, w, SLOW.options);
    for (const gradient of Object.values(gradients)) own(gradient!);
    engine.trim(); // what is in use stays
    expect(first.state.settled).toBe(false);
    own(convTranspose2dSync(x, w, null, SLOW.options));
    await first.promise;
    expect(out.toTypedArray()).toEqual(expected);
    expect(own(matmulSync(a, b)).toTypedArray()).toEqual(product);
  });

  test('while the pending one still packs the weight', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    engine.trim();
    const promise = slow();
    for (let overtaken = 0; overtaken < 8; overtaken++) {
      if (overtaken % 3 === 2) engine.trim();
      expect(own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray()).toEqual(expected);
      await turns(1);
    }
    await promise;
    expect(out.toTypedArray()).toEqual(expected);
  });

  test('and evicts nothing that is in use', async () => {
    const small = await slicingEngine({ cacheBytes: 600_000 }); // room for one packed weight of 512 KiB
    const [x2, w2] = [random(small, SLOW.input), random(small, SLOW.weight, 2)];
    const expected = convTranspose2dSync(x2, w2, null, SLOW.options).toTypedArray();
    const pending = convTranspose2d(x2, w2, null, SLOW.options);
    const state = watch(pending);
    for (let seed = 3; seed < 8; seed++) {
      await turns(1);
      const other = random(small, SLOW.weight, seed);
      convTranspose2dSync(x2, other, null, SLOW.options).dispose();
      other.dispose();
    }
    expect(state.settled).toBe(false);
    expect((await pending).toTypedArray()).toEqual(expected);
    small.dispose();
  });
});

describe('call order', () => {
  test('a later call reads what an earlier one writes', async () => {
    const kernel = own(random(engine, [64, 3, 1, 1], 5));
    const pending = [slow(), convTranspose2d(out, kernel), mseLoss(out, out)];
    const [, second, loss] = await Promise.all(pending);
    own(second as Tensor);
    own(loss);
    const first = own(convTranspose2dSync(x, w, null, SLOW.options));
    expect((second as Tensor).toTypedArray()).toEqual(own(convTranspose2dSync(first, kernel)).toTypedArray());
    expect(loss).toMatchObject({ value: 0 });
  });

  test('several accumulate into one gradient, to the bit as Sync calls do', async () => {
    const inputs = [1, 2, 3].map((seed) => own(random(engine, [1, 8, 9, 9], seed)));
    const weight = own(random(engine, [8, 4, 3, 3], 9));
    const grads = [4, 5, 6].map((seed) => own(random(engine, [1, 4, 11, 11], seed)));
    const [together, alone] = [0, 1].map(() => own(zeros(weight.shape, { engine })));
    const optionsOf = (outGradWeight: Tensor) =>
      ({ outputMask: [false, true, false], outGradWeight, accumulate: true }) as const;
    await Promise.all(inputs.map((input, i) => convTranspose2dBackward(grads[i], input, weight, optionsOf(together))));
    inputs.forEach((input, i) => convTranspose2dBackwardSync(grads[i], input, weight, optionsOf(alone)));
    expect(together.toTypedArray()).toEqual(alone.toTypedArray());
  });

  test('steps of an optimizer, backward before its forward has settled', async () => {
    const run = async (awaited: boolean): Promise<Float32Array> => {
      const m = new ConvTranspose2d(3, 2, 3, { engine });
      for (const p of m.parameters()) initializers.constant_(p, 0.25);
      const optimizer = new Adam(m.parameters(), { lr: 0.1 });
      const input = random(engine, [1, 3, 4, 4], 4);
      const grad = random(engine, [1, 2, 6, 6], 5);
      const settled: unknown[] = [];
      const after = async (promise: Promise<unknown>): Promise<void> => {
        if (awaited) settled.push(await promise);
        else settled.push(promise);
      };
      const pass = await m.vjp(input);
      const other = await m.vjp(input);
      await after(pass.backward(grad));
      await after(optimizer.step());
      optimizer.paramGroups[0].lr = 0.01;
      await after(optimizer.step());
      for (const each of await Promise.all(settled)) (each as Tensor | undefined)?.dispose();
      other.dispose();
      const result = m.weight.toTypedArray() as Float32Array;
      for (const item of [m, optimizer, input, grad, pass, pass.output, other.output]) item.dispose();
      return result;
    };
    expect(await run(false)).toEqual(await run(true));
  });

  test('forward, backward, forward, backward without waiting: each backward is of its forward', async () => {
    const m = own(new Sequential(new SiLU(), new ReLU()));
    const [a, b] = [own(random(engine, [5], 1)), own(random(engine, [5], 2))];
    const g = own(full([5], 1, { engine }));
    const outputs = [m.forward(a), m.backward(g), m.forward(b), m.backward(g)];
    const [, gradA, , gradB] = (await Promise.all(outputs)).map(own);
    own(m.forwardSync(a));
    expect(gradA.toTypedArray()).toEqual(own(m.backwardSync(g)).toTypedArray());
    own(m.forwardSync(b));
    expect(gradB.toTypedArray()).toEqual(own(m.backwardSync(g)).toTypedArray());
    await expect(m.backward(g)).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
  });

  test('two backwards of one forward: the second has none', async () => {
    const m = own(new ConvTranspose2d(2, 2, 2, { engine }));
    const input = own(random(engine, [1, 2, 3, 3]));
    const y = own(await m.forward(input));
    const [first, second] = await Promise.allSettled([m.backward(y), m.backward(y)]);
    own((first as PromiseFulfilledResult<Tensor>).value);
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NO_FORWARD' } });
    const once = m.weight.grad!.toTypedArray();
    m.zeroGrad();
    own(m.forwardSync(input));
    own(m.backwardSync(y));
    expect(m.weight.grad!.toTypedArray()).toEqual(once);
    const pass = await m.vjp(input);
    const both = await Promise.allSettled([pass.backward(y), pass.backward(y)]);
    own(pass.output);
    own((both[0] as PromiseFulfilledResult<Tensor>).value);
    expect(both[1]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NO_FORWARD' } });
  });

  test('a Sync forward does not take away what a pending backward reads', async () => {
    const m = own(new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine, activation: 'gelu' }));
    const y = own(await m.forward(x));
    const pending = m.backward(y);
    await turns(3);
    const other = random(engine, SLOW.input, 7);
    own(m.forwardSync(other));
    other.dispose();
    const got = own(await pending).toTypedArray();
    m.eval().train();
    own(m.forwardSync(x));
    expect(own(m.backwardSync(y)).toTypedArray()).toEqual(got);
  });
});

describe('dispose of tensors in flight', () => {
  test('takes effect when the promise settles', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    const before = engine.memory.tensors;
    const [input, weight] = [random(engine, SLOW.input), random(engine, SLOW.weight, 2)];
    const pending = convTranspose2d(input, weight, null, SLOW.options);
    input.dispose();
    weight.dispose();
    expect(codeOf(() => input.data)).toBe('ERR_DISPOSED');
    await turns(3);
    expect(engine.memory.tensors).toBe(before + 3);
    const result = own(await pending);
    expect(result.toTypedArray()).toEqual(expected);
    expect(engine.memory.tensors).toBe(before + 1);
  });

  test('of `out`: the call ends, its bytes are free', async () => {
    const { promise } = await halfWay();
    const before = engine.memory.tensors;
    out.dispose();
    expect(engine.memory.tensors).toBe(before);
    await promise;
    expect(engine.memory.tensors).toBe(before - 1);
  });

  test('of a module and its input', async () => {
    const m = new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine });
    const input = random(engine, SLOW.input);
    const pending = m.forward(input);
    m.dispose();
    input.dispose();
    own(await pending);
    await expect(m.forward(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('a disposed argument is an error, not a double free', async () => {
    const m = own(new ConvTranspose2d(2, 2, 2, { engine }));
    const gone = random(engine, [1, 2, 3, 3]);
    gone.dispose();
    await expect(m.forward(gone)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(codeOf(() => m.forwardSync(gone))).toBe('ERR_DISPOSED');
    own(await m.forward(own(random(engine, [1, 2, 3, 3]))));
    await expect(m.backward(gone)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    const again = own(random(engine, [1, 2, 3, 3], 5));
    expect(own(again.clone()).toTypedArray()).toEqual(again.toTypedArray());
  });
});

describe('abort', () => {
  const REASONS = [new Error('enough'), 'a string', 7, { code: 'MINE' }, null] as const;
  const usage = () => {
    const { bytesInUse, tensors } = engine.memory;
    return { bytesInUse, tensors };
  };
  /** The reason that `promise` rejects with. */
  const reasonOf = async (promise: Promise<unknown>): Promise<unknown> => {
    try {
      await promise;
    } catch (reason) {
      return reason;
    }
    throw new Error('it did not reject');
  };

  test.each(REASONS)('before the start, with reason %s', async (reason) => {
    const signal = AbortSignal.abort(reason);
    const before = usage();
    expect(await reasonOf(convTranspose2d(x, w, null, { signal }))).toBe(signal.reason);
    expect(await reasonOf(matmul(x, x, { signal }))).toBe(signal.reason);
    expect(usage()).toEqual(before);
    expect(codeOf(() => x.data)).toBeUndefined();
  });

  test.each(REASONS)('between slices, with reason %s', async (reason) => {
    const controller = new AbortController();
    const before = usage();
    const { promise } = await halfWay(controller.signal);
    const second = convTranspose2d(x, w, null, { ...SLOW.options, signal: controller.signal });
    watch(second);
    controller.abort(reason);
    expect(await reasonOf(promise)).toBe(controller.signal.reason);
    expect(await reasonOf(second)).toBe(controller.signal.reason);
    expect(usage()).toEqual(before);
    // usable at once
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    expect((await slow()).toTypedArray()).toEqual(expected);
  });

  test('of a queued call lets those before and behind it through', async () => {
    const controller = new AbortController();
    const { promise } = await halfWay();
    const aborted = convTranspose2d(x, w, null, { signal: controller.signal });
    const behind = convTranspose2d(x, w, null, SLOW.options);
    const behindState = watch(behind);
    controller.abort();
    expect(await reasonOf(aborted)).toBe(controller.signal.reason);
    expect(behindState.settled).toBe(false);
    const [first, last] = await Promise.all([promise, behind]);
    expect(own(last).toTypedArray()).toEqual(first.toTypedArray());
  });

  test('half-way raises the version of `out`: no packed copy of it survives', async () => {
    const controller = new AbortController();
    const ones = own(full([1, 64, 1, 1], 1, { engine }));
    const weight = own(out.reshape(64, 1, 64, 64));
    const before = own(convTranspose2dSync(ones, weight)).toTypedArray();
    expect(before.every(Number.isNaN)).toBe(true);
    const { promise } = await halfWay(controller.signal);
    controller.abort();
    await expect(promise).rejects.toBeDefined();
    const fresh = own(convTranspose2dSync(ones, own(weight.clone()))).toTypedArray();
    expect(fresh.some(Number.isNaN)).toBe(true); // half of it
    expect(fresh.every(Number.isNaN)).toBe(false);
    expect(own(convTranspose2dSync(ones, weight)).toTypedArray()).toEqual(fresh);
  });

  test('of forward and backward of modules, and of an optimizer step', async () => {
    const m = own(
      new Sequential(
        new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine, activation: 'silu' }),
        new ConvTranspose2d(64, 8, 2, { engine }),
      ),
    );
    const y = own(await m.forward(x));
    const g = own(full(y.shape, 1, { engine }));
    const gradInput = own(m.backwardSync(g)).toTypedArray();
    const gradients = m.parameters().map((p) => p.grad!.toTypedArray());
    const optimizer = own(new SGD(m.parameters(), { lr: 0.1 }));
    for (const abortAfter of [0, 1, 4, 12, 19]) {
      for (const work of ['forward', 'backward'] as const) {
        own(m.forwardSync(x));
        m.zeroGrad();
        const before = usage();
        const controller = new AbortController();
        const { signal } = controller;
        const promise = work === 'forward' ? m.forward(x, { signal }) : m.backward(g, { signal });
        const state = watch(promise);
        await turns(abortAfter);
        expect({ work, abortAfter, settled: state.settled }).toMatchObject({ settled: false });
        controller.abort();
        expect(await reasonOf(promise)).toBe(signal.reason);
        expect(usage()).toEqual(before);
        m.zeroGrad(); // the part that was added
        expect(own(await m.backward(g)).toTypedArray()).toEqual(gradInput); // the forward is still pending
        expect(m.parameters().map((p) => p.grad!.toTypedArray())).toEqual(gradients);
      }
    }
    const before = usage();
    const signal = AbortSignal.abort('stop');
    const weights = m.parameters().map((p) => p.toTypedArray());
    expect(await reasonOf(optimizer.step({ signal }))).toBe('stop');
    expect(m.parameters().map((p) => p.toTypedArray())).toEqual(weights);
    expect(usage()).toEqual(before);
    await optimizer.step();
    expect(m.parameters()[0].toTypedArray()).not.toEqual(weights[0]);
  });

  test('a signal that is none is a TypeError', async () => {
    const before = usage();
    for (const signal of ['stop', 1, {}, new AbortController()] as unknown as AbortSignal[]) {
      const error = await reasonOf(convTranspose2d(x, w, null, { signal }));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('signal expected an AbortSignal');
    }
    expect(usage()).toEqual(before);
  });
});

describe('the end of the engine', () => {
  test('rejects what runs and what waits; twice is once', async () => {
    const { promise } = await halfWay();
    const m = new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine });
    const optimizer = new SGD(m.parameters(), { lr: 1 });
    for (const p of m.parameters()) p.grad = zeros(p.shape, { engine });
    const pending = [promise, slow(), convTranspose2d(x, w), m.forward(x), optimizer.step(), mseLoss(x, x)];
    engine.dispose();
    engine.dispose();
    for (const each of await Promise.allSettled(pending)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { name: 'EngineError', code: 'ERR_DISPOSED' } });
    }
    for (const item of [x, w, out, m, optimizer]) expect(() => item.dispose()).not.toThrow();
    expect(engine.memory).toMatchObject({ tensors: 0, bytesInUse: 0, bytesPacked: 0, bytesReserved: 0 });
  });
});

describe('the event loop', () => {
  test('has a turn between slices', async () => {
    expect(await countTurns(slow())).toBeGreaterThan(8); // 17 items
  });

  test('has none with yieldEveryMs: Infinity', async () => {
    const busy = await slicingEngine({ yieldEveryMs: Infinity });
    const [x2, w2] = [random(busy, SLOW.input), random(busy, SLOW.weight, 2)];
    expect(await countTurns(convTranspose2d(x2, w2, null, SLOW.options))).toBeLessThanOrEqual(1);
    busy.dispose();
  });

  test.each([
    ['stands still', () => 0],
    ['has steps of 1 ms', (real: () => number) => Math.floor(real())],
    ['has steps of 100 ms', (real: () => number) => Math.floor(real() / 100) * 100],
    ['runs backwards', (real: () => number) => -real()],
  ])('when the clock %s: it still yields, and the bits are the same', async (_name, clock) => {
    const { performance } = globalThis;
    const real = performance.now.bind(performance);
    const ticking = await slicingEngine({ yieldEveryMs: 2 });
    const [x2, w2] = [random(ticking, SLOW.input), random(ticking, SLOW.weight, 2)];
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    performance.now = () => clock(real);
    try {
      for (let repeat = 0; repeat < 3; repeat++) {
        const promise = convTranspose2d(x2, w2, null, SLOW.options);
        expect(await countTurns(promise)).toBeGreaterThan(1);
        expect((await promise).toTypedArray()).toEqual(expected);
      }
    } finally {
      performance.now = real;
      ticking.dispose();
    }
  });
});
