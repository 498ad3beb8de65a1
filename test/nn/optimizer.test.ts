import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Adam, createEngine, SGD, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

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
afterEach(() => {
  disposeOwned();
  expectNothingLeft();
});

function expectNothingLeft(): void {
  expect(engine.memory.tensors).toBe(0);
}

function parameter(values: number[], gradient?: number[]): Tensor {
  const p = own(tensor(Float64Array.from(values), [values.length], { engine }));
  if (gradient) p.grad = own(tensor(Float64Array.from(gradient), [gradient.length], { engine }));
  return p;
}
const read = (t: Tensor): number[] => [...t.toTypedArray()];

test('groups have options of their own, and lr may be set between steps', () => {
  const a = parameter([1], [1]);
  const b = parameter([1], [1]);
  const sgd = own(new SGD([{ params: [a] }, { params: [b], lr: 0.25 }], { lr: 0.5 }));
  sgd.stepSync();
  expect([read(a), read(b)]).toEqual([[0.5], [0.75]]);
  for (const group of sgd.paramGroups) group.lr = 1;
  sgd.stepSync();
  expect([read(a), read(b)]).toEqual([[-0.5], [-0.25]]);
});

test('parameters without a gradient are left alone', async () => {
  const a = parameter([1]);
  const adam = own(new Adam([a]));
  const version = a.storage.version;
  await adam.step();
  expect(read(a)).toEqual([1]);
  expect(a.storage.version).toBe(version);
});

test('a step raises the version of what it writes; zeroGrad too', () => {
  const a = parameter([1, 2], [1, 1]);
  const sgd = own(new SGD([a], { lr: 0.1 }));
  const [weight, grad] = [a.storage.version, a.grad!.storage.version];
  sgd.stepSync();
  expect(a.storage.version).toBeGreaterThan(weight);
  expect(a.grad!.storage.version).toBe(grad);
  sgd.zeroGrad();
  expect(a.grad!.storage.version).toBeGreaterThan(grad);
  expect(read(a.grad!)).toEqual([0, 0]);
});

test('a gradient with other strides', () => {
  const p = own(tensor([1, 2, 3, 4], [2, 2], { engine }));
  const g = own(tensor([1, 2, 3, 4], [2, 2], { engine }));
  p.grad = own(g.transpose(0, 1));
  own(new SGD([p], { lr: 1 })).stepSync();
  expect(read(p)).toEqual([0, -1, 1, 0]);
});

test('a decay of 0 does not touch infinite parameters', () => {
  const p = parameter([Infinity, 1], [1, 1]);
  own(new SGD([p], { lr: 1 })).stepSync();
  expect(read(p)).toEqual([Infinity, 0]);
});

test('arguments', () => {
  const a = parameter([1]);
  const foreign = tensor([1], [1], { engine: other });
  const argument = expect.objectContaining({ code: 'ERR_ARGUMENT' });
  expect(() => new SGD([a])).toThrow(/lr expected a number of at least 0, got none/);
  expect(() => new SGD([a], { lr: -1 })).toThrow(argument);
  expect(() => new SGD([a], { lr: 1, momentum: -1 })).toThrow(argument);
  expect(() => new SGD([a], { lr: 1, weight_decay: 1 } as never)).toThrow(/did you mean weightDecay/);
  expect(() => new SGD([], { lr: 1 })).toThrow(argument);
  expect(() => new SGD([a, a], { lr: 1 })).toThrow(argument);
  expect(() => new SGD([{ params: [a] }, { params: [a], lr: 2 }], { lr: 1 })).toThrow(/each parameter once/);
  expect(() => new Adam([{ params: [a], amsgrad: true } as never])).toThrow(argument);
  expect(own(new Adam([a], { lr: undefined })).paramGroups[0].lr).toBe(0.001);
  expect(() => new SGD(a as never, { lr: 1 })).toThrow(TypeError);
  expect(() => new SGD([{ params: a }] as never, { lr: 1 })).toThrow(TypeError);
  expect(() => new SGD([a, foreign], { lr: 1 })).toThrow(expect.objectContaining({ code: 'ERR_ENGINE_MISMATCH' }));
  expect(() => new Adam([a], { betas: [1, 0.9] })).toThrow(argument);
  expect(() => new Adam([a], { betas: 0.9 as never })).toThrow(TypeError);
  expect(() => new Adam([a], { eps: -1 })).toThrow(argument);
  const sgd = own(new SGD([a], { lr: 1 }));
  sgd.paramGroups[0].lr = Number.NaN;
  expect(() => sgd.stepSync()).toThrow(argument);
  sgd.dispose();
  sgd.dispose();
  expect(() => sgd.stepSync()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  foreign.dispose();
});
