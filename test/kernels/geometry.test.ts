import { beforeAll, describe, expect, test } from 'vitest';
import type { Algorithm } from '../../src/index.ts';
import type { ConvSpec } from '../../src/kernels.ts';
import { loadVariant, planConvTranspose, planConvTransposeBackward } from '../../src/kernels.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { gathered, runPlan, scattered, stridesInOrder } from '../support/bound_plan.ts';
import { sumsOfTiles } from '../support/conv_check.ts';
import { expectIdentical, expectOf, expectWithinBound } from '../support/expect.ts';
import { ON_PAGE } from '../support/on_page.ts';
import { randomFloat32, randomSource } from '../support/random.ts';
import { takesWinograd } from '../support/winograd.ts';

// Crops that no padding of PyTorch can say, and memory layouts of other frameworks.

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await loadVariant('simd');
});

interface Problem {
  readonly spec: ConvSpec;
  readonly inputShape: number[];
  readonly weightShape: number[];
  readonly outputShape: number[];
  readonly reference: RefOptions;
}

/** Random geometry: crops from far outside to far inside, outputs below and beyond the reach. */
function problemOf(seed: number): Problem {
  const next = randomSource(seed);
  const pick = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  const rank = pick(1, 3);
  const each = (least: number, most: number): number[] => Array.from({ length: rank }, () => pick(least, most));
  const groups = pick(1, 3);
  const [inChannels, outChannels] = [groups * pick(1, 5), groups * pick(1, 4)];
  const batch = pick(1, 3);
  const inputSpatial = each(1, [20, 9, 4][rank - 1]);
  const kernel = each(1, [7, 5, 3][rank - 1]);
  const [stride, dilation] = [each(1, 4), each(1, 3)];
  const cropBegin = each(-6, 7);
  const outputSpatial = each(1, [60, 25, 9][rank - 1]);
  return {
    spec: {
      dtype: 'float32',
      batch,
      inChannels,
      outChannels,
      groups,
      inputSpatial,
      kernel,
      stride,
      dilation,
      cropBegin,
      outputSpatial,
      kernelSet: 'simd',
    },
    inputShape: [batch, inChannels, ...inputSpatial],
    weightShape: [inChannels, outChannels / groups, ...kernel],
    outputShape: [batch, outChannels, ...outputSpatial],
    reference: { stride, dilation, groups, crop: { begin: cropBegin, outputSpatial } },
  };
}

/** Every call has a module instance of its own, which takes a page long. */
const SEEDS = Array.from({ length: ON_PAGE ? 15 : 60 }, (_, index) => index + 1);

/** Channels last for activations, (kernel, out, in) for weights, the batch innermost: layouts of a problem. */
const LAYOUTS = ['row-major', 'channels last', 'batch last'] as const;

function strided(problem: Problem, layout: (typeof LAYOUTS)[number]) {
  const { inputShape, weightShape, outputShape } = problem;
  const spatial = inputShape.slice(2).map((_, axis) => axis + 2);
  const order = {
    'row-major': [0, 1, ...spatial],
    'channels last': [0, ...spatial, 1],
    'batch last': [1, ...spatial, 0],
  }[layout];
  const weightOrder = layout === 'row-major' ? [0, 1, ...spatial] : [...spatial, 1, 0];
  return {
    inputStrides: stridesInOrder(inputShape, order),
    weightStrides: stridesInOrder(weightShape, weightOrder),
    outputStrides: stridesInOrder(outputShape, order),
  };
}

function algorithmsFor({ inChannels, groups, kernel, stride, dilation }: ConvSpec): Algorithm[] {
  const few: Algorithm[] = inChannels / groups <= 4 ? ['depthwise'] : [];
  const transformed: Algorithm[] = takesWinograd(kernel as number[], stride, dilation) ? ['winograd'] : [];
  return ['auto', 'planes', 'implicit', ...few, ...transformed];
}

