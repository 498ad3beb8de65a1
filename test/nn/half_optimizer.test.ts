/** Optimisers of float16 parameters: each step is that of float32, rounded. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Adam, init, SGD, tensor, type Engine, type Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const SHAPE = [5, 7];
const half = (seed: number): Tensor => own(own(tensor(randomFloat32(35, seed), SHAPE)).to('float16'));
const bits = (t: Tensor): ArrayLike<number> => own(own(t).to('float16')).toTypedArray();
/** A copy on the JavaScript heap. */
const numbers = (t: Tensor): Tensor => own(t.to('float32'));

const OPTIMIZERS: [string, 'float16' | 'float32', (parameter: Tensor) => SGD | Adam][] = [
  ['SGD', 'float16', (p) => new SGD([p], { lr: 0.1 })],
  ['SGD, momentum and weight decay', 'float16', (p) => new SGD([p], { lr: 0.05, momentum: 0.9, weightDecay: 0.02 })],
  ['Adam', 'float32', (p) => new Adam([p], { lr: 0.01 })],
  ['Adam, weight decay', 'float32', (p) => new Adam([p], { lr: 0.01, weightDecay: 0.05 })],
];

test.each(OPTIMIZERS)('%s, with state of %s', async (_, stateDtype, make) => {
  const parameter = half(1);
  const optimizer = own(make(parameter));
  for (let step = 0; step < 5; step++) {
    // the same step of float32, from the state that float16 is in
    const wide = numbers(parameter);
    const twin = own(make(wide));
    const { state, paramGroups } = optimizer.stateDict();
    const widened = Object.entries(state).map(([position, entries]) => [
      position,
      Object.fromEntries(
        Object.entries(entries).map(([name, value]) => [name, typeof value === 'number' ? value : numbers(value)]),
      ),
    ]);
    twin.loadStateDict({ state: Object.fromEntries(widened), paramGroups });

    const grad = half(10 + step);
    parameter.grad = step % 2 === 0 ? grad : own(own(own(grad.transpose(0, 1)).contiguous()).transpose(0, 1));
    wide.grad = numbers(grad);
    if (step === 0) await optimizer.step();
    else optimizer.stepSync();
    twin.stepSync();
    expect(parameter.toTypedArray()).toEqual(bits(wide));
    const [got, expected] = [optimizer.stateDict().state['0'] ?? {}, twin.stateDict().state['0'] ?? {}];
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(got)) {
      if (typeof value === 'number') continue;
      expect(value.dtype).toBe(stateDtype);
      expect(value.toTypedArray()).toEqual(own((expected[name] as Tensor).to(stateDtype)).toTypedArray());
    }
  }
});

test('Adam steps by the learning rate, however small the gradient', () => {
  const parameter = own(tensor([1, 1], [2], { dtype: 'float16' }));
  parameter.grad = own(tensor([1e-4, -1e-6], [2], { dtype: 'float16' }));
  const optimizer = own(new Adam([parameter], { lr: 2 ** -7 }));
  for (let step = 1; step <= 40; step++) {
    optimizer.stepSync();
    expect(parameter.toArray()).toEqual([1 - step * 2 ** -7, 1 + step * 2 ** -7]);
  }
});

test('state that was saved in float16 is taken over', () => {
  const parameter = half(1);
  const expAvg = half(2);
  const optimizer = own(new Adam([parameter]));
  optimizer.loadStateDict({ state: { '0': { step: 3, expAvg, expAvgSq: expAvg } }, paramGroups: [{ params: [0] }] });
  const { expAvg: loaded } = optimizer.stateDict().state['0'] as { expAvg: Tensor };
  expect([loaded.dtype, loaded.toTypedArray()]).toEqual(['float32', numbers(expAvg).toTypedArray()]);
});

test('a gradient of another dtype is refused', () => {
  const parameter = half(1);
  parameter.grad = numbers(half(2));
  const optimizer = own(new SGD([parameter], { lr: 0.1 }));
  expect(() => optimizer.stepSync()).toThrow('grad expected float16, got float32');
});
