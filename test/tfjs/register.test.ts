/** `register` in TensorFlow.js: what it replaces, without copies and with, against the cpu backend. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, EngineError } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import type { Registration } from '../../src/tfjs.ts';
import { register } from '../../src/tfjs.ts';
import { layers, tf, useBackend } from './tfjs.ts';

type Padding = 'same' | 'valid';

/** Values in [−1, 1] that both backends get. */
function noise(shape: number[], seed: number) {
  return tf.randomUniform(shape, -1, 1, 'float32', seed);
}

interface Case2d {
  readonly dy: [number, number, number, number];
  readonly filter: [number, number, number, number];
  readonly output: [number, number, number, number];
  readonly strides: [number, number];
  readonly pad: Padding | number | [[0, 0], [number, number], [number, number], [0, 0]];
}

const CASES: readonly Case2d[] = [
  { dy: [2, 5, 6, 7], filter: [4, 4, 3, 7], output: [2, 10, 12, 3], strides: [2, 2], pad: 'same' },
  { dy: [1, 5, 6, 16], filter: [3, 5, 9, 16], output: [1, 11, 22, 9], strides: [2, 3], pad: 'valid' },
  { dy: [1, 4, 4, 2], filter: [2, 2, 5, 2], output: [1, 9, 8, 5], strides: [2, 2], pad: 'valid' },
  { dy: [3, 8, 8, 4], filter: [3, 3, 1, 4], output: [3, 8, 8, 1], strides: [1, 1], pad: 1 },
  { dy: [1, 2, 2, 3], filter: [2, 2, 4, 3], output: [1, 3, 3, 4], strides: [2, 2], pad: 'same' },
  { dy: [1, 3, 3, 2], filter: [1, 1, 4, 2], output: [1, 7, 8, 4], strides: [3, 3], pad: 'valid' },
  {
    dy: [1, 4, 4, 3],
    filter: [3, 3, 2, 3],
    output: [1, 7, 7, 2],
    strides: [2, 2],
    pad: [
      [0, 0],
      [1, 1],
      [0, 2],
      [0, 0],
    ],
  },
];

function forward2d({ dy, filter, output, strides, pad }: Case2d): number[] {
  return tf.tidy(() => {
    const [x, w] = [noise(dy, 1) as tf.Tensor4D, noise(filter, 2) as tf.Tensor4D];
    return Array.from(tf.conv2dTranspose(x, w, output, strides, pad).dataSync());
  });
}

/** conv2dTranspose and its gradients by x and by the filter. */
function compute2d({ dy, filter, output, strides, pad }: Case2d): number[][] {
  return tf.tidy(() => {
    const [x, w] = [noise(dy, 1) as tf.Tensor4D, noise(filter, 2) as tf.Tensor4D];
    const run = (a: tf.Tensor, b: tf.Tensor) =>
      tf.conv2dTranspose(a as tf.Tensor4D, b as tf.Tensor4D, output, strides, pad);
    const [dx, dw] = tf.grads(run)([x, w], noise(output, 3));
    return [run(x, w), dx, dw].map((t) => Array.from(t.dataSync()));
  });
}

function compute3d(pad: Padding): number[][] {
  return tf.tidy(() => {
    const output: [number, number, number, number, number] = pad === 'same' ? [2, 4, 6, 8, 2] : [2, 5, 8, 9, 2];
    const x = noise([2, 2, 3, 4, 5], 1) as tf.Tensor5D;
    const w = noise([3, 4, 3, 2, 5], 2) as tf.Tensor5D;
    const up = tf.conv3dTranspose(x, w, output, 2, pad);
    const image = noise(output, 3) as tf.Tensor5D;
    const [dImage, dw] = tf.grads((a, b) => tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 2, pad))(
      [image, noise([3, 4, 3, 2, 5], 4)],
      noise([2, 2, 3, 4, 5], 5),
    );
    return [up, dImage, dw].map((t) => Array.from(t.dataSync()));
  });
}

function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  actual.forEach((values, which) => {
    const scale = Math.max(...expected[which].map(Math.abs), 1);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[which][i])), 0);
    expect(worst / scale).toBeLessThan(1e-5);
  });
}