describe.each(LAYOUTS)('any crop, %s', (layout) => {
  test.each(SEEDS)('random geometry %i', (seed) => {
    const problem = problemOf(seed);
    const { inputShape, weightShape, outputShape, reference } = problem;
    const strides = strided(problem, layout);
    const values = (shape: number[], offset: number) => randomFloat32(elementCount(shape), seed * 10 + offset);
    const [x, w, b] = [values(inputShape, 1), values(weightShape, 2), values([outputShape[1]], 3)];
    const input = scattered('float32', x, inputShape, strides.inputStrides);
    const weight = scattered('float32', w, weightShape, strides.weightStrides);
    const spec = { ...problem.spec, ...strides };
    const [refX, refW] = [refTensor(inputShape, x), refTensor(weightShape, w)];

    const sums = convTransposeReference(refX, refW, refTensor([outputShape[1]], b), reference);
    const dy = values(outputShape, 4);
    const refDy = refTensor(outputShape, dy);
    const gradOutput = scattered('float32', dy, outputShape, strides.outputStrides);
    const expected = convTransposeBackwardReference(refDy, refX, refW, reference);
    const axes = inputShape.length - 2;
    const tiles = [sumsOfTiles(true, refX, refW, axes, reference), sumsOfTiles(false, refDy, refW, axes, reference)];
    for (const algorithm of algorithmsFor(spec)) {
      const check = expectOf(algorithm);
      const plan = planConvTranspose({ ...spec, algorithm, bias: true });
      const { output } = runPlan(module, plan, { input, weight, bias: b });
      const forward = gathered(output, outputShape, strides.outputStrides);
      check({ shape: outputShape, values: Float32Array.from(forward) }, sums, sums, tiles[0]);

      const backward = planConvTransposeBackward({ ...spec, algorithm });
      const gradients = runPlan(module, backward, { gradOutput, input, weight });
      const resultOf = (name: string, shape: number[], at: number[]) => ({
        shape,
        values: Float32Array.from(gathered(gradients[name] as Float32Array, shape, at)),
      });
      const { gradInput, gradWeight, gradBias } = expected;
      check(resultOf('gradInput', inputShape, strides.inputStrides), gradInput, gradInput, tiles[1]);
      check(resultOf('gradWeight', weightShape, strides.weightStrides), gradWeight);
      expectWithinBound(resultOf('gradBias', [outputShape[1]], [1]), gradBias);
    }
  });
});

describe.each([1, 4])('no tap reaches the output, %i channels per group', (channels) => {
  test.each(['input', 'gradOutput', 'weight'])('%s at either end of the memory', (name) => {
    const spec: ConvSpec = {
      dtype: 'float32',
      batch: 1,
      inChannels: 4,
      outChannels: 4,
      groups: 4 / channels,
      inputSpatial: [3, 3],
      kernel: [1, 1],
      stride: [1, 1],
      dilation: [1, 1],
      cropBegin: [0, 0],
      outputSpatial: [3, 2],
      kernelSet: 'simd',
    };
    for (const cropBegin of [7, -50, 50]) {
      const outside = { ...spec, cropBegin: [0, cropBegin] };
      const algorithms = algorithmsFor(spec);
      const input = randomFloat32(36, 1);
      const weight = randomFloat32(4 * channels, 2);
      const gradOutput = randomFloat32(24, 3);
      for (const place of [{ first: name }, { last: name }]) {
        const how = { ...place, misalignment: 0 };
        for (const algorithm of algorithms) {
          const backward = planConvTransposeBackward({ ...outside, algorithm });
          const gradients = runPlan(module, backward, { gradOutput, input, weight }, how);
          expect(gradients.gradInput).toEqual(new Float32Array(36));
          expect(gradients.gradWeight).toEqual(new Float32Array(4 * channels));
          if (name === 'gradOutput') continue;
          const { output } = runPlan(module, planConvTranspose({ ...outside, algorithm }), { input, weight }, how);
          expect(output).toEqual(new Float32Array(24));
        }
      }
    }
  });
});

