import { beforeAll, describe, expect, test } from 'vitest';
import type { ConvBackwardSpec, ConvSpec, Kernels, Plan } from '../../src/kernels.ts';
import {
  ArgumentError,
  bind,
  bindPack,
  createKernels,
  DtypeError,
  loadVariant,
  planConv,
  planConvBackward,
  planConvTranspose,
  planConvTransposeBackward,
  planMatmul,
  ShapeError,
} from '../../src/kernels.ts';

const SPEC: ConvSpec = {
  dtype: 'float32',
  batch: 2,
  inChannels: 4,
  outChannels: 6,
  groups: 2,
  inputSpatial: [5, 7],
  kernel: [3, 2],
  stride: [2, 1],
  dilation: [1, 1],
  cropBegin: [1, -2],
  outputSpatial: [9, 11],
  kernelSet: 'simd',
};

type Wrong = [
  change: object,
  error: typeof ArgumentError | typeof ShapeError | typeof DtypeError | typeof TypeError,
  text: RegExp,
];

const WRONG: Wrong[] = [
  [{ dtype: 'float16' }, DtypeError, /dtype expected 'float32' \| 'float64', got 'float16'/],
  [{ dtype: undefined }, DtypeError, /dtype/],
  [{ batch: -1 }, ShapeError, /batch expected at least 0, got -1/],
  [{ batch: 1.5 }, ArgumentError, /batch/],
  [{ batch: '2' }, TypeError, /batch expected a number, got '2'/],
  [{ inChannels: 0 }, ShapeError, /inChannels expected at least 1/],
  [{ outChannels: Number.NaN }, ArgumentError, /outChannels/],
  [{ groups: 3 }, ArgumentError, /groups expected a divisor of inChannels = 4, got 3/],
  [{ groups: 0 }, ArgumentError, /groups/],
  [{ inputSpatial: 5 }, TypeError, /inputSpatial expected an array of numbers, got 5/],
  [{ inputSpatial: [] }, ShapeError, /inputSpatial expected 1 to 3 axes/],
  [{ inputSpatial: [1, 1, 1, 1] }, ShapeError, /1 to 3 axes/],
  [{ inputSpatial: [5, 0] }, ShapeError, /inputSpatial expected at least 1, got 0/],
  [{ outputSpatial: [9] }, ShapeError, /outputSpatial expected 2 axes, got \[9\]/],
  [{ outputSpatial: [9, -1] }, ShapeError, /outputSpatial expected at least 1/],
  [{ kernel: [3], stride: [1, 2, 3] }, ArgumentError, /stride expected a number or 2 values/],
  [{ kernel: [0, 1] }, ArgumentError, /kernel expected an integer of at least 1, got 0/],
  [{ stride: [0, 1] }, ArgumentError, /stride/],
  [{ dilation: [1, 0.5] }, ArgumentError, /dilation/],
  [{ cropBegin: [1, Infinity] }, ArgumentError, /cropBegin/],
  [{ cropBegin: undefined }, TypeError, /cropBegin expected a number or an array of numbers, got undefined/],
  [{ kernelSet: 'avx' }, ArgumentError, /kernelSet/],
  [{ microkernel: '7x8' }, ArgumentError, /microkernel/],
  [
    { algorithm: 'winograd', kernel: [9, 9], stride: 1 },
    ArgumentError,
    /'winograd', which needs at most three taps per phase/,
  ],
  [{ algorithm: 'depthwise', inChannels: 10, outChannels: 10 }, ArgumentError, /needs at most 4 channels per group/],
  [{ algorithm: 'fft' }, ArgumentError, /algorithm/],
  [{ bias: 1 }, TypeError, /bias expected true or false/],
  [{ activation: 'mish' }, ArgumentError, /activation/],
  [{ inputActivation: { clamp: [6, 0] } }, ArgumentError, /inputActivation.clamp/],
  [{ inputStrides: [1, 2, 3] }, ArgumentError, /inputStrides expected 4 strides, of \[2, 4, 5, 7\]/],
  [{ inputStrides: [140, 35, -7, 1] }, ArgumentError, /inputStrides/],
  [{ weightStrides: 'hwio' }, TypeError, /weightStrides expected an array of numbers/],
  [{ outputStrides: [594, 99, 11, 0] }, ArgumentError, /outputStrides expected strides whose elements do not overlap/],
  [{ outputStrides: [594, 99, 10, 1] }, ArgumentError, /outputStrides expected strides whose elements do not overlap/],
  [{ inputStrides: [2 ** 31 - 1, 2 ** 31 - 1, 7, 1] }, ArgumentError, /inputStrides expected offsets below 2\^31/],
  [{ batch: 2 ** 20, inChannels: 2 ** 12 }, ShapeError, /input expected fewer than 2\^31 elements/],
  [{ stride: [2 ** 30, 1] }, ShapeError, /coordinates below 2\^31/],
  [{ output_spatial: [9, 11] }, ArgumentError, /did you mean outputSpatial/],
  [{ padding: 1 }, ArgumentError, /'padding'/],
];