describe.each(['wasm', 'wasm, in an engine', 'cpu'])('%s', (place) => {
  const backend = place === 'cpu' ? 'cpu' : 'wasm';
  let engine: Engine | undefined;
  let registration: Registration;
  beforeAll(async () => {
    await useBackend(backend);
    engine = place === 'wasm, in an engine' ? await createEngine({ threads: 1 }) : undefined;
    registration = await register(tf, { engine });
  });
  afterAll(() => {
    registration.unregister();
    engine?.dispose();
  });

  async function inCpu<T>(compute: () => T): Promise<T> {
    if (backend === 'cpu') registration.unregister();
    await useBackend('cpu');
    const result = compute();
    await useBackend(backend);
    if (backend === 'cpu') registration = await register(tf);
    return result;
  }

  test.each(CASES)('conv2dTranspose and its gradients: %j', async (given) => {
    const expected = await inCpu(() => compute2d(given));
    const { calls } = registration.stats;
    expectClose(compute2d(given), expected);
    expect(registration.stats.calls - calls).toBe(3);
  });

  test.each(['same', 'valid'] as const)('conv3dTranspose and gradients of conv3d: %s', async (pad) => {
    const expected = await inCpu(() => compute3d(pad));
    const { calls } = registration.stats;
    expectClose(compute3d(pad), expected);
    expect(registration.stats.calls - calls).toBe(3);
  });

  // TensorFlow.js itself takes the height of filter and stride for the width, so it is asked with the padding of each axis
  test.each([
    { dy: [1, 6, 5, 3], filter: [8, 1, 2, 3], output: [1, 28, 5, 2], strides: [4, 1], pad: 0 },
    { dy: [2, 5, 6, 3], filter: [1, 8, 2, 3], output: [2, 5, 28, 2], strides: [1, 4], pad: 0 },
    { dy: [1, 5, 7, 2], filter: [5, 3, 4, 2], output: [1, 11, 7, 4], strides: [2, 1], pad: 1 },
  ] satisfies Case2d[])('one number for the padding of unlike axes: %j', async (given) => {
    const both = [given.pad, given.pad] as [number, number];
    const expected = await inCpu(() => forward2d({ ...given, pad: [[0, 0], both, both, [0, 0]] }));
    expectClose([forward2d(given)], [expected]);
  });

  // kernels alone: in such a convolution the wasm backend writes beyond its output
  test('gradients of a convolution that TensorFlow.js cuts for that reason', async () => {
    const inputShape = [1, 28, 13, 2];
    const filterShape = [8, 1, 2, 3];
    const compute = (): number[][] =>
      tf.tidy(() => {
        const [x, filter] = [noise(inputShape, 1), noise(filterShape, 2)];
        const dy = noise([1, 6, 2, 3], 3); // 13 columns would be right
        const attrs = { strides: [4, 1], pad: 0, dataFormat: 'NHWC', inputShape };
        const gradients = [
          tf.engine().runKernel<tf.Tensor>('Conv2DBackpropInput', { dy, filter }, attrs),
          tf.engine().runKernel<tf.Tensor>('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape }),
        ];
        return gradients.map((t) => Array.from(t.dataSync()));
      });
    expectClose(compute(), await inCpu(compute));
  });

  test('stats say what is copied', () => {
    const { calls, bytesCopied } = registration.stats;
    compute2d(CASES[0]);
    expect(registration.stats).toMatchObject({ backend, memory: place === 'wasm' ? 'tfjs' : 'copies' });
    expect(registration.stats.calls - calls).toBe(3);
    expect(registration.stats.bytesCopied - bytesCopied > 0).toBe(place !== 'wasm');
  });

  test('whole numbers are numbers, too', () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1], 'int32');
    const w = tf.tensor4d([1, 10], [1, 1, 2, 1]);
    const y = tf.conv2dTranspose(x, w, [1, 2, 2, 2], 1, 'valid');
    expect([...y.dataSync()]).toEqual([1, 10, 2, 20, 3, 30, 4, 40]);
    tf.dispose([x, w, y]);
  });

  test('no batch at all', () => {
    const y = tf.tidy(() =>
      tf.conv2dTranspose(
        tf.zeros<tf.Rank.R4>([0, 2, 2, 3]),
        tf.ones<tf.Rank.R4>([2, 2, 4, 3]),
        [0, 4, 4, 4],
        2,
        'same',
      ),
    );
    expect(y.shape).toEqual([0, 4, 4, 4]);
    y.dispose();
  });

  test('a filter that is used again is kept, found, and dropped when it is gone', () => {
    const filter = noise([3, 3, 4, 6], 7) as tf.Tensor4D;
    const x = noise([1, 5, 5, 6], 8) as tf.Tensor4D;
    const run = () => tf.tidy(() => Array.from(tf.conv2dTranspose(x, filter, [1, 10, 10, 4], 2, 'same').dataSync()));
    const first = run();
    for (let i = 0; i < 3; i++) expect(run()).toEqual(first);
    filter.dispose();
    const other = noise([3, 3, 4, 6], 9) as tf.Tensor4D;
    const again = () => tf.tidy(() => Array.from(tf.conv2dTranspose(x, other, [1, 10, 10, 4], 2, 'same').dataSync()));
    const one = again();
    expect(one).not.toEqual(first);
    expect(again()).toEqual(one);
    expect(again()).toEqual(one);
    tf.dispose([x, other]);
  });
});

