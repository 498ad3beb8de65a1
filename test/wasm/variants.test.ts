import { beforeAll, describe, expect, test } from 'vitest';
import {
  convTranspose1dSync,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  tensor,
} from '../../src/index.ts';
import { paramsBytes, run, writeConstants, writePointers } from '../../src/kernels/bind.ts';
import { createKernels } from '../../src/kernels/kernels.ts';
import type { Stage } from '../../src/plan/stage.ts';
import { planMatmul } from '../../src/plan/matmul.ts';
import { planConvTransposeForward } from '../../src/plan/conv_transpose_forward.ts';
import { convTransposeGeometry } from '../../src/functional/conv_transpose_geometry.ts';
import { decodeInlined } from '../../src/wasm/inlined_text.ts';
import { describeModule, supportsRelaxedSimd } from '../../src/wasm/variants.ts';
import { text as debug } from '../../src/wasm/inlined/debug.ts';
import { text as relaxedThreads } from '../../src/wasm/inlined/relaxed-threads.ts';
import { text as relaxed } from '../../src/wasm/inlined/relaxed.ts';
import { text as simdThreads } from '../../src/wasm/inlined/simd-threads.ts';
import { text as simd } from '../../src/wasm/inlined/simd.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import { contiguousStrides } from '../../src/core/shape.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { expectWithinBound } from '../support/expect.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';
import { text as wideThreads } from '../../src/wasm/inlined/wide-threads.ts';
import { text as wide } from '../../src/wasm/inlined/wide.ts';
import { FIRST_RELAXED, numbersOf, PREFIX, readWasm, SECTION } from '../support/wasm_module.ts';
import type { WasmModule } from '../support/wasm_module.ts';
import manifest from '../../package.json' with { type: 'json' };

const BYTES = {
  simd: decodeInlined(simd),
  relaxed: decodeInlined(relaxed),
  wide: decodeInlined(wide),
  'simd-threads': decodeInlined(simdThreads),
  'relaxed-threads': decodeInlined(relaxedThreads),
  'wide-threads': decodeInlined(wideThreads),
  debug: decodeInlined(debug),
};
type Name = keyof typeof BYTES;
const RELEASE: Name[] = ['simd', 'relaxed', 'wide', 'simd-threads', 'relaxed-threads', 'wide-threads'];
/** A runtime without relaxed SIMD compiles the plain variants alone. */
const compiles = (name: Name): boolean => supportsRelaxedSimd() || name.startsWith('simd');
const COMPILING = RELEASE.filter(compiles);
const THREADED = (['simd-threads', 'relaxed-threads', 'wide-threads'] as const).filter(compiles);
const UNTHREADED = (['simd', 'relaxed', 'wide', 'debug'] as const).filter(compiles);
const DTYPES = ['float32', 'float64'] as const;

const INPUT = [2, 5, 6, 7];
const WEIGHT = [5, 3, 4, 3];
const OPTIONS = { stride: [2, 3], padding: 1, outputPadding: [1, 0], dilation: [1, 2] };

interface Problem {
  readonly make: typeof randomFloat32 | typeof randomFloat64;
  readonly input: RefTensor;
  readonly weight: RefTensor;
  readonly bias: RefTensor;
}

function problemOf(dtype: (typeof DTYPES)[number]): Problem {
  const make = dtype === 'float64' ? randomFloat64 : randomFloat32;
  const random = (shape: number[], seed: number): RefTensor => refTensor(shape, make(elementCount(shape), seed));
  return { make, input: random(INPUT, 1), weight: random(WEIGHT, 2), bias: random([3], 3) };
}

describe.each(RELEASE)('release variant %s', (name) => {
  let module: WasmModule;
  beforeAll(() => {
    module = readWasm(BYTES[name]);
  });

  test('has at most 48 KiB', () => {
    expect(BYTES[name].length).toBeLessThanOrEqual(48 * 1024);
    expect(module.opcodes.size).toBeGreaterThan(100); // the reader saw the code
  });

  test('has no data segment, no mutable global, no start function, no table entries', () => {
    const ids = module.sections.map(({ id }) => id);
    expect(ids).not.toContain(SECTION.data);
    expect(ids).not.toContain(SECTION.start);
    expect(ids).not.toContain(SECTION.element);
    expect(module.mutableGlobals).toBe(0);
  });

  test('relaxed instructions only where the name says so', () => {
    const numbers = numbersOf(module, PREFIX.simd);
    expect(numbers.length).toBeGreaterThan(20);
    expect(numbers.some((number) => number >= FIRST_RELAXED)).toBe(!name.startsWith('simd'));
  });
});