/** Of a backward plan the output is read, and an activation has no place. */
const isForBackward = ([change]: Wrong): boolean => !('outputStrides' in change || 'inputActivation' in change);

describe.each([
  ['planConvTranspose', planConvTranspose],
  ['planConv', planConv],
  ['planConvTransposeBackward', planConvTransposeBackward],
  ['planConvBackward', planConvBackward],
] as const)('%s', (name, plan) => {
  test.each(name.endsWith('Backward') ? WRONG.filter(isForBackward) : WRONG)('%j', (change, error, text) => {
    const wrong = { ...SPEC, ...change } as ConvSpec;
    expect(() => plan(wrong)).toThrow(error);
    expect(() => plan(wrong)).toThrow(text);
    expect(() => plan(wrong)).toThrow(new RegExp(`^${name}: `));
  });

  test('what is right', () => {
    const { outputShape, paramsBytes } = plan(SPEC);
    expect(outputShape).toEqual([2, 6, 9, 11]);
    expect(paramsBytes).toBeGreaterThan(0);
  });

  test('no object', () => {
    expect(() => plan(null as unknown as ConvSpec)).toThrow(TypeError);
  });
});

test.each([
  [{ outputMask: [true, true] }, ArgumentError],
  [{ outputMask: [1, 0, 1] }, TypeError],
  [{ accumulate: 'yes' }, TypeError],
  [{ activation: 'relu' }, ArgumentError],
  [{ inputActivation: 'relu' }, ArgumentError],
  [{ inputStrides: [0, 35, 7, 1] }, ArgumentError],
  [{ weightStrides: [18, 6, 0, 1] }, ArgumentError],
] as const)('backward: %j', (change, error) => {
  expect(() => planConvTransposeBackward({ ...SPEC, ...(change as Partial<ConvBackwardSpec>) })).toThrow(error);
});

test('strides of a gradient that is not wanted may repeat', () => {
  const plan = planConvTransposeBackward({ ...SPEC, inputStrides: [0, 35, 7, 1], outputMask: [false, true, true] });
  expect(plan.operands.input).toBe(35 * 4 * 4);
});

test.each([
  [{ m: -1 }, ShapeError, /m expected at least 0/],
  [{ n: 2.5 }, ArgumentError, /n expected an integer/],
  [{ k: 2 ** 31 - 1, m: 3 }, ShapeError, /a expected fewer than 2\^31 elements/],
  [{ aStrides: [1, 1] }, ArgumentError, /aStrides expected 3 strides/],
  [{ outputStrides: [0, 3, 1] }, ArgumentError, /do not overlap/],
  [{ transposeB: true }, ArgumentError, /'transposeB'/],
] as const)('planMatmul: %j', (change, error, text) => {
  const spec = { dtype: 'float32', batch: 2, m: 4, n: 3, k: 5, kernelSet: 'simd', ...change } as const;
  expect(() => planMatmul(spec as Parameters<typeof planMatmul>[0])).toThrow(error);
  expect(() => planMatmul(spec as Parameters<typeof planMatmul>[0])).toThrow(text);
});

