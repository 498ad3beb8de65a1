import { beforeAll, describe, expect, test } from 'vitest';
import type { ConvSpec, Plan } from '../../src/kernels.ts';
import { microkernels } from '../../src/plan/blocking.ts';
import {
  bind,
  bindPack,
  createKernels,
  loadVariant,
  planConv,
  planConvBackward,
  planConvTranspose,
  planConvTransposeBackward,
  planMatmul,
  run,
} from '../../src/kernels.ts';
import { elementCount } from '../reference/tensor.ts';
import { runPlan } from '../support/bound_plan.ts';
import { GuardedHeap } from '../support/guarded_heap.ts';
import { randomFloat32 } from '../support/random.ts';

const SPEC: ConvSpec = {
  dtype: 'float32',
  batch: 2,
  inChannels: 6,
  outChannels: 4,
  groups: 1,
  inputSpatial: [7, 12],
  kernel: [4, 3],
  stride: [2, 1],
  dilation: [1, 2],
  cropBegin: [1, 0],
  outputSpatial: [14, 16],
  kernelSet: 'simd',
};
const INPUT = randomFloat32(elementCount([2, 6, 7, 12]), 1);
const WEIGHT = randomFloat32(elementCount([6, 4, 4, 3]), 2);
const GRAD_OUTPUT = randomFloat32(elementCount([2, 4, 14, 16]), 3);

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await loadVariant('simd');
});

const PLANS: [string, Plan][] = [
  ['planConvTranspose', planConvTranspose({ ...SPEC, bias: true, activation: { clamp: [0, 6] } })],
  ['planConvTransposeBackward', planConvTransposeBackward(SPEC)],
  ['planConv', planConv(SPEC)],
  ['planConvBackward', planConvBackward({ ...SPEC, accumulate: true })],
  ['implicit', planConvTranspose({ ...SPEC, algorithm: 'implicit', bias: true, inputActivation: 'gelu' })],
  ['implicit in place', planConvTranspose({ ...SPEC, kernel: [2, 1], dilation: [1, 1], algorithm: 'implicit' })],
  ['depthwise', planConvTranspose({ ...SPEC, groups: 2, inChannels: 2 })],
  ['planMatmul', planMatmul({ dtype: 'float64', batch: 2, m: 3, n: 4, k: 5, kernelSet: 'simd' })],
];

describe.each(PLANS)('%s is data', (_, plan) => {
  test('it says what it needs', () => {
    const { outputShape, packedWeightBytes, workspaceBytes, paramsBytes, pack, stages } = plan;
    expect(outputShape.every((length) => Number.isInteger(length))).toBe(true);
    for (const bytes of [packedWeightBytes, workspaceBytes.shared, workspaceBytes.perThread, paramsBytes]) {
      expect(Number.isInteger(bytes) && bytes >= 0).toBe(true);
    }
    expect(pack.length > 0).toBe(packedWeightBytes > 0);
    expect(stages.length).toBeGreaterThan(0);
    // nothing but objects, arrays, numbers, words and tables
    const kinds = new Set<string>();
    const visit = (value: unknown): void => {
      const nested = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
      kinds.add(nested ? (Object.getPrototypeOf(value) as object).constructor.name : typeof value);
      if (nested) Object.values(value).forEach(visit);
    };
    visit(plan);
    expect([...kinds].filter((kind) => !['Object', 'Array', 'number', 'string', 'object'].includes(kind))).toEqual([]);
  });

  test('it survives structuredClone and a message port', async () => {
    expect(structuredClone(plan)).toEqual(plan);
    const { port1, port2 } = new MessageChannel();
    const arrived = new Promise((resolve) => {
      port2.addEventListener('message', ({ data }: MessageEvent<Plan>) => resolve(data), { once: true });
    });
    port2.start();
    port1.postMessage(plan);
    expect(await arrived).toEqual(plan);
    port1.close();
  });
});

test('a clone of a plan computes the same numbers', () => {
  const plan = planConvTransposeBackward(SPEC);
  const inputs = { gradOutput: GRAD_OUTPUT, input: INPUT, weight: WEIGHT };
  expect(runPlan(module, structuredClone(plan), inputs)).toEqual(runPlan(module, plan, inputs));
});

test('no gradient wanted: nothing to do', () => {
  const kernels = createKernels(module, new WebAssembly.Memory({ initial: 1 }));
  const plan = planConvTransposeBackward({ ...SPEC, outputMask: [false, false, false] });
  expect(bind(kernels, plan, { params: 64, gradOutput: 1024 })).toEqual([]);
});

test('parameter blocks may begin anywhere, and the memory may grow behind them', () => {
  const plan = planConvTranspose(SPEC);
  const expected = runPlan(module, plan, { input: INPUT, weight: WEIGHT }).output;
  const memory = new WebAssembly.Memory({ initial: 8 });
  const kernels = createKernels(module, memory);
  expect(kernels).toMatchObject({ kernelSet: 'simd', memory });
  const pointers = { input: 4, weight: 32768, packedWeight: 65536, output: 131_076, workspace: 262_148 };
  new Float32Array(memory.buffer, pointers.input, INPUT.length).set(INPUT);
  new Float32Array(memory.buffer, pointers.weight, WEIGHT.length).set(WEIGHT);
  for (const offset of [0, 1, 7]) {
    const place = { ...pointers, params: 16_384 + offset };
    const { weight: _, ...packed } = place;
    new Uint8Array(memory.buffer, 16_384, plan.paramsBytes + 64).fill(0x5a);
    new Float32Array(memory.buffer, pointers.output, expected.length).fill(Number.NaN);
    const { params, weight, packedWeight } = place;
    const packing = bindPack(kernels, plan, { params, weight, packedWeight });
    memory.grow(1);
    run(kernels, packing);
    memory.grow(1);
    const bound = bind(kernels, plan, packed);
    memory.grow(1);
    run(kernels, bound);
    expect(new Float32Array(memory.buffer, pointers.output, expected.length)).toEqual(expected);
    const bytes = new Uint8Array(memory.buffer);
    expect([...bytes.subarray(16_384, params)].every((byte) => byte === 0x5a)).toBe(true);
    expect(
      [...bytes.subarray(params + plan.paramsBytes, 16_384 + plan.paramsBytes + 64)].every((b) => b === 0x5a),
    ).toBe(true);
  }
});

