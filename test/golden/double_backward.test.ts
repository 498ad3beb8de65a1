import { beforeAll, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { ConvTransposeDoubleBackwardOptions, DoubleGradients, Engine, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/double_backward.json' with { type: 'json' };
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { held, upload } from '../support/operations.ts';

interface DoubleCase {
  name: string;
  dims: 1 | 2 | 3;
  options: ConvTransposeDoubleBackwardOptions;
  input: FixtureTensor;
  weight: FixtureTensor;
  gradOutput: FixtureTensor;
  gradGradInput: FixtureTensor | null;
  gradGradWeight: FixtureTensor | null;
  gradGradBias: FixtureTensor | null;
  gradGradOutput: FixtureTensor;
  gradInput: FixtureTensor;
  gradWeight: FixtureTensor;
}

type DoubleBackward = (
  ...values: [...(Tensor | null)[], ConvTransposeDoubleBackwardOptions]
) => Promise<DoubleGradients>;

const functions = {
  1: upconv.convTranspose1dDoubleBackward,
  2: upconv.convTranspose2dDoubleBackward,
  3: upconv.convTranspose3dDoubleBackward,
} as unknown as Record<1 | 2 | 3, DoubleBackward>;
const NAMES = ['gradGradInput', 'gradGradWeight', 'gradGradBias', 'gradOutput', 'input', 'weight'] as const;
const RESULTS = ['gradGradOutput', 'gradInput', 'gradWeight'] as const;

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await upconv.init();
});

// sums of at most some hundred products of numbers of about 1
const near = (_index: number, expected: number): number => 64 * 2 ** -24 * (4 + Math.abs(expected));
const operandsOf = (c: DoubleCase): (Tensor | null)[] =>
  NAMES.map((name) => (c[name] === null ? null : upload(c[name])));

test.each([...golden.cases<DoubleCase>('all'), ...golden.cases<DoubleCase>('some')])('as PyTorch: $name', async (c) => {
  const operands = operandsOf(c);
  const whole = await functions[c.dims](...operands, c.options);
  for (const name of RESULTS) expectWithin(held(whole[name])!, c[name], near);
  for (const [index, name] of RESULTS.entries()) {
    const outputMask = RESULTS.map((_, each) => each === index) as [boolean, boolean, boolean];
    const some = await functions[c.dims](...operands, { ...c.options, outputMask });
    expect(RESULTS.filter((each) => some[each] !== null)).toEqual([name]);
    expect(held(some[name])!.toTypedArray()).toEqual(whole[name]!.toTypedArray());
  }
});

test.each(golden.cases<DoubleCase>('all'))('accumulate adds: $name', async (c) => {
  const operands = operandsOf(c);
  const outs = RESULTS.map((name) => held(upconv.full(c[name].shape, 3)));
  const [outGradGradOutput, outGradInput, outGradWeight] = outs;
  const places = { outGradGradOutput, outGradInput, outGradWeight };
  const result = await functions[c.dims](...operands, { ...c.options, ...places, accumulate: true });
  RESULTS.forEach((name, index) => {
    expect(result[name]).toBe(outs[index]);
    const expected = { ...c[name], data: c[name].data.map((value) => value + 3) };
    expectWithin(outs[index], expected, near);
  });
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
