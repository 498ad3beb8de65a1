/** Inputs of one position, which are plain matrix products: both directions that take them so, by layouts and options. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { createEngine, full, packWeight, tensor, zeros } from '../../src/index.ts';
import type { ConvSpec } from '../../src/kernels.ts';
import { planConvTranspose, planConvTransposeBackward } from '../../src/kernels.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectIdentical, expectWithinBound } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2 });
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

interface Problem {
  readonly batch: number;
  readonly weight: readonly number[];
  readonly options: RefOptions;
  readonly output: readonly number[];
}

const problem = (batch: number, weight: number[], output: number[], options: RefOptions = {}): Problem => ({
  batch,
  weight,
  options,
  output: [batch, weight[1] * (options.groups ?? 1), ...output],
});

const PROBLEMS: readonly Problem[] = [
  problem(33, [20, 24, 4, 4], [4, 4]),
  problem(64, [7, 9, 3, 5], [3, 5], { stride: [3, 2] }),
  problem(40, [12, 10, 7], [7]),
  problem(48, [6, 5, 2, 3, 2], [2, 3, 2]),
  problem(32, [18, 8, 4, 4], [4, 4], { groups: 3 }),
  // more than a block of rows, of columns and of K
  problem(250, [5, 40, 4, 4], [4, 4]),
  problem(64, [300, 6, 3, 3], [3, 3]),
  // one column, a few
  problem(64, [20, 1, 1, 1], [1, 1]),
  problem(90, [7, 3, 1], [1]),
  // a part of the kernel
  problem(64, [16, 20, 4, 4], [2, 2], { stride: 2, padding: 1 }),
  problem(64, [16, 20, 5], [3], { padding: [[2, 0]] }),
];

const inputShape = ({ batch, weight }: Problem): number[] => [batch, weight[0], ...weight.slice(2).map(() => 1)];
const rank = ({ weight }: Problem): 1 | 2 | 3 => (weight.length - 2) as 1 | 2 | 3;

/** Entries of the stages that run it. */
function entriesOf(
  { batch, weight, output, options: { stride = 1, padding = 0, groups = 1 } }: Problem,
  more: Partial<ConvSpec> = {},
  gradWeight = false,
): string[] {
  const axes = weight.slice(2);
  const begin = (axis: number): number => {
    const each = Array.isArray(padding) ? padding[axis] : padding;
    return Array.isArray(each) ? each[0] : (each as number);
  };
  const spec: ConvSpec = {
    dtype: 'float32',
    batch,
    inChannels: weight[0],
    outChannels: output[1],
    groups,
    inputSpatial: axes.map(() => 1),
    kernel: axes,
    stride: axes.map((_, axis) => (Array.isArray(stride) ? stride[axis] : stride)),
    dilation: axes.map(() => 1),
    cropBegin: axes.map((_, axis) => begin(axis)),
    outputSpatial: output.slice(2),
    kernelSet: 'relaxed',
    ...more,
  };
  const plan = gradWeight
    ? planConvTransposeBackward({ ...spec, outputMask: [false, true, false] })
    : planConvTranspose(spec);
  return plan.stages.map(({ entry }) => entry);
}

function operandsOf(each: Problem): Record<'input' | 'weight' | 'gradOutput' | 'bias', RefTensor> {
  const shapes = { input: inputShape(each), weight: each.weight, gradOutput: each.output, bias: [each.output[1]] };
  const random = (shape: readonly number[], seed: number) => refTensor(shape, randomFloat32(elementCount(shape), seed));
  return {
    input: random(shapes.input, 1),
    weight: random(shapes.weight, 2),
    gradOutput: random(shapes.gradOutput, 3),
    bias: random(shapes.bias, 4),
  };
}

const given = ({ shape, data }: RefTensor): Tensor => own(tensor(Float32Array.from(data), [...shape], { engine }));