// planes are as many as the kernel reaches: tiles may lie wholly before the output, or behind it
test.each([
  { kernel: [4], stride: [2], dilation: [1], cropBegin: [-20], outputSpatial: [10] },
  { kernel: [4], stride: [2], dilation: [1], cropBegin: [2100], outputSpatial: [10] },
  { kernel: [2], stride: [2], dilation: [5], cropBegin: [2055], outputSpatial: [1] },
])('transforms of a gradient that no tap reaches: $cropBegin', (geometry) => {
  const spec: ConvSpec = {
    dtype: 'float32',
    batch: 1,
    inChannels: 64,
    outChannels: 64,
    groups: 1,
    inputSpatial: [1024],
    kernelSet: 'simd',
    ...geometry,
    outputMask: [false, true, false],
  } as ConvSpec;
  const [length, taps] = [geometry.outputSpatial[0], geometry.kernel[0]];
  const input = randomFloat32(64 * 1024, 1);
  const gradOutput = randomFloat32(64 * length, 2);
  for (const algorithm of ['auto', 'winograd'] as const) {
    const plan = planConvTransposeBackward({ ...spec, algorithm });
    const { gradWeight } = runPlan(module, plan, { gradOutput, input });
    const direct = planConvTransposeBackward({ ...spec, algorithm: 'direct' });
    expect(gradWeight).toHaveLength(64 * 64 * taps);
    expect(gradWeight).toEqual(runPlan(module, direct, { gradOutput, input }).gradWeight);
  }
});

test('very large strides take no memory for what lies between', () => {
  const plan = planConvTransposeBackward({
    dtype: 'float32',
    batch: 1,
    inChannels: 256,
    outChannels: 256,
    groups: 1,
    inputSpatial: [2, 2, 8],
    kernel: [1, 1, 3],
    stride: [2000, 2000, 1],
    dilation: [1, 1, 1],
    cropBegin: [1000, 1000, 0],
    outputSpatial: [1, 1, 10],
    kernelSet: 'simd',
    outputMask: [false, true, false],
  });
  expect(plan.workspaceBytes.perThread).toBeLessThan(2 ** 23);
});

test('the geometries have what they are for', () => {
  const specs = Array.from({ length: 60 }, (_, index) => problemOf(index + 1).spec);
  const crops = specs.flatMap(({ cropBegin }) => cropBegin);
  expect(Math.min(...crops)).toBeLessThan(0);
  const beyond = specs.filter(({ inputSpatial, kernel, stride, dilation, cropBegin, outputSpatial }) => {
    const at = (value: ConvSpec['kernel']): number => (value as number[])[0];
    const reach = (inputSpatial[0] - 1) * at(stride) + (at(kernel) - 1) * at(dilation) + 1;
    return outputSpatial[0] + at(cropBegin) > reach;
  });
  expect(beyond.length).toBeGreaterThan(5);
});

describe('non-finite numbers, channels last', () => {
  const values = [Number.NaN, Infinity, -Infinity, -0];
  const seeds = Array.from({ length: 12 }, (_, index) => index + 200);
  test.each(seeds.flatMap((seed) => algorithmsFor(problemOf(seed).spec).map((path) => [seed, path] as const)))(
    'random geometry %i, %s',
    (seed, algorithm) => {
      const problem = problemOf(seed);
      const { inputShape, weightShape, outputShape, reference } = problem;
      const strides = strided(problem, 'channels last');
      const next = randomSource(seed);
      for (const value of values) {
        for (const into of ['input', 'weight'] as const) {
          const x = randomFloat32(elementCount(inputShape), seed);
          const w = randomFloat32(elementCount(weightShape), seed + 1);
          const target = into === 'input' ? x : w;
          target[Math.floor(next() * target.length)] = value;
          const input = scattered('float32', x, inputShape, strides.inputStrides);
          const weight = scattered('float32', w, weightShape, strides.weightStrides);
          const last = runPlan(module, planConvTranspose({ ...problem.spec, algorithm, ...strides }), {
            input,
            weight,
          }).output;
          const { output } = runPlan(module, planConvTranspose({ ...problem.spec, algorithm }), {
            input: x,
            weight: w,
          });
          const forward = { shape: outputShape, values: gathered(last, outputShape, strides.outputStrides) };
          expectIdentical(forward, refTensor(outputShape, output), `${into} ${value}`);
          const expected = convTransposeReference(refTensor(inputShape, x), refTensor(weightShape, w), null, reference);
          const kinds = (numbers: ArrayLike<number>): string[] =>
            Array.from(numbers, (number) => (Number.isFinite(number) ? 'finite' : String(number)));
          expect(kinds(output)).toEqual(kinds(expected.data));
        }
      }
    },
  );
});
