/** Promise calls that are cut into slices, aborted, or ended with their engine. */

import { describe, expect, test } from 'vitest';
import {
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dSync,
  full,
  matmul,
  mseLoss,
  Sequential,
  SGD,
  zeros,
} from '../../src/index.ts';
import { codeOf, countTurns, random, SLOW, slicingEngine, turns, watch } from '../support/in_flight.ts';
import { own } from '../support/owned.ts';
import { engine, halfWay, out, slow, w, x, useSlowCall } from '../support/slow_call.ts';

useSlowCall();

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
    const weight = own(out.reshape(64, 1, 33, 33));
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
