import { beforeAll, expect, test } from 'vitest';
import { GELU, LeakyReLU, PReLU, ReLU, SiLU, Sigmoid, Tanh, init } from '../../src/index.ts';
import type { Engine, Module } from '../../src/index.ts';
import fixture from '../fixtures/activations.json' with { type: 'json' };
import { expectIdentical, expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { filled, held, upload } from '../support/operations.ts';

interface ActivationCase {
  name: string;
  function: keyof typeof MODULES;
  slope?: number;
  input: FixtureTensor;
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradInput: FixtureTensor;
}

interface PReLUCase extends Omit<ActivationCase, 'function'> {
  weight: FixtureTensor;
  gradWeight: FixtureTensor;
}

const MODULES = {
  relu: () => new ReLU(),
  tanh: () => new Tanh(),
  sigmoid: () => new Sigmoid(),
  silu: () => new SiLU(),
  gelu: () => new GELU(),
  leakyRelu: (slope?: number) => (slope === undefined ? new LeakyReLU() : new LeakyReLU(slope)),
};

const golden = openFixture(fixture);
const ULP = 2 ** -24; // one float32 rounding, relative
const TINY = 2 ** -126; // below this float32 loses bits, and implementations may round to zero
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const moduleOf = (c: ActivationCase): Module => held(MODULES[c.function](c.slope));

/*
 * Piecewise linear functions are one multiplication: 1 rounding (2 for the slope, itself rounded to float32).
 * The others go through exp, tanh or erf in float32, good to a few units in the last place: 8 roundings.
 * gelu holds the factor 1 + erf, which cancels for negative x, so its error is relative to |x|.
 * Derivatives hold 1 - y or 1 - y * y with y rounded, so their error is relative to max(1, |x|), not to themselves.
 */
test.each(golden.cases<ActivationCase>('ordinary'))('$name as PyTorch in float64', async (c) => {
  const module = moduleOf(c);
  const linear = c.function === 'relu' || c.function === 'leakyRelu';
  const size = (index: number): number => Math.abs(c.input.data[index]);
  const [input, gradOutput] = [upload(c.input), upload(c.gradOutput)];
  const output = held(await module.forward(input));
  expectWithin(output, c.output, (index, expected) => {
    if (linear) return 2 * ULP * Math.abs(expected);
    return TINY + 8 * ULP * (c.function === 'gelu' ? size(index) : Math.abs(expected));
  });
  const gradInput = held(await module.backward(gradOutput));
  expectWithin(gradInput, c.gradInput, (index, expected) => {
    if (linear) return 3 * ULP * Math.abs(expected);
    return 8 * ULP * Math.max(1, size(index)) * Math.abs(c.gradOutput.data[index]);
  });

  const twin = held(module.forwardSync(input));
  expect(twin.toTypedArray()).toEqual(output.toTypedArray());
  expect(held(module.backwardSync(gradOutput)).toTypedArray()).toEqual(gradInput.toTypedArray());
});

/*
 * PyTorch in float32: NaN where it has NaN, its signs of zero, infinities. Finite values within 8 roundings; where
 * PyTorch underflows to zero (exp(100) is infinite in float32) a better exp may leave a subnormal number of that sign.
 */
test.each(golden.cases<ActivationCase>('special'))('$name: zeros, infinities, NaN and huge values', async (c) => {
  const module = moduleOf(c);
  const output = held(await module.forward(upload(c.input)));
  const gradInput = held(await module.backward(filled(c.input.shape)));
  for (const [got, expected] of [
    [output, c.output],
    [gradInput, c.gradInput],
  ] as const) {
    expectWithin(got, expected, (_index, wanted) => TINY + 8 * ULP * Math.abs(wanted));
  }
  const signs = output.toTypedArray().map((value) => (value === 0 ? 1 / value : 0));
  const expectedSigns = c.output.data.map((value, index) => (value === 0 && signs[index] !== 0 ? 1 / value : 0));
  expectIdentical(
    { shape: c.output.shape, values: signs },
    { shape: c.output.shape, data: expectedSigns },
    'signs of zero',
  );
});

test.each(golden.cases<PReLUCase>('prelu'))('prelu as PyTorch: $name', async (c) => {
  const module = held(new PReLU(c.weight.data.length));
  module.weight.copyFrom(c.weight.values);
  const output = held(await module.forward(upload(c.input)));
  expectWithin(output, c.output, (_index, expected) => 2 * ULP * Math.abs(expected));
  const gradInput = held(await module.backward(upload(c.gradOutput)));
  expectWithin(gradInput, c.gradInput, (_index, expected) => 2 * ULP * Math.abs(expected));
  // Σ gradOutput * input over the negative inputs: a sum of products, bounded by all of them
  const magnitude = c.input.data.reduce((sum, x, index) => sum + Math.abs(x * c.gradOutput.data[index]), 0);
  expectWithin(module.weight.grad!, c.gradWeight, () => 4 * Math.sqrt(c.input.data.length) * ULP * magnitude);
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
