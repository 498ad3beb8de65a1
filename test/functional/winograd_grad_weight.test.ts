/** gradWeight by transforms, around the sizes of its tiles, strips, blocks and slabs; layouts; numbers of many sizes. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { createEngine, full, tensor } from '../../src/index.ts';
import { convBackwardReference } from '../reference/conv.ts';
import { convTransposeBackwardReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectIdentical, expectWithinTransformed } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

type Layout = (t: Tensor) => Tensor;

interface Problem {
  readonly input: number[];
  readonly weight: number[];
  readonly options: RefOptions;
}

/** The large side of a problem. */
function outputShapeOf({ input, weight, options: { stride, padding, dilation = 1, groups = 1, ...rest } }: Problem) {
  const at = (value: unknown, axis: number, otherwise: number): number =>
    ((Array.isArray(value) ? value[axis] : value) as number | undefined) ?? otherwise;
  const spatial = input.slice(2).map((length, axis) => {
    const span = at(dilation, axis, 1) * (weight[axis + 2] - 1) + 1;
    return (length - 1) * at(stride, axis, 1) + span - 2 * at(padding, axis, 0) + at(rest.outputPadding, axis, 0);
  });
  return [input[0], weight[1] * groups, ...spatial];
}

/** The gradient of both operations, the transposed one first; in the other the two sides change places. */
function gradientsOf(
  problem: Problem,
  [x, g]: readonly Float32Array[],
  algorithm: 'direct' | 'winograd',
  layout: Layout,
) {
  const rank = (problem.weight.length - 2) as 1 | 2 | 3;
  const [input, output] = [problem.input, outputShapeOf(problem)];
  const small = layout(own(tensor(x, input, { engine })));
  const large = layout(own(tensor(g, output, { engine })));
  const weight = own(full(problem.weight, 0, { engine }));
  const options = { ...problem.options, algorithm, outputMask: [false, true, false] } as const;
  const { outputPadding: _, ...others } = options;
  return [
    own(CONV_TRANSPOSE[rank].backwardSync(large, small, weight, options).gradWeight),
    own(CONV[rank].backwardSync(small, large, weight, others).gradWeight),
  ];
}

/** Both gradients against the definition. */
function expectGradients(problem: Problem, layout: Layout = (t) => t): void {
  const { input, weight: shape, options } = problem;
  const output = outputShapeOf(problem);
  const operands = [input, output].map((each, seed) => randomFloat32(elementCount(each), seed));
  const [small, large] = [refTensor(input, operands[0]), refTensor(output, operands[1])];
  const weight = refTensor(shape, new Float64Array(elementCount(shape)));
  const { outputPadding: _, ...others } = options;
  const references = [
    convTransposeBackwardReference(large, small, weight, options),
    convBackwardReference(small, large, weight, others),
  ];
  gradientsOf(problem, operands, 'winograd', layout).forEach((gradient, index) => {
    expectWithinTransformed(gradient, references[index].gradWeight);
  });
}

const k4s2 = { stride: 2, padding: 1 };
const line = (inChannels: number, outChannels: number, length: number, batch = 1): Problem => ({
  input: [batch, inChannels, length],
  weight: [inChannels, outChannels, 4],
  options: k4s2,
});
const square = (inChannels: number, outChannels: number, length: number, batch = 1): Problem => ({
  input: [batch, inChannels, length, length],
  weight: [inChannels, outChannels, 4, 4],
  options: k4s2,
});

describe('sizes around', () => {
  test.each([1, 2, 3, 4, 5, 190, 191, 192, 193])('tiles and a block of 64 of them: length %i', (length) => {
    expectGradients(line(9, 7, length));
  });
  test.each([1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 255, 256, 257])('strips and items: %i input channels', (channels) => {
    expectGradients(line(channels, 5, 20));
  });
  test.each([1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 63, 64, 65, 129])('tiles and slabs: %i output channels', (channels) => {
    expectGradients(square(5, channels, 4));
  });
  test.each([1, 6, 7, 8, 31, 32, 33])('images of a block: %i of them', (batch) => {
    expectGradients(square(6, 5, 3, batch));
  });
  test.each([
    { input: [2, 5, 9, 11], weight: [5, 4, 3, 3], options: { stride: 2, padding: 1, outputPadding: 1 } },
    { input: [2, 5, 9, 11], weight: [5, 4, 3, 3], options: { padding: 1 } },
    { input: [1, 6, 7, 8], weight: [6, 2, 4, 4], options: { ...k4s2, groups: 3 } },
    { input: [1, 5, 5, 9], weight: [5, 4, 2, 4], options: { stride: [3, 2], padding: [0, 3] } },
    { input: [1, 3, 30], weight: [3, 4, 16], options: { stride: 8, padding: 4 } },
    { input: [1, 4, 12], weight: [4, 3, 3], options: { dilation: 2, stride: 2 } },
    { input: [1, 3, 4, 5, 6], weight: [3, 4, 4, 4, 4], options: k4s2 },
    { input: [2, 4, 3, 5, 7], weight: [4, 3, 3, 3, 3], options: { padding: 1 } },
    { input: [1, 4, 5, 3, 8], weight: [4, 3, 1, 2, 4], options: { stride: [1, 2, 2] } },
  ] as Problem[])('kernels: $weight, $options', (problem) => {
    expectGradients(problem);
  });
});

test.each<[string, Layout]>([
  ['channels last', (t) => own(t.contiguous({ memoryFormat: 'channelsLast' }))],
  ['images inside of others', (t) => own(own(full([...t.shape.slice(0, 3), t.shape[3] + 3], Number.NaN, { engine, dtype: t.dtype })).narrow(3, 1, t.shape[3])).copyFrom(t)], // prettier-ignore
])('%s', (_, layout) => {
  expectGradients(square(6, 9, 10, 2), layout);
});

describe('what transforms may not touch goes the direct way', () => {
  const problem = square(8, 8, 6);
  const count = elementCount(problem.input);
  const gradOutput = randomFloat32(elementCount(outputShapeOf(problem)), 2);
  const both = (values: Float32Array) =>
    (['winograd', 'direct'] as const).map((algorithm) => gradientsOf(problem, [values, gradOutput], algorithm, (t) => t)[0]); // prettier-ignore

  test.each([
    ['an infinity', Infinity],
    ['NaN', Number.NaN],
    ['a number near overflow', 3e38],
    ['a sum that overflows', 1.5e38],
    ['a number beyond the limit', 2 ** 56],
  ])('%s', (_, value) => {
    const values = randomFloat32(count, 1);
    values[17] = value;
    if (value === 1.5e38) values.fill(value, 17, 23);
    const [transformed, direct] = both(values);
    expectIdentical(transformed, refTensor(direct.shape, direct.toTypedArray()), 'direct');
  });

  test('and numbers below the limit do not', () => {
    if (engine.kernelSet === 'wide') return; // has no such path
    const values = randomFloat32(count, 1);
    values[17] = 2 ** 30;
    const [transformed, direct] = both(values);
    expect([...transformed.toTypedArray()]).not.toEqual([...direct.toTypedArray()]);
  });
});
