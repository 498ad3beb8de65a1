/** Channels as the last axis in memory (NHWC): every path, both directions, the bits of row-major memory. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  conv1dBackwardSync,
  conv1dSync,
  conv2dBackwardSync,
  conv2dSync,
  conv3dBackwardSync,
  conv3dSync,
  convTranspose1dBackwardSync,
  convTranspose1dSync,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTranspose3dBackwardSync,
  convTranspose3dSync,
  createEngine,
  empty,
  full,
} from '../../src/index.ts';
import type { Algorithm, Dtype, Engine, Tensor } from '../../src/index.ts';
import { random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const FORWARD = {
  convTranspose: [convTranspose1dSync, convTranspose2dSync, convTranspose3dSync],
  conv: [conv1dSync, conv2dSync, conv3dSync],
} as const;
const BACKWARD = {
  convTranspose: [convTranspose1dBackwardSync, convTranspose2dBackwardSync, convTranspose3dBackwardSync],
  conv: [conv1dBackwardSync, conv2dBackwardSync, conv3dBackwardSync],
} as const;

interface Case {
  readonly kind: 'convTranspose' | 'conv';
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly options: Readonly<Record<string, number | number[]>>;
}

const up = (input: number[], weight: number[], options: Case['options'] = {}): Case => ({
  kind: 'convTranspose',
  input,
  weight,
  options,
});
const down = (input: number[], weight: number[], options: Case['options'] = {}): Case => ({
  ...up(input, weight, options),
  kind: 'conv',
});

const CASES: readonly Case[] = [
  up([2, 13, 9, 11], [13, 7, 4, 4], { stride: 2, padding: 1 }),
  up([1, 64, 6, 37], [64, 3, 5, 4], { stride: [2, 3], padding: 2, outputPadding: 1 }),
  up([1, 21, 10, 10], [21, 6, 2, 2], { stride: 2 }),
  up([1, 8, 30, 50], [8, 1, 2, 2], { stride: 2 }),
  up([2, 70, 40, 31], [70, 2, 2, 2], { stride: 2 }),
  // few rows of C, no tap shifts: an odd number of pairs, an odd row, groups, rows too narrow for a tile
  up([1, 37, 7, 11], [37, 1, 3, 3], { stride: 3 }),
  up([2, 14, 6, 13], [14, 1, 1, 3], { stride: [1, 4], groups: 2 }),
  up([1, 19, 3, 4, 9], [19, 1, 2, 2, 2], { stride: 2, padding: 1 }),
  up([1, 12, 9, 7], [12, 2, 2, 2], { stride: 2 }),
  up([1, 16, 5000], [16, 1, 2], { stride: 2 }),
  // rounds of 32 positions: whole ones, and rests of one and of almost two rounds
  ...[31, 32, 33, 63, 64, 95, 96, 97, 159].map((length) => up([1, 9, length], [9, 1, 3], { stride: 3 })),
  up([1, 11, 2, 47], [11, 3, 1, 2], { stride: [1, 2] }),
  up([12, 24, 2, 2], [24, 10, 3, 3], { stride: 2, padding: 1 }),
  up([2, 12, 7, 9], [12, 5, 3, 3], { stride: 2, groups: 3, dilation: 2 }),
  up([1, 6, 17, 19], [6, 1, 4, 4], { stride: 2, padding: 1, groups: 6 }),
  up([2, 20, 67], [20, 9, 16], { stride: 8, padding: 4 }),
  up([1, 17, 4, 5, 6], [17, 5, 3, 2, 3], { stride: [2, 2, 1], padding: [1, 0, 1] }),
  up([1, 3, 300], [3, 5, 400], { stride: 200 }),
  // so many phases that slabs would hold few channels
  up([1, 21, 9, 7], [21, 21, 16, 16], { stride: 8, padding: 4 }),
  up([1, 5, 4, 5], [5, 37, 32, 32], { stride: 16 }),
  // channels that are transformed as they lie: some, many, of groups
  up([2, 12, 9, 45], [12, 9, 4, 4], { stride: 2, padding: 1 }),
  up([1, 404, 10, 41], [404, 5, 4, 4], { stride: 2, padding: 1 }),
  up([2, 24, 9, 11], [24, 5, 6, 4], { stride: 2, groups: 3 }),
  down([2, 12, 12, 33], [20, 12, 3, 3], { padding: 1 }),
  down([2, 11, 12, 13], [7, 11, 3, 3], { padding: 1 }),
  down([1, 19, 15, 14], [23, 19, 4, 4], { stride: 2, padding: 1 }),
  down([1, 16, 21, 9], [40, 16, 2, 2], { stride: 2 }),
  down([1, 9, 8, 8], [18, 3, 3, 3], { groups: 3, stride: 2 }),
  down([2, 6, 18, 16], [6, 1, 3, 3], { padding: 1, groups: 6 }),
  down([1, 260, 5, 6], [70, 260, 1, 1]),
  down([3, 10, 90], [14, 10, 7], { padding: 3, dilation: 1 }),
  down([1, 5, 6, 7, 8], [9, 5, 2, 3, 2], { stride: 2, padding: 1 }),
];
const nameOf = ({ kind, input, weight, options }: Case): string =>
  `${kind} ${input.join('x')} by ${weight.join('x')} ${JSON.stringify(options)}`;

/** A place with channels last: dense, or a part of a wider one. */
function channelsLast(shape: readonly number[], dtype: Dtype, wider = 0): Tensor {
  const [batch, channels, ...spatial] = shape;
  const whole = own(full([batch, ...spatial, channels + wider], Number.NaN, { engine, dtype }));
  const rank = shape.length;
  const turned = own(whole.permute(0, rank - 1, ...spatial.map((_, axis) => axis + 1)));
  return own(turned.narrow(1, wider >> 1, channels));
}