test('two instances live on one memory', () => {
  const plan = planConvTranspose(SPEC);
  const heap = new GuardedHeap(8, 8);
  const expected = runPlan(module, plan, { input: INPUT, weight: WEIGHT }).output;
  const instances = [0, 1].map((index) => {
    const place = (name: string, bytes: number) => heap.allocate(`${name} ${index}`, bytes);
    const pointers = {
      params: place('params', plan.paramsBytes),
      workspace: place('workspace', plan.workspaceBytes.shared + plan.workspaceBytes.perThread),
      input: place('input', plan.operands.input),
      weight: place('weight', plan.operands.weight),
      output: place('output', plan.operands.output),
    };
    heap.protect(`input ${index}`, 'float32', INPUT);
    heap.protect(`weight ${index}`, 'float32', WEIGHT);
    const kernels = createKernels(module, heap.memory);
    return { kernels, bound: bind(kernels, plan, pointers) };
  });
  const [first, second] = instances;
  // stage by stage in turns, as two threads of a host would
  first.bound.forEach((stage, index) => {
    run(first.kernels, [stage]);
    run(second.kernels, [second.bound[index]]);
  });
  for (const index of [0, 1]) expect(heap.read(`output ${index}`, 'float32')).toEqual(expected);
  heap.checkGuards();
});

test('a shared memory with a threaded variant gives the same bits', async () => {
  const plan = planConvTransposeBackward(SPEC);
  const inputs = { gradOutput: GRAD_OUTPUT, input: INPUT, weight: WEIGHT };
  const shared = runPlan(await loadVariant('simd-threads'), plan, inputs, { threads: 2 });
  expect(shared).toEqual(runPlan(module, plan, inputs));
});

test('accumulate adds to what is there, for one gradient or all', () => {
  const inputs = { gradOutput: GRAD_OUTPUT, input: INPUT, weight: WEIGHT };
  const plain = runPlan(module, planConvTransposeBackward(SPEC), inputs);
  const start = {
    gradInput: randomFloat32(INPUT.length, 5),
    gradWeight: randomFloat32(WEIGHT.length, 6),
    gradBias: randomFloat32(4, 7),
  };
  const all = runPlan(module, planConvTransposeBackward({ ...SPEC, accumulate: true }), inputs, {}, start);
  for (const [name, before] of Object.entries(start)) {
    const sums = Float64Array.from(before, (value, index) => value + plain[name][index]);
    all[name].forEach((value, index) => expect(value).toBeCloseTo(sums[index], 4));
  }
  const one = planConvTransposeBackward({ ...SPEC, accumulate: [false, true, false] });
  const mixed = runPlan(module, one, inputs, {}, { gradWeight: start.gradWeight });
  expect(mixed.gradInput).toEqual(plain.gradInput);
  expect(mixed.gradWeight).toEqual(all.gradWeight);
  expect(mixed.gradBias).toEqual(plain.gradBias);
});

test('matmul with strides: a and b transposed, one b for all, columns of the output first', () => {
  const [batch, m, n, k] = [3, 5, 4, 6];
  const spec = { dtype: 'float32', batch, m, n, k, kernelSet: 'simd' } as const;
  const plan = planMatmul({ ...spec, aStrides: [30, 1, 5], bStrides: [0, 1, 6], outputStrides: [20, 1, 5] });
  const [a, b] = [randomFloat32(batch * m * k, 1), randomFloat32(k * n, 2)];
  const { output } = runPlan(module, plan, { a, b });
  expect(plan.outputShape).toEqual([batch, m, n]);
  for (let matrix = 0; matrix < batch; matrix++) {
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[matrix * 30 + row + p * 5] * b[p + column * 6];
        expect(output[matrix * 20 + row + column * 5]).toBeCloseTo(sum, 5);
      }
    }
  }
});

test('one input element takes any stride, and every microkernel agrees', () => {
  const huge = { ...SPEC, inputSpatial: [1, 1], stride: [2 ** 31 - 1, 2 ** 31 - 1], kernel: [2, 2] };
  const small = { ...huge, stride: [3, 3] };
  const input = randomFloat32(12, 1);
  const weight = randomFloat32(6 * 4 * 4, 2);
  const spec = { cropBegin: [0, 0], outputSpatial: [3, 5] };
  const expected = runPlan(module, planConvTranspose({ ...small, ...spec }), { input, weight });
  expect(runPlan(module, planConvTranspose({ ...huge, ...spec }), { input, weight })).toEqual(expected);
  for (const microkernel of microkernels('relaxed')) {
    const plan = planConvTranspose({ ...SPEC, microkernel });
    expect(runPlan(module, plan, { input: INPUT, weight: WEIGHT })).toEqual(
      runPlan(module, planConvTranspose(SPEC), { input: INPUT, weight: WEIGHT }),
    );
  }
});
