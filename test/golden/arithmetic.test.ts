import { beforeAll, expect, test } from 'vitest';
import { add, addBackward, cat, catBackward, init, mul, mulBackward } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import fixture from '../fixtures/arithmetic.json' with { type: 'json' };
import { expectIdentical, expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { held, upload } from '../support/operations.ts';

interface PairCase {
  name: string;
  alpha: number;
  a: FixtureTensor;
  b: FixtureTensor;
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradA: FixtureTensor;
  gradB: FixtureTensor;
}

interface CatCase {
  name: string;
  dim: number;
  tensors: FixtureTensor[];
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradTensors: FixtureTensor[];
}

const golden = openFixture(fixture);
const ULP = 2 ** -24;
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

/** The factor is rounded with, the sum once more. */
const scaled = (_index: number, expected: number): number => 4 * ULP * (1 + Math.abs(expected));
/** Elements are one float32 rounding of the float64 number; sums are few roundings of numbers of about 1. */
const element = (_index: number, expected: number): number => ULP * Math.abs(expected);
const sum = ({ data }: FixtureTensor, whole: FixtureTensor) => {
  const terms = whole.data.length / data.length;
  return terms === 1
    ? element
    : (_index: number, expected: number) => 4 * Math.sqrt(terms) * ULP * (1 + Math.abs(expected));
};

test.each(golden.cases<PairCase>('add'))('add as PyTorch: $name', async ({ alpha, ...c }) => {
  const [a, b, gradOutput] = [c.a, c.b, c.gradOutput].map(upload);
  const { gradA, gradB } = await addBackward(gradOutput, a, b, { alpha });
  expectWithin(held(await add(a, b, { alpha })), c.output, alpha === 1 ? element : scaled);
  expectWithin(held(gradA)!, c.gradA, sum(c.gradA, c.output));
  expectWithin(held(gradB)!, c.gradB, sum(c.gradB, c.output));
});

test.each(golden.cases<PairCase>('mul'))('mul as PyTorch: $name', async (c) => {
  const [a, b, gradOutput] = [c.a, c.b, c.gradOutput].map(upload);
  const { gradA, gradB } = await mulBackward(gradOutput, a, b);
  expectWithin(held(await mul(a, b)), c.output, element);
  expectWithin(held(gradA)!, c.gradA, sum(c.gradA, c.output));
  expectWithin(held(gradB)!, c.gradB, sum(c.gradB, c.output));
});

test.each(golden.cases<CatCase>('cat'))('cat as PyTorch: $name', async ({ dim, ...c }) => {
  const tensors = c.tensors.map(upload);
  expectIdentical(held(await cat(tensors, dim)), c.output);
  const gradients = await catBackward(upload(c.gradOutput), tensors, dim);
  gradients.forEach((gradient, index) => expectIdentical(held(gradient), c.gradTensors[index]));
  expect(gradients).toHaveLength(tensors.length);
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