const inChannelsLast = (t: Tensor, wider = 0): Tensor => channelsLast(t.shape, t.dtype, wider).copyFrom(t);
const bitsOf = (t: Tensor): ArrayLike<number> => own(t).toTypedArray();

/** Without `toEqual`, which takes seconds for hundreds of thousands of numbers in WebKit. */
function expectBits(t: Tensor, expected: ArrayLike<number>): void {
  const got = bitsOf(t);
  expect(got.length).toBe(expected.length);
  let different = 0;
  for (let i = 0; i < got.length; i++) if (!Object.is(got[i], expected[i])) different++;
  expect(different).toBe(0);
}

function operands({ kind, input, weight, options }: Case, dtype: Dtype) {
  const groups = (options.groups as number | undefined) ?? 1;
  const make = (shape: readonly number[], seed: number): Tensor => own(own(random(engine, [...shape], seed)).to(dtype));
  const outChannels = kind === 'conv' ? weight[0] : weight[1] * groups;
  return { x: make(input, 1), w: make(weight, 2), bias: make([outChannels], 3) };
}

const ALGORITHMS: readonly Algorithm[] = ['auto', 'planes', 'implicit', 'depthwise', 'winograd'];

function accepts(algorithm: Algorithm, { kind, input, weight, options }: Case): boolean {
  const { groups = 1, stride = 1, dilation = 1 } = options;
  if (algorithm === 'depthwise') return (kind === 'conv' ? weight[0] : input[1]) / (groups as number) <= 4;
  if (algorithm !== 'winograd') return true;
  const strides = Array.isArray(stride) ? stride : weight.slice(2).map(() => stride);
  const taps = weight.slice(2).map((kernel, axis) => Math.ceil(kernel / strides[axis]));
  return dilation === 1 && Math.max(...taps) <= 3 && taps.at(-1)! > 1 && strides.every((s) => s < 16);
}

const dtypesOf = (algorithm: Algorithm): readonly Dtype[] =>
  algorithm === 'winograd' ? ['float32'] : ['float32', 'float64'];

