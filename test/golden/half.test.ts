/** float16 against PyTorch: its bits where it computes float16 on the CPU, else its float64 results, rounded. */

import { beforeAll, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, LossOptions, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/half.json' with { type: 'json' };
import { expectIdentical, expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { buildModule, CONV, CONV_TRANSPOSE, held, upload } from '../support/operations.ts';

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await upconv.init();
});

const half = (fixture: FixtureTensor): Tensor => held(upload(fixture).to('float16'));
/** A float16 result as numbers. */
function numbers(tensor: Tensor) {
  expect(tensor.dtype).toBe('float16');
  return { shape: tensor.shape, values: held(tensor.to('float32')).toTypedArray() };
}

/** Half a unit in the last place of float16. */
const rounding = (value: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 11);
/** One rounding of a float32 result that is off by 2^-20 of `scale`. */
const rounded = (scale?: number) => (_: number, expected: number) =>
  rounding(expected) + 2 ** -20 * (scale ?? Math.abs(expected));
const largest = ({ data }: FixtureTensor): number => Math.max(...data.map(Math.abs));

interface SeedStep {
  kind: string;
  arguments: unknown[];
  low: number;
  high: number;
  mean: number;
  std: number;
  values?: FixtureTensor;
  weight?: FixtureTensor;
  bias: FixtureTensor | null;
}

const dtype = 'float16';
const DRAW: Record<string, (shape: number[], step: SeedStep) => Tensor> = {
  rand: (shape) => upconv.rand(shape, { dtype }),
  uniform: (shape, { low, high }) => upconv.initializers.uniform_(upconv.empty(shape, { dtype }), low, high),
  kaiming: (shape) => upconv.initializers.kaimingUniform_(upconv.empty(shape, { dtype })),
  'few normal': (shape, { mean, std }) => upconv.initializers.normal_(upconv.empty(shape, { dtype }), mean, std),
};

test.each(golden.cases<{ name: string; seed: number; steps: SeedStep[] }>('manualSeed'))(
  'manualSeed draws the bits of PyTorch: $name',
  ({ seed, steps }) => {
    upconv.manualSeed(seed);
    steps.forEach((step, index) => {
      const label = `step ${index}, ${step.kind}`;
      if (step.values) {
        const drawn = held(DRAW[step.kind](step.arguments as number[], step));
        expectIdentical(numbers(drawn), step.values, label);
        return;
      }
      const options = typeof step.arguments.at(-1) === 'object' ? (step.arguments.at(-1) as object) : {};
      const positional = step.arguments.filter((value) => typeof value !== 'object' || Array.isArray(value));
      const parameters = held(buildModule(step.kind, [...positional, { ...options, dtype }])).parameters();
      expectIdentical(numbers(parameters[0]), step.weight!, `${label} weight`);
      expect(parameters.length).toBe(step.bias === null ? 1 : 2);
      if (step.bias) expectIdentical(numbers(parameters[1]), step.bias, `${label} bias`);
    });
  },
);

// Radii, angles and results are rounded as there; their logarithm and cosine differ in the last bits of float32.
test.each(golden.cases<{ name: string; seed: number; mean: number; std: number; values: FixtureTensor }>('normal'))(
  'normal numbers as PyTorch, to the last place: $name',
  ({ seed, mean, std, values }) => {
    upconv.manualSeed(seed);
    const drawn = held(upconv.initializers.normal_(upconv.empty(values.shape, { dtype }), mean, std));
    expectWithin(numbers(drawn), values, (_, expected) => 2 * rounding(expected));
  },
);

test.each(golden.cases<Record<'image' | 'unfolded' | 'columns' | 'folded', FixtureTensor> & { name: string }>('fold'))(
  'fold and unfold have the bits of PyTorch: $name',
  ({ image, unfolded, columns, folded }) => {
    const options = { stride: 2, padding: 1 };
    expectIdentical(numbers(held(upconv.unfoldSync(half(image), 3, options))), unfolded);
    expectIdentical(numbers(held(upconv.foldSync(half(columns), [5, 6], 3, options))), folded);
  },
);

interface LossCase {
  name: string;
  loss: 'mse' | 'l1' | 'bceWithLogits';
  reduction: NonNullable<LossOptions['reduction']>;
  prediction: FixtureTensor;
  target: FixtureTensor;
  value: number;
  gradInput: FixtureTensor;
  gradInputInHalf?: FixtureTensor;
}

const LOSSES = { mse: upconv.mseLoss, l1: upconv.l1Loss, bceWithLogits: upconv.bceWithLogitsLoss };

test.each(golden.cases<LossCase>('losses'))('losses as PyTorch: $name', async (c) => {
  const loss = held(await LOSSES[c.loss](half(c.prediction), half(c.target), { reduction: c.reduction }));
  expect(Math.abs(loss.value - c.value)).toBeLessThanOrEqual(2 ** -20 * c.value);
  expectWithin(numbers(loss.gradOutput), c.gradInput, rounded());
  if (c.gradInputInHalf) expectIdentical(numbers(loss.gradOutput), c.gradInputInHalf);
});

test.each(golden.cases<{ name: string; input: FixtureTensor; output: FixtureTensor }>('activations'))(
  '$name as PyTorch in float64, rounded once',
  (c) => {
    const output = held(held(buildModule(c.name, [])).forwardSync(half(c.input)));
    expectWithin(numbers(output), c.output, rounded());
  },
);

type ConvNames = 'input' | 'weight' | 'bias' | 'gradOutput' | 'output' | 'gradInput' | 'gradWeight' | 'gradBias';
interface ConvCase extends Record<ConvNames, FixtureTensor> {
  name: string;
  operation: 'conv' | 'convTranspose';
  options: object;
}

test.each(golden.cases<ConvCase>('convolutions'))('$name as PyTorch in float64, rounded once', async (c) => {
  const { forward, backward } = (c.operation === 'conv' ? CONV : CONV_TRANSPOSE)[2];
  const [input, weight] = [half(c.input), half(c.weight)];
  const output = held(await forward(input, weight, half(c.bias), c.options));
  expectWithin(numbers(output), c.output, rounded(largest(c.output)));
  const gradients = await backward(half(c.gradOutput), input, weight, c.options);
  for (const name of ['gradInput', 'gradWeight', 'gradBias'] as const) {
    expectWithin(numbers(held(gradients[name])), c[name], rounded(largest(c[name])));
  }
});

interface SgdCase {
  name: string;
  options: { lr: number };
  steps: (Record<'before' | 'grad' | 'after', FixtureTensor> & { momentumBuffer: FixtureTensor | null })[];
}

// PyTorch rounds every operation: sum with the decay, product with the momentum, sum, update.
test.each(golden.cases<SgdCase>('SGD'))('SGD as PyTorch, but for its roundings between: $name', (c) => {
  for (const [index, step] of c.steps.entries()) {
    const parameter = half(step.before);
    parameter.grad = half(step.grad);
    const optimizer = held(new upconv.SGD([parameter], c.options));
    const { momentumBuffer } = step;
    if (momentumBuffer !== null) {
      const state = { '0': { step: index, momentumBuffer: half(momentumBuffer) } };
      optimizer.loadStateDict({ state, paramGroups: [{ params: [0] }] });
    }
    optimizer.stepSync();
    const moment = momentumBuffer === null ? 0 : largest(momentumBuffer);
    const slack = c.options.lr * 4 * rounding(moment + largest(step.grad));
    expectWithin(numbers(parameter), step.after, (_, expected) => 2 * rounding(expected) + slack);
  }
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
