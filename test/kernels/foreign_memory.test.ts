import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConvSpec, Dtype, Plan } from '../../src/kernels.ts';
import {
  loadVariant,
  planConv,
  planConvBackward,
  planConvTranspose,
  planConvTransposeBackward,
  planMatmul,
} from '../../src/kernels.ts';
import type { Engine } from '../../src/index.ts';
import {
  conv2dBackwardSync,
  conv2dSync,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  matmulSync,
  tensor,
} from '../../src/index.ts';
import { elementCount } from '../reference/tensor.ts';
import type { Run } from '../support/bound_plan.ts';
import { runPlan } from '../support/bound_plan.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';

// What a framework with a heap of its own gets must be what the functional API gives, to the bit.

interface Case {
  readonly name: string;
  readonly input: [number, number, number, number];
  readonly outChannels: number;
  readonly kernel: [number, number];
  readonly options: { stride: number[]; padding: number[]; dilation: number[]; groups: number };
}

const plain = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
const CASES: Case[] = [
  {
    name: 'k4s2p1',
    input: [2, 9, 7, 13],
    outChannels: 7,
    kernel: [4, 4],
    options: { ...plain, stride: [2, 2], padding: [1, 1] },
  },
  { name: 'k2s2', input: [1, 5, 6, 9], outChannels: 3, kernel: [2, 2], options: { ...plain, stride: [2, 2] } },
  {
    name: 'groups and dilation',
    input: [1, 6, 9, 10],
    outChannels: 4,
    kernel: [3, 2],
    options: { stride: [2, 3], padding: [1, 2], dilation: [2, 1], groups: 2 },
  },
  {
    name: 'depthwise',
    input: [2, 4, 8, 11],
    outChannels: 8,
    kernel: [3, 3],
    options: { ...plain, stride: [2, 2], padding: [1, 1], groups: 4 },
  },
  {
    name: 'one pixel, batch as columns',
    input: [16, 10, 1, 1],
    outChannels: 6,
    kernel: [4, 4],
    options: { ...plain, stride: [2, 2] },
  },
  { name: 'narrow rows', input: [1, 12, 6, 4], outChannels: 5, kernel: [3, 3], options: { ...plain, padding: [1, 1] } },
  { name: 'deep', input: [1, 300, 3, 9], outChannels: 2, kernel: [3, 3], options: { ...plain, stride: [2, 2] } },
];

const RUNS: Run[] = [
  { misalignment: 8, packing: 'bind' },
  { misalignment: 4, packing: 'before' },
  { misalignment: 0, packing: 'before', threads: 3 },
  { misalignment: 8, packing: 'bind', threads: 2 },
];

const DTYPES = ['float32', 'float64'] as const;

let module: WebAssembly.Module;
let engine: Engine;
beforeAll(async () => {
  module = await loadVariant('auto');
  engine = await createEngine();
});
afterAll(() => engine.dispose());

function random(dtype: Dtype, shape: readonly number[], seed: number): Float32Array | Float64Array {
  return (dtype === 'float64' ? randomFloat64 : randomFloat32)(elementCount(shape), seed);
}

/** Runs with every layout of memory that the dtype allows, and with each operand at either end of the memory. */
function runsOf(dtype: Dtype, plan: Plan): Run[] {
  const aligned = RUNS.filter(({ misalignment = 0 }) => dtype === 'float32' || misalignment % 8 === 0);
  const names = ['params', 'workspace', ...Object.keys(plan.operands)];
  return [
    ...aligned,
    ...names.map((last) => ({ last, misalignment: 0 })),
    // address 0 says "no bias" to the kernels
    ...names.filter((name) => name !== 'bias').map((first) => ({ first, misalignment: 0 })),
    { last: 'packedWeight', packing: 'before' },
  ];
}

function expectAll(
  plan: Plan,
  inputs: Record<string, Float32Array | Float64Array>,
  expected: Record<string, ArrayLike<number>>,
): void {
  for (const how of runsOf(plan.dtype, plan)) {
    const results = runPlan(module, plan, inputs, how);
    for (const [name, values] of Object.entries(expected)) {
      expect(results[name], `${name}, ${JSON.stringify(how)}`).toEqual(values);
    }
  }
}