describe.each(PROBLEMS.map((each) => [`${each.batch} x ${each.weight.join(' x ')}`, each] as const))(
  '%s',
  (_, each) => {
    const { input, weight, gradOutput, bias } = operandsOf(each);
    const { forwardSync, backwardSync } = CONV_TRANSPOSE[rank(each)];
    const whole = each.output.slice(2).every((length, axis) => length === each.weight[axis + 2]);

    test('output', () => {
      const reference = convTransposeReference(input, weight, null, each.options);
      expect(entriesOf(each)).toEqual([whole ? 'matmul' : 'convTransposeForward']);
      const output = own(forwardSync(given(input), given(weight), null, each.options));
      expectWithinBound(output, reference);
      const last = own(
        forwardSync(given(input), given(weight), null, { ...each.options, memoryFormat: 'channelsLast' }),
      );
      expectWithinBound(last, reference);
      const packed = own(packWeight(given(weight), { ...each.options, inputShape: inputShape(each), engine }));
      const values = refTensor(output.shape, output.toTypedArray());
      expectIdentical(own(forwardSync(given(input), packed, null, each.options)), values);
    });

    test('output with a bias, into a part of a larger tensor', () => {
      const [first, channels, ...spatial] = each.output;
      const larger = own(full([first, channels + 3, ...spatial], NaN, { engine }));
      const out = own(larger.narrow(1, 2, channels));
      forwardSync(given(input), given(weight), given(bias), { ...each.options, out });
      expectWithinBound(out, convTransposeReference(input, weight, bias, each.options));
      for (const [start, length] of [
        [0, 2],
        [channels + 2, 1],
      ]) {
        const around = own(own(larger.narrow(1, start, length)).contiguous()).toTypedArray() as Float32Array;
        expect(around.every(Number.isNaN)).toBe(true);
      }
    });

    test('channels last, with a bias', () => {
      const format = { memoryFormat: 'channelsLast' } as const;
      expectWithinBound(
        own(forwardSync(given(input), given(weight), given(bias), { ...each.options, ...format })),
        convTransposeReference(input, weight, bias, each.options),
      );
      const { gradWeight } = convTransposeBackwardReference(gradOutput, input, weight, each.options);
      const last = own(given(gradOutput).contiguous(format));
      const options = { ...each.options, outputMask: [false, true, false] } as const;
      expectWithinBound(own(backwardSync(last, given(input), given(weight), options).gradWeight), gradWeight);
      // memory of the gradient in the order of the gradients it comes from
      const [rows, columns, ...taps] = each.weight;
      const turned = own(full([rows, ...taps, columns], NaN, { engine }));
      const outGradWeight = own(turned.permute([0, taps.length + 1, ...taps.map((_length, axis) => axis + 1)]));
      backwardSync(last, given(input), given(weight), { ...options, outGradWeight });
      expectWithinBound(own(outGradWeight.contiguous()), gradWeight);
    });

    test('weight gradient, written and added', () => {
      expect(entriesOf(each, {}, true).includes('matmul')).toBe(whole);
      const { gradWeight } = convTransposeBackwardReference(gradOutput, input, weight, each.options);
      const options = { ...each.options, outputMask: [false, true, false] } as const;
      const got = own(backwardSync(given(gradOutput), given(input), given(weight), options).gradWeight);
      expectWithinBound(got, gradWeight);
      const sum = own(zeros([...each.weight], { engine }));
      for (let time = 0; time < 2; time++) {
        const target = { ...options, outGradWeight: sum, accumulate: true };
        backwardSync(given(gradOutput), given(input), given(weight), target);
      }
      expectWithinBound(own(sum.contiguous()), { ...gradWeight, data: gradWeight.data.map((value) => 2 * value) });
    });

    test('gradInput of the convolution, written and added', () => {
      const reference = convTransposeReference(input, weight, null, each.options);
      const { outputPadding: _unused, ...options } = each.options;
      const call = { ...options, outputMask: [true, false, false] } as const;
      const large = given(gradOutput);
      const conv = CONV[rank(each)];
      expectWithinBound(own(conv.backwardSync(given(input), large, given(weight), call).gradInput), reference);
      const sum = own(full([...each.output], 1, { engine }));
      conv.backwardSync(given(input), large, given(weight), { ...call, outGradInput: sum, accumulate: true });
      const expected = { ...reference, data: reference.data.map((value) => value + 1) };
      const bound = { ...reference, magnitude: reference.magnitude.map((value) => value + 1) };
      expectWithinBound(sum, bound, expected);
    });
  },
);

const [plain] = PROBLEMS;

test('one or a few images, an activation and a forced path go the other ways', () => {
  const few = { ...plain, batch: 1, output: [1, ...plain.output.slice(1)] };
  expect(entriesOf({ ...few, weight: [512, 24, 4, 4] })).not.toContain('matmul');
  expect(entriesOf(plain, { activation: 'relu' })).not.toContain('matmul');
  expect(entriesOf(plain, { inputActivation: 'relu' })).not.toContain('matmul');
  for (const algorithm of ['planes', 'implicit'] as const) {
    expect(entriesOf(plain, { algorithm })).not.toContain('matmul');
    expect(entriesOf(plain, { algorithm }, true)).not.toContain('matmul');
  }
  expect(entriesOf(plain, { algorithm: 'direct' })).toContain('matmul');
});

test('channels last is a product, too, where one group has them all', () => {
  const channelsLast = ({ output: [, channels, height, width] }: Problem): Partial<ConvSpec> => ({
    outputStrides: [channels * height * width, 1, channels * width, channels],
  });
  const [, , , , inGroups] = PROBLEMS;
  expect(entriesOf(plain, channelsLast(plain))).toEqual(['matmul']);
  expect(entriesOf(inGroups, channelsLast(inGroups))).not.toContain('matmul');
  const ofWeight = { weightStrides: [24 * 16, 1, 24 * 4, 24] };
  expect(entriesOf(plain, channelsLast(plain), true)).not.toContain('matmul');
  expect(entriesOf(plain, { ...channelsLast(plain), ...ofWeight }, true)).toContain('matmul');
});

test('outputs beyond the kernel are zero, and not a product', () => {
  const options = { stride: 4, outputPadding: 3 };
  const beyond = problem(33, [20, 24, 2, 2], [5, 5], options);
  expect(entriesOf(beyond)).not.toContain('matmul');
  const { input, weight } = operandsOf(beyond);
  expectWithinBound(
    own(CONV_TRANSPOSE[2].forwardSync(given(input), given(weight), null, options)),
    convTransposeReference(input, weight, null, options),
  );
});
