/** Options of forward calls that say what happens to the result: activations, and where it goes. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  conv2d,
  conv2dSync,
  convTranspose2d,
  convTranspose2dSync,
  createEngine,
  full,
  GELU,
  LeakyReLU,
  matmulSync,
  ReLU,
  Sigmoid,
  SiLU,
  Tanh,
} from '../../src/index.ts';
import type { Activation, Engine, Module, Tensor } from '../../src/index.ts';
import { codeOf, random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
let x: Tensor;
let w: Tensor;
let bias: Tensor;
beforeAll(async () => {
  engine = await createEngine();
});
beforeEach(() => {
  x = own(random(engine, [2, 4, 5, 3]));
  w = own(random(engine, [4, 4, 3, 2], 2));
  bias = own(random(engine, [4], 3));
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const bits = (t: Tensor): number[] => [...own(t).toTypedArray()];

describe('activation of the result, bias included, and of the input', () => {
  const MODULES: [Activation, () => Module][] = [
    ['relu', () => new ReLU()],
    ['tanh', () => new Tanh()],
    ['sigmoid', () => new Sigmoid()],
    ['silu', () => new SiLU()],
    ['gelu', () => new GELU()],
    ['leakyRelu', () => new LeakyReLU(0.01)],
    [{ leakyRelu: -0.75 }, () => new LeakyReLU(-0.75)],
  ];

  test.each(MODULES)('%j is that of the module', async (activation, make) => {
    const m = make().eval();
    const options = { stride: 2, padding: 1 };
    for (const [operation, operationSync] of [
      [convTranspose2d, convTranspose2dSync],
      [conv2d, conv2dSync],
    ] as const) {
      const plain = own(operationSync(x, w, bias, options));
      const expected = bits(m.forwardSync(plain));
      expect(bits(operationSync(x, w, bias, { ...options, activation }))).toEqual(expected);
      expect(bits(await operation(x, w, bias, { ...options, activation }))).toEqual(expected);
      const read = own(m.forwardSync(x));
      const both = bits(m.forwardSync(own(operationSync(read, w, bias, options))));
      expect(bits(operationSync(x, w, bias, { ...options, activation, inputActivation: activation }))).toEqual(both);
    }
  });

  test('{ clamp: [min, max] }', () => {
    const plain = bits(convTranspose2dSync(x, w, bias));
    const clamped = plain.map((value) => Math.min(Math.max(value, Math.fround(-0.3)), 0.5));
    expect(bits(convTranspose2dSync(x, w, bias, { activation: { clamp: [-0.3, 0.5] } }))).toEqual(clamped);
    expect(new Set(clamped).size).toBeGreaterThan(2);
    const read = own(x.clone());
    read.copyFrom(bits(x.clone()).map((value) => Math.min(Math.max(value, 0), 0.5)));
    const expected = bits(convTranspose2dSync(read, w, bias));
    expect(bits(convTranspose2dSync(x, w, bias, { inputActivation: { clamp: [0, 0.5] } }))).toEqual(expected);
  });
});

describe('out', () => {
  test('a slice of the buffer whose other slice is the input, and nothing beside it', () => {
    const [channels, length] = [11, 7 * 4];
    const buffer = own(full([2, channels, 7, 4], Number.NaN, { engine }));
    const input = own(own(own(buffer.narrow(1, 1, 4)).narrow(2, 0, 5)).narrow(3, 0, 3));
    input.copyFrom(x);
    const before = buffer.toTypedArray();
    const out = own(buffer.narrow(1, 6, 4));
    expect(convTranspose2dSync(input, w, bias, { out })).toBe(out);
    expect(bits(out.clone())).toEqual(bits(convTranspose2dSync(x, w, bias)));
    const after = buffer.toTypedArray();
    const beside = [...after.keys()].filter((i) => Math.floor(i / length) % channels < 6 || Math.floor(i / length) % channels > 9); // prettier-ignore
    expect(beside.map((i) => after[i])).toEqual(beside.map((i) => before[i]));
  });

  test.each([
    ['channels last', [0, 3, 1, 2], [0, 2, 3, 1]],
    ['batch and channels exchanged', [1, 0, 2, 3], [1, 0, 2, 3]],
    ['rows and columns exchanged', [0, 1, 3, 2], [0, 1, 3, 2]],
  ])('%s', async (_name, order, back) => {
    const shape = [2, 4, 7, 4];
    const expected = bits(convTranspose2dSync(x, w, bias, { activation: 'gelu' }));
    const dense = own(full(back.map((axis) => shape[axis]), Number.NaN, { engine })); // prettier-ignore
    const out = own(dense.permute(...order.map((_, axis) => back.indexOf(axis))));
    expect(out.shape).toEqual(shape);
    expect(await convTranspose2d(x, w, bias, { activation: 'gelu', out })).toBe(out);
    expect(bits(out.clone())).toEqual(expected);
  });

  test('whose own elements overlap is refused', () => {
    const { ptr } = own(full([400], 0, { engine }));
    for (const strides of [
      [0, 28, 4, 1],
      [112, 28, 3, 1],
      [112, 28, 1, 6],
    ]) {
      const out = own(engine.wrap(ptr, [2, 4, 7, 4], { strides }));
      expect(codeOf(() => convTranspose2dSync(x, w, bias, { out }))).toBe('ERR_ARGUMENT');
    }
    for (const strides of [
      [1, 1],
      [2, 1],
      [0, 1],
    ]) {
      const out = own(engine.wrap(ptr, [4, 4], { strides }));
      const a = own(full([4, 4], 1, { engine }));
      expect(codeOf(() => matmulSync(a, a, { out }))).toBe('ERR_ARGUMENT');
    }
  });
});