describe.each(CASES.map((given) => [nameOf(given), given] as const))('%s', (_, given) => {
  const { kind, options, weight } = given;
  const axes = weight.length - 3;
  const algorithms = ALGORITHMS.filter((algorithm) => accepts(algorithm, given));

  test.each(algorithms)('forward, %s', (algorithm) => {
    const forward = FORWARD[kind][axes];
    for (const dtype of dtypesOf(algorithm)) {
      const { x, w, bias } = operands(given, dtype);
      const all = { ...options, algorithm, activation: 'silu', inputActivation: { leakyRelu: 0.3 } } as const;
      const expected = own(forward(x, w, bias, all));
      const bits = bitsOf(expected);
      for (const wider of [0, 3]) {
        const input = inChannelsLast(x, wider);
        const out = channelsLast(expected.shape, dtype, wider);
        forward(input, w, bias, { ...all, out });
        expectBits(out, bits);
        expectBits(forward(input, w, bias, all), bits);
        forward(x, w, bias, { ...all, out });
        expectBits(out, bits);
      }
    }
  });

  test.each(algorithms)('backward, %s', (algorithm) => {
    const backward = BACKWARD[kind][axes];
    for (const dtype of dtypesOf(algorithm)) {
      const { x, w } = operands(given, dtype);
      const { shape } = own(FORWARD[kind][axes](x, w, null, options));
      const gradOutput = own(own(random(engine, [...shape], 4)).to(dtype));
      const all = { ...options, algorithm } as const;
      const expected = backward(gradOutput, x, w, all);
      const [gradInput, gradWeight, gradBias] = [expected.gradInput, expected.gradWeight, expected.gradBias].map(
        bitsOf,
      );
      for (const wider of [0, 3]) {
        const outGradInput = channelsLast(x.shape, dtype, wider);
        const result = backward(inChannelsLast(gradOutput, wider), inChannelsLast(x, wider), w, {
          ...all,
          outGradInput,
        });
        expectBits(outGradInput, gradInput);
        expectBits(result.gradWeight, gradWeight);
        const sums = Array.from(bitsOf(result.gradBias));
        const scale = gradOutput.size / sums.length;
        sums.forEach((sum, channel) => expect(Math.abs(sum - gradBias[channel])).toBeLessThan(1e-7 * scale));

        outGradInput.copyFrom(x);
        const rowMajor = own(x.clone());
        const added = { ...all, accumulate: true, outputMask: [true, false, false] } as const;
        backward(gradOutput, x, w, { ...added, outGradInput: rowMajor });
        backward(inChannelsLast(gradOutput, wider), x, w, { ...added, outGradInput });
        expectBits(outGradInput, bitsOf(rowMajor));
      }
    }
  });
});

test('nothing beside a part of wider channels is written', () => {
  const x = own(random(engine, [1, 8, 9, 9], 1));
  const w = own(random(engine, [8, 5, 4, 4], 2));
  const wide = own(full([1, 18, 18, 9], 7, { engine }));
  const out = own(own(wide.permute(0, 3, 1, 2)).narrow(1, 2, 5));
  convTranspose2dSync(x, w, null, { stride: 2, padding: 1, out });
  for (const [start, length] of [
    [0, 2],
    [7, 2],
  ]) {
    expect(new Set(Array.from(bitsOf(own(wide.narrow(3, start, length))))).size).toBe(1);
  }
});

test('weights that are infinite, and float16', () => {
  const x = own(random(engine, [2, 10, 6, 9], 1));
  const w = own(random(engine, [10, 6, 3, 3], 2));
  w.copyFrom([Infinity, NaN, ...w.toTypedArray().subarray(2)]);
  for (const algorithm of ['planes', 'implicit'] as const) {
    const options = { stride: 2, padding: 1, algorithm };
    const expected = bitsOf(convTranspose2dSync(x, w, null, options));
    expectBits(convTranspose2dSync(inChannelsLast(x), w, null, options), expected);
  }
  const half = own(x.to('float16'));
  const halfWeight = own(own(random(engine, [10, 6, 3, 3], 2)).to('float16'));
  const out = own(own(empty([2, 11, 17, 6], { engine, dtype: 'float16' })).permute(0, 3, 1, 2));
  convTranspose2dSync(inChannelsLast(half), halfWeight, null, { stride: 2, padding: 1, out });
  expectBits(out, bitsOf(convTranspose2dSync(half, halfWeight, null, { stride: 2, padding: 1 })));
});
