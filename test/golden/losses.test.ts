import { beforeAll, expect, test } from 'vitest';
import { bceWithLogitsLoss, init, l1Loss, mseLoss } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import fixture from '../fixtures/losses.json' with { type: 'json' };
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { held, upload } from '../support/operations.ts';

interface LossCase {
  name: string;
  reduction: 'mean' | 'sum';
  prediction: FixtureTensor;
  target: FixtureTensor;
  value: number;
  gradInput: FixtureTensor;
}

const golden = openFixture(fixture);
const ULP = 2 ** -24; // half a unit in the last place of 1: one float32 rounding
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

// A difference of float32 numbers is rounded once, its square once more; terms of one sign, so errors do not cancel.
test.each(golden.cases<LossCase>('mse'))('mseLoss as PyTorch: $name', async (c) => {
  const loss = held(await mseLoss(upload(c.prediction), upload(c.target), { reduction: c.reduction }));
  const count = c.prediction.data.length;
  expect(Math.abs(loss.value - c.value)).toBeLessThanOrEqual((4 * Math.sqrt(count) + 4) * ULP * c.value);
  expectWithin(loss.gradOutput, c.gradInput, (_index, expected) => 4 * ULP * Math.abs(expected));
});

test.each(golden.cases<LossCase>('l1'))('l1Loss as PyTorch: $name', async (c) => {
  const loss = held(await l1Loss(upload(c.prediction), upload(c.target), { reduction: c.reduction }));
  const count = c.prediction.data.length;
  expect(Math.abs(loss.value - c.value)).toBeLessThanOrEqual((4 * Math.sqrt(count) + 4) * ULP * c.value);
  // a sign over the count: rounded once at most
  expectWithin(loss.gradOutput, c.gradInput, (_index, expected) => 2 * ULP * Math.abs(expected));
});

// A term is max(x, 0) - x * y + log(1 + exp(-|x|)): its parts are each a few roundings exact, their sum may cancel.
// The gradient is (sigmoid(x) - y) / n, a difference of numbers up to 1.
test.each(golden.cases<LossCase>('bceWithLogits'))('bceWithLogitsLoss as PyTorch: $name', async (c) => {
  const loss = held(await bceWithLogitsLoss(upload(c.prediction), upload(c.target), { reduction: c.reduction }));
  const count = c.prediction.data.length;
  const divisor = c.reduction === 'mean' ? count : 1;
  const parts = c.prediction.data.map((x, i) => Math.max(x, 0) + Math.abs(x * c.target.data[i]) + Math.LN2);
  const size = parts.reduce((sum, part) => sum + part, 0) / divisor;
  expect(Math.abs(loss.value - c.value)).toBeLessThanOrEqual((4 * Math.sqrt(count) + 8) * ULP * size);
  expectWithin(loss.gradOutput, c.gradInput, () => (8 * ULP) / divisor);
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