function specOf(c: Case, dtype: Dtype, outputSpatial: readonly number[]): ConvSpec {
  return {
    dtype,
    batch: c.input[0],
    inChannels: c.input[1],
    outChannels: c.outChannels,
    groups: c.options.groups,
    inputSpatial: c.input.slice(2),
    kernel: c.kernel,
    stride: c.options.stride,
    dilation: c.options.dilation,
    cropBegin: c.options.padding,
    outputSpatial,
    kernelSet: engine.kernelSet,
  };
}

describe.each(DTYPES)('in a foreign memory, %s', (dtype) => {
  test.each(CASES)('transposed convolution: $name', (c) => {
    const weightShape = [c.input[1], c.outChannels / c.options.groups, ...c.kernel];
    const [input, weight, bias] = [
      random(dtype, c.input, 1),
      random(dtype, weightShape, 2),
      random(dtype, [c.outChannels], 3),
    ];
    const [x, w, b] = [
      own(tensor(input, c.input, { engine })),
      own(tensor(weight, weightShape, { engine })),
      own(tensor(bias, undefined, { engine })),
    ];
    const y = own(convTranspose2dSync(x, w, b, { ...c.options, activation: 'tanh', inputActivation: 'silu' }));
    const spec = specOf(c, dtype, y.shape.slice(2));
    const plan = planConvTranspose({ ...spec, bias: true, activation: 'tanh', inputActivation: 'silu' });
    expect(plan.outputShape).toEqual(y.shape);
    expectAll(plan, { input, weight, bias }, { output: y.toTypedArray() });

    const gradOutput = random(dtype, y.shape, 4);
    const g = convTranspose2dBackwardSync(own(tensor(gradOutput, y.shape, { engine })), x, w, c.options);
    const gradients = {
      gradInput: own(g.gradInput).toTypedArray(),
      gradWeight: own(g.gradWeight).toTypedArray(),
      gradBias: own(g.gradBias).toTypedArray(),
    };
    expectAll(planConvTransposeBackward(spec), { gradOutput, input, weight }, gradients);
    disposeOwned();
  });

  test.each(CASES)('convolution: $name', (c) => {
    const weightShape = [c.outChannels, c.input[1] / c.options.groups, 2, 1];
    const [input, weight, bias] = [
      random(dtype, c.input, 1),
      random(dtype, weightShape, 2),
      random(dtype, [c.outChannels], 3),
    ];
    const [x, w, b] = [
      own(tensor(input, c.input, { engine })),
      own(tensor(weight, weightShape, { engine })),
      own(tensor(bias, undefined, { engine })),
    ];
    const options = { ...c.options, padding: [2, 1] };
    const y = own(conv2dSync(x, w, b, { ...options, activation: 'relu', inputActivation: 'sigmoid' }));
    const spec = { ...specOf(c, dtype, y.shape.slice(2)), kernel: [2, 1], cropBegin: [2, 1] };
    const plan = planConv({ ...spec, bias: true, activation: 'relu', inputActivation: 'sigmoid' });
    expect(plan.outputShape).toEqual(y.shape);
    expectAll(plan, { input, weight, bias }, { output: y.toTypedArray() });

    const gradOutput = random(dtype, y.shape, 4);
    const g = conv2dBackwardSync(own(tensor(gradOutput, y.shape, { engine })), x, w, options);
    const gradients = {
      gradInput: own(g.gradInput).toTypedArray(),
      gradWeight: own(g.gradWeight).toTypedArray(),
      gradBias: own(g.gradBias).toTypedArray(),
    };
    expectAll(planConvBackward(spec), { gradOutput, input, weight }, gradients);
    disposeOwned();
  });

  test.each([
    { batch: 3, m: 7, n: 13, k: 5 },
    { batch: 1, m: 1, n: 1, k: 300 },
    { batch: 2, m: 250, n: 9, k: 4 },
  ])('matmul: $batch · $m x $k x $n', ({ batch, m, n, k }) => {
    const [a, b] = [random(dtype, [batch, m, k], 1), random(dtype, [batch, k, n], 2)];
    const y = own(matmulSync(own(tensor(a, [batch, m, k], { engine })), own(tensor(b, [batch, k, n], { engine }))));
    const { kernelSet } = engine;
    expectAll(planMatmul({ dtype, batch, m, n, k, kernelSet }), { a, b }, { output: y.toTypedArray() });
    disposeOwned();
  });
});
