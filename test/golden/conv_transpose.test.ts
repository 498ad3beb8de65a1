import { beforeAll, describe, expect, test } from 'vitest';
import { convTransposeAlgorithms, init, tensor } from '../../src/index.ts';
import type { Algorithm, Engine } from '../../src/index.ts';
import fixture from '../fixtures/conv_transpose.json' with { type: 'json' };
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import { refTensor } from '../reference/tensor.ts';
import type { ConvCase } from '../support/cases.ts';
import { expectIdentical, expectOf, expectWithinBound } from '../support/expect.ts';
import { openFixture } from '../support/fixtures.ts';
import { CONV_TRANSPOSE, held, heldGradients, upload } from '../support/operations.ts';
import { randomFloat32 } from '../support/random.ts';

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

describe.each(['convTranspose', 'convTransposeFloat64'])('%s as PyTorch', (group) => {
  test.each(golden.cases<ConvCase>(group))('$name', async (c) => {
    const operation = CONV_TRANSPOSE[c.dims];
    const [input, weight, gradOutput] = [upload(c.input), upload(c.weight), upload(c.gradOutput)];
    const bias = c.bias && upload(c.bias);
    const output = held(await operation.forward(input, weight, bias, c.options));
    expect(output.dtype).toBe(c.input.dtype);
    expectWithinBound(output, convTransposeReference(c.input, c.weight, c.bias, c.options), c.output);

    const gradients = heldGradients(await operation.backward(gradOutput, input, weight, c.options));
    const sums = convTransposeBackwardReference(c.gradOutput, c.input, c.weight, c.options);
    expectWithinBound(gradients.gradInput, sums.gradInput, c.gradInput);
    expectWithinBound(gradients.gradWeight, sums.gradWeight, c.gradWeight);
    expectWithinBound(gradients.gradBias, sums.gradBias, c.gradBias ?? sums.gradBias);
  });

  test.each(golden.cases<ConvCase>(group))('forced: $name', async (c) => {
    const operation = CONV_TRANSPOSE[c.dims];
    const [input, weight, gradOutput] = [upload(c.input), upload(c.weight), upload(c.gradOutput)];
    const bias = c.bias && upload(c.bias);
    const sums = convTransposeReference(c.input, c.weight, c.bias, c.options);
    const gradientSums = convTransposeBackwardReference(c.gradOutput, c.input, c.weight, c.options);
    for (const algorithm of convTransposeAlgorithms(input.shape, weight.shape, c.options) as Algorithm[]) {
      const options = { ...c.options, algorithm };
      const check = expectOf(algorithm, c.input.dtype);
      check(held(await operation.forward(input, weight, bias, options)), sums, c.output);
      const gradients = heldGradients(await operation.backward(gradOutput, input, weight, options));
      check(gradients.gradInput, gradientSums.gradInput, c.gradInput);
      check(gradients.gradWeight, gradientSums.gradWeight, c.gradWeight);
    }
  });

  test.each(golden.cases<ConvCase>(group))('Sync: $name', async (c) => {
    const operation = CONV_TRANSPOSE[c.dims];
    const [input, weight, gradOutput] = [upload(c.input), upload(c.weight), upload(c.gradOutput)];
    const bias = c.bias && upload(c.bias);
    const output = held(operation.forwardSync(input, weight, bias, c.options));
    expectWithinBound(output, convTransposeReference(c.input, c.weight, c.bias, c.options), c.output);
    const twin = held(await operation.forward(input, weight, bias, c.options));
    expectIdentical(twin, refTensor(output.shape, output.toTypedArray()), 'twin');

    const gradients = heldGradients(operation.backwardSync(gradOutput, input, weight, c.options));
    const twins = heldGradients(await operation.backward(gradOutput, input, weight, c.options));
    for (const name of ['gradInput', 'gradWeight', 'gradBias'] as const) {
      const sync = gradients[name];
      expectIdentical(twins[name], refTensor(sync.shape, sync.toTypedArray()), name);
    }
  });
});

// PyTorch knows symmetric padding only; the reference crops each end on its own.
const UNEVEN: { dims: 1 | 2; input: number[]; weight: number[]; options: RefOptions }[] = [
  { dims: 1, input: [2, 3, 9], weight: [3, 4, 4], options: { stride: 2, padding: [[0, 3]] } },
  { dims: 1, input: [1, 2, 7], weight: [2, 3, 3], options: { stride: 3, padding: [[4, 1]], dilation: 2 } },
  {
    dims: 2,
    input: [1, 2, 4, 9],
    weight: [2, 3, 3, 4],
    options: {
      stride: 2,
      padding: [
        [1, 0],
        [0, 2],
      ],
    },
  },
  {
    dims: 2,
    input: [2, 4, 3, 5],
    weight: [4, 1, 3, 3],
    options: {
      groups: 4,
      stride: [1, 2],
      padding: [
        [2, 0],
        [0, 1],
      ],
    },
  },
];

test.each(UNEVEN)('padding [begin, end]: $dims-D $options', async ({ dims, ...c }) => {
  const input = refTensor(
    c.input,
    randomFloat32(
      c.input.reduce((x, y) => x * y),
      1,
    ),
  );
  const weight = refTensor(
    c.weight,
    randomFloat32(
      c.weight.reduce((x, y) => x * y),
      2,
    ),
  );
  const expected = convTransposeReference(input, weight, null, c.options);
  const gradOutput = refTensor(expected.shape, randomFloat32(expected.data.length, 3));
  const [x, w, g] = [input, weight, gradOutput].map((t) => held(tensor(Float32Array.from(t.data), t.shape)));
  const output = held(await CONV_TRANSPOSE[dims].forward(x, w, null, c.options));
  expectWithinBound(output, expected);
  const gradients = heldGradients(await CONV_TRANSPOSE[dims].backward(g, x, w, c.options));
  const sums = convTransposeBackwardReference(gradOutput, input, weight, c.options);
  expectWithinBound(gradients.gradInput, sums.gradInput);
  expectWithinBound(gradients.gradWeight, sums.gradWeight);
  expectWithinBound(gradients.gradBias, sums.gradBias);
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
