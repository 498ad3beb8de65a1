/** State dicts of optimisers: saved, loaded, refused. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Adam, createEngine, SGD, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf, slicingEngine, turns } from '../support/in_flight.ts';
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
  expect([engine.memory.tensors, other.memory.tensors]).toEqual([0, 0]);
});

function parameter(values: number[], gradient?: number[], where: Engine = engine): Tensor {
  const p = own(tensor(Float64Array.from(values), [values.length], { engine: where }));
  if (gradient) p.grad = own(tensor(Float64Array.from(gradient), [gradient.length], { engine: where }));
  return p;
}
const read = (t: Tensor): number[] => [...t.toTypedArray()];

test.each(['SGD', 'Adam'] as const)('%s goes on from a state dict as if never interrupted', (name) => {
  const make = (p: Tensor): SGD | Adam =>
    own(name === 'SGD' ? new SGD([p], { lr: 0.1, momentum: 0.9 }) : new Adam([p], { lr: 0.1, betas: [0.8, 0.9] }));
  const straight = parameter([1, -2, 3], [0.5, 0.25, -1]);
  const optimizer = make(straight);
  for (let i = 0; i < 3; i++) optimizer.stepSync();
  const resumed = parameter(read(straight), [0.5, 0.25, -1]);
  const second = make(resumed);
  second.loadStateDict(optimizer.stateDict());
  for (let i = 0; i < 3; i++) {
    optimizer.stepSync();
    second.stepSync();
  }
  expect(read(resumed)).toEqual(read(straight));
  expect(Object.keys(second.stateDict().state['0'])).toEqual(
    name === 'SGD' ? ['step', 'momentumBuffer'] : ['step', 'expAvg', 'expAvgSq'],
  );
  expect(second.stateDict().state['0'].step).toBe(6);
});

test('a state dict that does not fit changes nothing', () => {
  const a = parameter([1], [1]);
  const adam = own(new Adam([a], { lr: 0.5 }));
  adam.stepSync();
  const good = adam.stateDict();
  const [group] = good.paramGroups;
  const state = { '0': { ...good.state['0'], expAvg: parameter([1, 2]) } };
  expect(() => adam.loadStateDict({ state, paramGroups: [{ ...group, lr: 9 }] })).toThrow(/expAvg/);
  expect(() => adam.loadStateDict({ ...good, paramGroups: [] })).toThrow(/groups of sizes \[1\]/);
  expect(() => adam.loadStateDict({ ...good, paramGroups: [{ ...group, lr: -1 }] })).toThrow(/lr/);
  expect(() => adam.loadStateDict({ ...good, state: { '1': good.state['0'] } })).toThrow(/parameters of the groups/);
  expect(adam.paramGroups[0].lr).toBe(0.5);
});

test('a state dict goes to another engine, as tensors or as plain objects', () => {
  const here = parameter([1, -2, 3], [0.5, 0.25, -1]);
  const adam = own(new Adam([here], { lr: 0.1 }));
  adam.stepSync();
  const dict = adam.stateDict();
  const { step, expAvg, expAvgSq } = dict.state['0'] as { step: number; expAvg: Tensor; expAvgSq: Tensor };
  const plain = (t: Tensor) => ({ data: t.toArray() as number[], shape: t.shape });
  const json = { ...dict, state: { '0': { step, expAvg: plain(expAvg), expAvgSq: plain(expAvgSq) } } };
  const start = read(here);
  adam.stepSync();
  for (const source of [
    // the first state went on: back to where it was saved
    json,
    JSON.parse(JSON.stringify(json)) as typeof json,
  ]) {
    const there = parameter(start, [0.5, 0.25, -1], other);
    const second = own(new Adam([there], { lr: 9 }));
    second.loadStateDict(source);
    expect(second.paramGroups[0].lr).toBe(0.1);
    second.stepSync();
    expect(read(there)).toEqual(read(here));
  }
  const third = own(new Adam([parameter([0, 0, 0], [1, 1, 1], other)], { lr: 9 }));
  third.loadStateDict(adam.stateDict());
  expect(read(third.stateDict().state['0'].expAvg as Tensor)).toEqual(read(expAvg));
  expect(third.stateDict().state['0'].step).toBe(2);
});

test('what is loaded replaces what was there; later steps leave the saved dict alone', () => {
  const [a, b] = [parameter([1], [1]), parameter([2], [1])];
  const adam = own(new Adam([{ params: [a] }, { params: [b], betas: [0.5, 0.5] }]));
  const fresh = adam.stateDict();
  adam.stepSync();
  expect(engine.memory.tensors).toBe(4 + 4);
  expect(fresh.state).toEqual({});
  adam.loadStateDict(fresh);
  expect(adam.stateDict().state).toEqual({});
  expect(engine.memory.tensors).toBe(4);
  const { paramGroups } = adam.stateDict();
  (adam.paramGroups[1].betas as unknown as number[])[0] = 0.25;
  expect(paramGroups[1].betas).toEqual([0.5, 0.5]);
  adam.loadStateDict({ state: {}, paramGroups: [{ params: [0] }, { params: [1], eps: 1 }] });
  expect(adam.paramGroups[1]).toMatchObject({ betas: [0.25, 0.5], eps: 1, params: [b] });
});

test('state goes by the numbers in the groups, as in PyTorch', () => {
  const [a, b] = [parameter([1], [1]), parameter([2], [1])];
  const sgd = own(new SGD([a, b], { lr: 1, momentum: 0.5 }));
  const state = { 7: { step: 3, momentumBuffer: { data: [4], shape: [1] } }, 2: { step: 1 } };
  sgd.loadStateDict({ state, paramGroups: [{ params: [7, 2] }] });
  sgd.stepSync();
  expect([read(a), read(b)]).toEqual([[1 - 3], [2 - 1]]);
  expect(sgd.stateDict().state['0'].step).toBe(4);
});

test("PyTorch's spelling is explained, and options that there are not", () => {
  const adam = own(new Adam([parameter([1])]));
  const load = (dict: object) => () => adam.loadStateDict(dict as never);
  const state = { '0': { step: 1, exp_avg: { data: [1], shape: [1] } } };
  const paramGroups = [{ params: [0] }];
  expect(load({ state: {}, param_groups: paramGroups })).toThrow(/did you mean paramGroups/);
  expect(load({ state, paramGroups })).toThrow(/did you mean expAvg/);
  expect(load({ state: {}, paramGroups: [{ params: [0], weight_decay: 1 }] })).toThrow(/did you mean weightDecay/);
  expect(load({ state: {}, paramGroups: [{ params: [0], amsgrad: true }] })).toThrow(/got 'amsgrad'/);
  for (const wrong of [
    null,
    [],
    {},
    { state: {} },
    { state: null, paramGroups },
    { state: {}, paramGroups: {} },
    { state: {}, paramGroups: [{}] },
    { state: { '0': { step: '1' } }, paramGroups },
    { state: { '0': { step: 1, expAvg: 3 } }, paramGroups },
    { state: { '0': null }, paramGroups },
  ]) {
    expect(load(wrong as object), JSON.stringify(wrong)).toThrow(/^Adam\.loadStateDict: /);
  }
  expect(adam.stateDict().state).toEqual({});
});

test('not while a step is pending, and not after dispose', async () => {
  const slicing = await slicingEngine();
  const size = 400_000;
  const p = tensor(new Float32Array(size), [size], { engine: slicing });
  p.grad = tensor(new Float32Array(size).fill(1), [size], { engine: slicing });
  const adam = new Adam([p], { lr: 1 });
  await adam.step();
  const dict = adam.stateDict();
  const pending = adam.step();
  await turns(1);
  expect(codeOf(() => adam.loadStateDict({ ...dict, state: {} }))).toBe('ERR_IN_USE');
  expect(codeOf(() => adam.loadStateDict(dict))).toBe('ERR_IN_USE');
  await pending;
  expect(adam.stateDict().state['0'].step).toBe(2);
  adam.dispose();
  expect(codeOf(() => adam.loadStateDict({ ...dict, state: {} }))).toBe('ERR_DISPOSED');
  expect(codeOf(() => adam.stateDict())).toBe('ERR_DISPOSED');
  for (const t of [p.grad, p]) t.dispose();
  expect(slicing.memory.tensors).toBe(0);
  slicing.dispose();
});
