import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  bceWithLogitsLoss,
  bceWithLogitsLossSync,
  createEngine,
  DtypeError,
  EngineError,
  l1Loss,
  l1LossSync,
  mseLoss,
  mseLossSync,
  ShapeError,
  tensor,
} from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { randomFloat64 } from '../support/random.ts';

let engine: Engine;
let other: Engine;
beforeAll(async () => {
  engine = await createEngine();
  other = await createEngine();
});
afterAll(() => {
  engine.dispose();
  other.dispose();
});

const LOSSES = {
  mse: { promise: mseLoss, sync: mseLossSync, value: (x: number, t: number) => (x - t) ** 2 },
  l1: { promise: l1Loss, sync: l1LossSync, value: (x: number, t: number) => Math.abs(x - t) },
  bceWithLogits: {
    promise: bceWithLogitsLoss,
    sync: bceWithLogitsLossSync,
    value: (x: number, t: number) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
  },
};

describe.each(Object.keys(LOSSES) as (keyof typeof LOSSES)[])('%s', (name) => {
  const { promise, sync, value } = LOSSES[name];

  test.each([1, 2, 3, 16383, 16384, 16385, 40001])('float64, %i elements: value and gradient', async (count) => {
    const xs = randomFloat64(count, 1).map((x) => 6 * x);
    const ts = randomFloat64(count, 2).map((x) => (x + 1) / 2);
    const pred = tensor(xs, [count], { engine });
    const target = tensor(ts, [count], { engine });
    const loss = await promise(pred, target);
    const expected = xs.reduce((sum, x, i) => sum + value(x, ts[i]), 0) / count;
    expect(Math.abs(loss.value / expected - 1)).toBeLessThan(1e-12);
    const gradient = loss.gradOutput.toTypedArray();
    const probe = [0, Math.floor(count / 2), count - 1];
    for (const i of probe) {
      const h = 1e-6;
      const slope = (value(xs[i] + h, ts[i]) - value(xs[i] - h, ts[i])) / (2 * h) / count;
      expect(Math.abs(gradient[i] - slope)).toBeLessThan(1e-8 / count);
    }
    const twin = sync(pred, target);
    expect(twin.value).toBe(loss.value);
    expect(twin.gradOutput.toTypedArray()).toEqual(gradient);
    const sum = sync(pred, target, { reduction: 'sum' });
    expect(Math.abs(sum.value / (expected * count) - 1)).toBeLessThan(1e-12);
    for (const owned of [pred, target, loss, twin, sum]) owned.dispose();
    expect(engine.memory.tensors).toBe(0);
  });

  test('strides do not matter', () => {
    const pred = tensor([1, 2, 3, 4, 5, 6], [2, 3], { engine });
    const target = tensor([0, 1, 0, 1, 0, 1], [3, 2], { engine });
    const view = target.transpose(0, 1);
    const dense = view.contiguous();
    const a = sync(pred, view);
    const b = sync(pred, dense);
    expect(a.value).toBe(b.value);
    expect(a.gradOutput.toTypedArray()).toEqual(b.gradOutput.toTypedArray());
    for (const owned of [pred, target, view, dense, a, b]) owned.dispose();
  });

  test('arguments', async () => {
    const a = tensor([1, 2], [2], { engine });
    const b = tensor([1, 2], [1, 2], { engine });
    const c = tensor([1, 2], [2], { engine, dtype: 'float64' });
    const d = tensor([1, 2], [2], { engine: other });
    await expect(promise(a, b)).rejects.toThrow(ShapeError);
    await expect(promise(a, c)).rejects.toThrow(DtypeError);
    await expect(promise(a, d)).rejects.toThrow(EngineError);
    await expect(promise(a, a, { reduction: 'none' as never })).rejects.toThrow(ArgumentError);
    await expect(promise(a, Promise.resolve(a) as never)).rejects.toThrow(/missing await/);
    await expect(promise(a, a, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    for (const owned of [a, b, c, d]) owned.dispose();
    await expect(promise(a, a)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(engine.memory.tensors).toBe(0);
  });
});

test('no elements: the mean is NaN and the sum 0, as in PyTorch', () => {
  const none = tensor([], [0], { engine });
  const mean = mseLossSync(none, none);
  const sum = mseLossSync(none, none, { reduction: 'sum' });
  expect(mean.value).toBeNaN();
  expect(sum.value).toBe(0);
  for (const owned of [none, mean, sum]) owned.dispose();
});