describe('bind', () => {
  let kernels: Kernels;
  let plan: Plan;
  const pointers = { params: 64, workspace: 32768, input: 16384, weight: 20480, output: 24576 };
  beforeAll(async () => {
    kernels = createKernels(await loadVariant('simd'), new WebAssembly.Memory({ initial: 2 }));
    plan = planConvTranspose({ ...SPEC, algorithm: 'planes' });
  });

  test.each([
    [{ input: undefined }, ArgumentError, /pointers.input expected an address, got none/],
    [{ weight: undefined }, ArgumentError, /pointers.weight expected an address/],
    [{ workspace: undefined }, ArgumentError, /pointers.workspace/],
    [{ params: undefined }, ArgumentError, /pointers.params/],
    [{ output: '24576' }, TypeError, /pointers.output expected a number, got '24576'/],
    [{ output: 24578 }, ArgumentError, /pointers.output expected an address from 0 on that is a multiple of 4/],
    [{ output: -4 }, ArgumentError, /pointers.output/],
    [{ output: 131068 }, ArgumentError, /pointers.output expected 4752 bytes inside the memory of 131072/],
    [{ bias: 8 }, ArgumentError, /'bias'/],
    [{ gradInput: 8 }, ArgumentError, /'gradInput'/],
  ])('%j', (change, error, text) => {
    const wrong = { ...pointers, ...change } as unknown as Record<string, number>;
    expect(() => bind(kernels, plan, wrong)).toThrow(error);
    expect(() => bind(kernels, plan, wrong)).toThrow(text);
  });

  test('a bias at address 0 would be no bias', () => {
    const withBias = planConvTranspose({ ...SPEC, bias: true });
    expect(() => bind(kernels, withBias, { ...pointers, bias: 0 })).toThrow(ArgumentError);
    expect(() => bind(kernels, withBias, pointers)).toThrow(/pointers.bias expected an address/);
  });

  test('packing is part of the stages only with a raw weight', () => {
    const packing = bindPack(kernels, plan, { params: 64, weight: 20480, packedWeight: 40960 });
    expect(packing.map(({ entry }) => entry)).toEqual(['packForwardWeight']);
    const raw = bind(kernels, plan, pointers);
    expect(raw.map(({ entry }) => entry)).toEqual(['packForwardWeight', 'convTransposeForward']);
    const packed = bind(kernels, plan, { ...pointers, weight: undefined, packedWeight: 40960 });
    expect(packed.map(({ entry }) => entry)).toEqual(['convTransposeForward']);
    expect(() => bindPack(kernels, plan, { params: 64, weight: 20480 })).toThrow(/pointers.packedWeight/);
  });

  test('a gradient without an address is left out, unless outputMask asks for it', () => {
    const places = { ...pointers, output: undefined, gradOutput: 24576, gradBias: 512 };
    const bound = bind(kernels, planConvTransposeBackward(SPEC), places);
    expect(bound.map(({ entry }) => entry)).toEqual(['channelSum']);
    const asked = planConvTransposeBackward({ ...SPEC, outputMask: [true, true, true] });
    expect(() => bind(kernels, asked, places)).toThrow(/pointers.gradInput expected an address/);
    const { gradBias: _, ...none } = places;
    expect(() => bind(kernels, planConvTransposeBackward(SPEC), none)).toThrow(ArgumentError);
  });
});

describe('createKernels and loadVariant', () => {
  test('a memory that is shared or not, as the module wants it', async () => {
    const [simd, threaded] = await Promise.all([loadVariant('simd'), loadVariant('simd-threads')]);
    const plain = new WebAssembly.Memory({ initial: 1 });
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(createKernels(simd, plain).kernelSet).toBe('simd');
    expect(createKernels(threaded, shared).kernelSet).toBe('simd');
    expect(() => createKernels(simd, shared)).toThrow(/memory expected a memory that is not shared/);
    expect(() => createKernels(threaded, plain)).toThrow(ArgumentError);
  });

  test('other things', async () => {
    const simd = await loadVariant('simd');
    const memory = new WebAssembly.Memory({ initial: 1 });
    const foreign = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    expect(() => createKernels(foreign, memory)).toThrow(/createKernels: module expected a module of upconv/);
    expect(() => createKernels({}, memory)).toThrow(TypeError);
    expect(() => createKernels(simd, {} as WebAssembly.Memory)).toThrow(TypeError);
    await expect(loadVariant('avx' as 'simd')).rejects.toThrow(ArgumentError);
  });
});