describe('memory of TensorFlow.js', () => {
  let registration: Registration;
  beforeAll(async () => {
    await useBackend('wasm');
    registration = await register(tf);
  });
  afterAll(() => registration.unregister());

  test('may grow between calls, and in them', async () => {
    const given: Case2d = {
      dy: [1, 24, 24, 64],
      filter: [4, 4, 32, 64],
      output: [1, 48, 48, 32],
      strides: [2, 2],
      pad: 'same',
    };
    const { HEAPU8 } = (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm;
    const small = compute2d(given);
    const large = tf.zeros([HEAPU8.buffer.byteLength / 4]);
    expect((tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.buffer).not.toBe(HEAPU8.buffer);
    expect(compute2d(given)).toEqual(small);
    large.dispose();
  });

  test('holds no tensor of ours after a call', () => {
    compute2d(CASES[0]);
    const { numTensors, numDataBuffers } = tf.memory();
    compute2d(CASES[0]);
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });
});

describe('a model', () => {
  let registration: Registration | undefined;
  afterEach(() => {
    registration?.unregister();
    registration = undefined;
  });

  /** An autoencoder of two convolutions and two transposed ones, trained for some steps. */
  async function train(): Promise<{ losses: number[]; output: number[] }> {
    const init = (seed: number) => layers.initializers.glorotUniform({ seed });
    const model = layers.sequential({
      layers: [
        layers.layers.conv2d({
          inputShape: [8, 8, 1],
          filters: 4,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          activation: 'relu',
          kernelInitializer: init(1),
        }),
        layers.layers.conv2d({
          filters: 8,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          activation: 'relu',
          kernelInitializer: init(2),
        }),
        layers.layers.conv2dTranspose({
          filters: 4,
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          activation: 'relu',
          kernelInitializer: init(3),
        }),
        layers.layers.conv2dTranspose({
          filters: 1,
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          kernelInitializer: init(4),
        }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const x = noise([6, 8, 8, 1], 11);
    const losses: number[] = [];
    for (let step = 0; step < 8; step++) losses.push((await model.trainOnBatch(x, x)) as number);
    const y = model.predict(x) as tf.Tensor;
    const output = Array.from(y.dataSync());
    tf.dispose([x, y]);
    model.dispose();
    return { losses, output };
  }

  test('does not train on the wasm backend alone', async () => {
    await useBackend('wasm');
    await expect(train()).rejects.toThrow(/Conv2DBackpropFilter/);
  });

  test('trains with upconv/tfjs, and as on the cpu', async () => {
    await useBackend('cpu');
    const expected = await train();
    await useBackend('wasm');
    registration = await register(tf);
    const { losses, output } = await train();
    expect(registration.stats).toMatchObject({ memory: 'tfjs', bytesCopied: 0 });
    expect(losses.at(-1)).toBeLessThan(losses[0]);
    losses.forEach((loss, step) => expect(loss).toBeCloseTo(expected.losses[step], 4));
    output.forEach((value, i) => expect(value).toBeCloseTo(expected.output[i], 3));
  });
});

describe('registering', () => {
  test('unregister puts the kernels back, and may be called again', async () => {
    await useBackend('wasm');
    const before = tf.getKernel('Conv2DBackpropInput', 'wasm');
    const registration = await register(tf);
    expect(tf.getKernel('Conv2DBackpropInput', 'wasm')).not.toBe(before);
    await expect(register(tf)).rejects.toThrow(EngineError);
    const { unregister } = registration;
    unregister();
    unregister();
    expect(tf.getKernel('Conv2DBackpropInput', 'wasm')).toBe(before);
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeUndefined();
    const again = await register(tf, { cacheBytes: 0 });
    expect(compute2d(CASES[4])[0]).toHaveLength(36);
    again.unregister();
  });

  test('another backend is named', async () => {
    const fake = { getBackend: () => 'webgl', backend: () => ({}) } as unknown as typeof tf;
    await expect(register(fake)).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: "register: the backend of TensorFlow.js expected wasm | cpu, got 'webgl'",
    });
  });

  test('wrong arguments', async () => {
    await expect(register({} as typeof tf)).rejects.toThrow(TypeError);
    await expect(register(tf, { engine: {} as Engine })).rejects.toThrow('register: engine expected an Engine');
    await expect(register(tf, { cacheBytes: -1 })).rejects.toThrow('register: cacheBytes expected');
    await expect(register(tf, { threads: 1 } as object)).rejects.toThrow('register: options expected');
  });
});
