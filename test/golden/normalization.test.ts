import { beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/normalization.json' with { type: 'json' };
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { buildModule, held, heldGradients, upload } from '../support/operations.ts';

interface NormalizationCase {
  name: string;
  eps: number;
  input: FixtureTensor;
  weight: FixtureTensor | null;
  bias: FixtureTensor | null;
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradInput: FixtureTensor;
  gradWeight: FixtureTensor | null;
  gradBias: FixtureTensor | null;
}

interface BatchNormCase extends NormalizationCase {
  training: boolean;
  momentum: number;
  runningMean: FixtureTensor;
  runningVar: FixtureTensor;
  newMean: FixtureTensor;
  newVar: FixtureTensor;
}

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await upconv.init();
});

type Dtype = 'float32' | 'float64';
const DTYPES: readonly Dtype[] = ['float32', 'float64'];
/** A few roundings of numbers of about `size`. */
const near = (dtype: Dtype, size = 4) => {
  const ulp = dtype === 'float32' ? 2 ** -24 : 2 ** -50;
  return (_index: number, expected: number): number => 8 * ulp * (size + Math.abs(expected));
};
const copy = (fixture: FixtureTensor, dtype: Dtype): Tensor => held(upload(fixture).to(dtype));
const optional = (fixture: FixtureTensor | null, dtype: Dtype): Tensor | null =>
  fixture === null ? null : copy(fixture, dtype);

/** What the three have in common. @param size of numbers that are rounded on the way */
function expectGradients(
  c: NormalizationCase,
  { gradInput, gradWeight, gradBias }: upconv.NormalizationGradients,
  dtype: Dtype,
  size = 8,
): void {
  const rows = c.input.data.length / gradBias!.size;
  expectWithin(gradInput!, c.gradInput, near(dtype, size ** 2 / 4)); // divided by the deviation once more
  if (c.gradWeight !== null) expectWithin(gradWeight!, c.gradWeight, near(dtype, (size / 2) * Math.sqrt(rows)));
  if (c.gradBias !== null) expectWithin(gradBias!, c.gradBias, near(dtype, (size / 2) * Math.sqrt(rows)));
}

/** Largest 1 ÷ √(variance + eps) of a pixel: where few channels are nearly equal it makes roundings large. */
function largestScale({ input: { shape, data }, eps }: NormalizationCase): number {
  const channels = shape[shape.length - 3];
  const pixels = shape[shape.length - 2] * shape[shape.length - 1];
  let largest = 0;
  for (let first = 0; first < data.length; first += channels * pixels) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const values = Array.from({ length: channels }, (_, channel) => data[first + channel * pixels + pixel]);
      const mean = values.reduce((sum, value) => sum + value, 0) / channels;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
      largest = Math.max(largest, 1 / Math.sqrt(variance + eps));
    }
  }
  return largest;
}

describe.each(DTYPES)('%s', (dtype) => {
  test.each(golden.cases<BatchNormCase>('batchNorm'))('batchNorm as PyTorch: $name', async (c) => {
    const [input, gradOutput] = [copy(c.input, dtype), copy(c.gradOutput, dtype)];
    const [weight, bias] = [optional(c.weight, dtype), optional(c.bias, dtype)];
    const [runningMean, runningVar] = [copy(c.runningMean, dtype), copy(c.runningVar, dtype)];
    const { training, momentum, eps } = c;
    const options = { runningMean, runningVar, training, eps };
    const gradients = await upconv.batchNormBackward(gradOutput, input, weight, options);
    expectGradients(c, heldGradients(gradients), dtype);
    expect(runningMean.toTypedArray()).toEqual(copy(c.runningMean, dtype).toTypedArray());
    const output = await upconv.batchNorm(input, weight, bias, { ...options, momentum });
    expectWithin(held(output), c.output, near(dtype));
    expectWithin(runningMean, c.newMean, near(dtype));
    expectWithin(runningVar, c.newVar, near(dtype));
  });

  test.each(golden.cases<NormalizationCase>('instanceNorm'))('instanceNorm as PyTorch: $name', async (c) => {
    const [input, gradOutput] = [copy(c.input, dtype), copy(c.gradOutput, dtype)];
    const [weight, bias] = [optional(c.weight, dtype), optional(c.bias, dtype)];
    const { eps } = c;
    expectWithin(held(await upconv.instanceNorm(input, weight, bias, { eps })), c.output, near(dtype));
    const gradients = await upconv.instanceNormBackward(gradOutput, input, weight, { eps });
    expectGradients(c, heldGradients(gradients), dtype);
  });

  test.each(golden.cases<NormalizationCase>('layerNorm2d'))('layerNorm2d as PyTorch: $name', async (c) => {
    const [input, gradOutput] = [copy(c.input, dtype), copy(c.gradOutput, dtype)];
    const [weight, bias] = [optional(c.weight, dtype), optional(c.bias, dtype)];
    const { eps } = c;
    const size = 4 * (1 + largestScale(c));
    expectWithin(held(await upconv.layerNorm2d(input, weight, bias, { eps })), c.output, near(dtype, size));
    const gradients = await upconv.layerNorm2dBackward(gradOutput, input, weight, { eps });
    expectGradients(c, heldGradients(gradients), dtype, size);
  });
});

interface ModuleStep {
  input: FixtureTensor;
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradInput: FixtureTensor;
  gradients: Record<string, FixtureTensor>;
  buffers: Record<string, FixtureTensor>;
}

interface ModuleCase {
  name: string;
  module: string;
  channels: number;
  options: object;
  text: string;
  keys: string[];
  parameters: Record<string, FixtureTensor>;
  steps: ModuleStep[];
  evaluation: { input: FixtureTensor; output: FixtureTensor };
}

test.each(golden.cases<ModuleCase>('modules'))('module as PyTorch: $name', async (c) => {
  const module = held(buildModule(c.module, [c.channels, c.options]));
  expect(String(module)).toBe(c.text);
  expect(Object.keys(module.stateDict())).toEqual(c.keys);
  for (const [name, value] of Object.entries(c.parameters)) module.stateDict()[name].copyFrom(value.data);
  for (const step of c.steps) {
    module.zeroGrad();
    expectWithin(held(await module.forward(upload(step.input))), step.output, near('float32', 8));
    const gradInput = await module.backward(upload(step.gradOutput));
    expectWithin(held(gradInput), step.gradInput, near('float32', 32));
    for (const [name, parameter] of module.namedParameters()) {
      expectWithin(parameter.grad!, step.gradients[name], near('float32', 64));
    }
    for (const [name, buffer] of module.namedBuffers()) {
      const expected = step.buffers[name];
      expectWithin(held(buffer.reshape(-1)), expected, name.startsWith('num') ? () => 0 : near('float32'));
    }
  }
  module.eval();
  expectWithin(held(await module.forward(upload(c.evaluation.input))), c.evaluation.output, near('float32', 16));
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