test.each(RELEASE)('%s is a module to those runtimes that have its instructions', (name) => {
  expect(WebAssembly.validate(BYTES[name])).toBe(compiles(name));
});

describe.each(COMPILING)('compiled variant %s', (name) => {
  test('imports its memory and nothing else', () => {
    const compiled = new WebAssembly.Module(BYTES[name]);
    const imports = WebAssembly.Module.imports(compiled);
    expect(imports.map(({ module, name, kind }) => ({ module, name, kind }))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
    const others = WebAssembly.Module.exports(compiled).filter(({ kind }) => kind !== 'function');
    expect(others.map((entry) => entry.name)).toEqual(name.endsWith('threads') ? ['table'] : []);
  });

  test('kernels use no atomics', () => {
    const allowed = name.endsWith('threads') ? /worker/i : /^$/;
    const entries = WebAssembly.Module.exports(new WebAssembly.Module(BYTES[name]));
    const mayWait = entries.some((entry) => allowed.test(entry.name));
    expect(numbersOf(readWasm(BYTES[name]), PREFIX.atomic).length > 0).toBe(mayWait);
  });

  test('says what it is in its custom section', () => {
    const compiled = new WebAssembly.Module(BYTES[name]);
    const [kernelSet] = name.split('-');
    const threads = name.endsWith('threads');
    expect(describeModule(compiled, 'test', 'module')).toEqual({
      variant: name,
      kernelSet,
      threads,
      version: manifest.version,
    });
  });
});

test('all variants export the same entries', () => {
  const entriesOf = (name: Name): string[] =>
    WebAssembly.Module.exports(new WebAssembly.Module(BYTES[name]))
      .map((entry) => entry.name)
      .filter((entry) => !/worker|job|table/i.test(entry))
      .toSorted();
  const expected = entriesOf('simd');
  expect(expected).toContain('convTransposeForward');
  const names = [...RELEASE, 'debug' as const].filter(compiles);
  expect(names.map(entriesOf)).toEqual(names.map(() => expected));
});

describe.each(UNTHREADED)('%s computes', (name) => {
  test.each(DTYPES)('forward and all gradients in %s', async (dtype) => {
    const engine = await createEngine({ wasm: new WebAssembly.Module(BYTES[name]) });
    try {
      expect(engine.info.variant).toBe(name);
      expect(engine.info.relaxed).toBe(name !== 'simd');
      const { make, input, weight, bias } = problemOf(dtype);
      const upload = ({ shape, data }: RefTensor) =>
        tensor(make === randomFloat64 ? data : Float32Array.from(data), shape, { engine });
      const [x, w, b] = [input, weight, bias].map(upload);
      const reference = convTransposeReference(input, weight, bias, OPTIONS);
      const y = convTranspose2dSync(x, w, b, OPTIONS);
      expectWithinBound(y, reference);
      const gradOutput = refTensor(reference.shape, make(reference.data.length, 4));
      const sums = convTransposeBackwardReference(gradOutput, input, weight, OPTIONS);
      const { gradInput, gradWeight, gradBias } = convTranspose2dBackwardSync(upload(gradOutput), x, w, OPTIONS);
      expectWithinBound(gradInput, sums.gradInput);
      expectWithinBound(gradWeight, sums.gradWeight);
      expectWithinBound(gradBias, sums.gradBias);
    } finally {
      engine.dispose();
    }
  });
});

describe.each(THREADED)('%s on a shared memory', (name) => {
  test('serves an engine that computes on one thread', async () => {
    const engine = await createEngine({ wasm: new WebAssembly.Module(BYTES[name]), threads: 1 });
    try {
      expect(engine.info).toMatchObject({ variant: name, threads: 1 });
      const x = tensor([1, 2], [1, 2], { engine });
      expect(x.data.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect([...convTranspose1dSync(x, tensor([1, 1], [1, 1, 2], { engine })).toTypedArray()]).toEqual([1, 3, 2]);
    } finally {
      engine.dispose();
    }
  });

  test.each(DTYPES)('computes a forward stage in %s, split over two thread numbers', (dtype) => {
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
    const kernels = createKernels(new WebAssembly.Module(BYTES[name]), memory);
    const { input, weight, bias } = problemOf(dtype);
    const bytes = dtype === 'float64' ? 8 : 4;
    const { geometry, outputShape } = convTransposeGeometry('test', 2, INPUT, WEIGHT, OPTIONS);
    const stridesOf = (shape: readonly number[]) => {
      const [batch, channel, ...spatial] = contiguousStrides(shape);
      return { batch, channel, spatial: [0, ...spatial] as [number, number, number] };
    };
    const plan = planConvTransposeForward({
      dtype,
      kernelSet: kernels.kernelSet,
      mr: null,
      geometry,
      input: stridesOf(INPUT),
      weight: { inChannel: 36, outChannel: 12, spatial: [0, 3, 1] },
      output: stridesOf(outputShape),
      bias: true,
      accumulate: false,
    });

    let end = 1024;
    const place = (size: number): number => {
      const ptr = end;
      end = Math.ceil((end + size) / 64) * 64;
      return ptr;
    };
    const view = (ptr: number, count: number) =>
      dtype === 'float64' ? new Float64Array(memory.buffer, ptr, count) : new Float32Array(memory.buffer, ptr, count);
    const put = ({ data }: RefTensor): number => {
      const ptr = place(data.length * bytes);
      view(ptr, data.length).set(data);
      return ptr;
    };
    const outputSize = elementCount(outputShape);
    const pointers = {
      input: put(input),
      weight: put(weight),
      bias: put(bias),
      output: place(outputSize * bytes),
      packedWeight: place(plan.packedWeightBytes),
      workspace: place(plan.workspaceBytes.shared + 2 * plan.workspaceBytes.perThread),
    };
    view(pointers.output, outputSize).fill(Number.NaN);
    const bind = (stages: readonly Stage[]) => {
      const bound = writeConstants(memory, stages, place(paramsBytes(stages)));
      writePointers(memory, bound, pointers);
      return bound.stages;
    };
    run(kernels, bind(plan.pack));
    for (const { entry, paramsPtr, items } of bind(plan.stages)) {
      expect(items).toBeGreaterThan(1);
      const half = Math.ceil(items / 2);
      kernels.exports[entry](paramsPtr, half, items, 1);
      kernels.exports[entry](paramsPtr, 0, half, 0);
    }
    const values = view(pointers.output, outputSize).slice();
    expectWithinBound({ shape: outputShape, values }, convTransposeReference(input, weight, bias, OPTIONS));
  });
});

test.runIf(compiles('debug'))('debug asserts what release does not', () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const kernels = createKernels(new WebAssembly.Module(BYTES.debug), memory);
  const product = planMatmul({
    dtype: 'float32',
    kernelSet: 'relaxed',
    mr: null,
    batch: [],
    m: 1,
    n: 1,
    k: 1,
    a: { row: 1, column: 1 },
    b: { row: 1, column: 1 },
    c: { row: 1, column: 1 },
  });
  const runWith = (stages: readonly Stage[]): void => {
    const bound = writeConstants(memory, stages, 4096);
    writePointers(memory, bound, { a: 1024, b: 1088, c: 1152, workspace: 65536 });
    run(kernels, bound.stages);
  };
  expect(() => runWith(product.stages)).not.toThrow();
  const [stage] = product.stages;
  expect(() => runWith([{ ...stage, fields: { ...stage.fields, kc: 0 } }])).toThrow(WebAssembly.RuntimeError);
  expect(readWasm(BYTES.relaxed).opcodes.has(0x00)).toBe(false); // no `unreachable`: no assertion is left
});

test.runIf(compiles('relaxed'))('plain and fused kernels differ in rounding alone', async () => {
  const [plain, fused] = await Promise.all(
    (['simd', 'relaxed'] as const).map((name) => createEngine({ wasm: new WebAssembly.Module(BYTES[name]) })),
  );
  const sumOf = (engine: typeof plain) => {
    const x = tensor(randomFloat32(64 * 64, 5), [1, 64, 8, 8], { engine });
    const y = convTranspose2dSync(x, tensor(randomFloat32(64 * 8 * 4, 6), [64, 8, 2, 2], { engine }), null, {
      stride: 2,
    });
    return y.toTypedArray();
  };
  const [a, b] = [sumOf(plain), sumOf(fused)];
  expect(a).not.toEqual(b);
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-5);
  plain.dispose();
  fused.dispose();
});
