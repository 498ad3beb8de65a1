/** Tensors of other libraries and plain objects wherever a tensor is read. */

import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  bceWithLogitsLossSync,
  Conv1d,
  conv2dBackwardSync,
  conv2dSync,
  convTranspose1d,
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dSync,
  DtypeError,
  foldSync,
  init,
  matmulSync,
  mseLoss,
  packWeight,
  PReLU,
  ReLU,
  Sequential,
  ShapeError,
  tensor,
  unfoldSync,
} from '../../src/index.ts';
import type { Engine, Module, Tensor, TensorLike } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));

const SHAPE = [1, 3, 4, 5];
const DATA = randomFloat32(60, 1);

/** As onnxruntime has them: a class with dims, type and a location. */
class OrtTensor {
  readonly type = 'float32';
  readonly location = 'cpu';
  readonly dims: readonly number[];
  readonly data: Float32Array;
  readonly size: number;
  constructor(data: Float32Array, dims: readonly number[]) {
    this.data = data;
    this.dims = dims;
    this.size = data.length;
  }
}

/** As ndarray has them: any stride and offset. */
function ndarray(): TensorLike {
  const data = new Float32Array(200).fill(Number.NaN);
  const stride = [0, 1, -15, 3]; // channels last, rows upside down
  const offset = 7 + 15 * 3;
  let from = 0;
  for (let c = 0; c < 3; c++) {
    for (let h = 0; h < 4; h++) for (let w = 0; w < 5; w++) data[offset + c - 15 * h + 3 * w] = DATA[from++];
  }
  return { data, shape: SHAPE, stride, offset };
}

const LIKES: Record<string, TensorLike> = {
  'onnxruntime Tensor': new OrtTensor(DATA, SHAPE),
  ndarray: ndarray(),
  'plain object': { data: DATA, shape: SHAPE },
  'plain object with an array': { data: [...DATA], dims: SHAPE },
  'plain object with strides': { data: DATA, shape: SHAPE, strides: [60, 20, 5, 1] },
};

describe.each(Object.entries(LIKES))('%s', (_name, like) => {
  let t: Tensor;
  let w: Tensor;
  beforeEach(() => {
    t = own(tensor(DATA, SHAPE));
    w = own(tensor(randomFloat32(3 * 2 * 9, 2), [3, 2, 3, 3]));
  });
  const bits = (result: Tensor | null): number[] => [...own(result as Tensor).toTypedArray()];

  test('functions', async () => {
    const expected = bits(convTranspose2dSync(t, w));
    expect(bits(convTranspose2dSync(like, w))).toEqual(expected);
    expect(bits(await convTranspose2d(like, w))).toEqual(expected);
    const asWeight = own(tensor(randomFloat32(9, 3), [1, 1, 3, 3]));
    expect(bits(conv2dSync(asWeight, { data: asWeight.toTypedArray(), shape: [1, 1, 3, 3] }))).toEqual(
      bits(conv2dSync(asWeight, asWeight)),
    );
    const g = own(convTranspose2dSync(t, w));
    const { gradInput, gradWeight, gradBias } = await convTranspose2dBackward(g, like, w);
    const raw = await convTranspose2dBackward(g, t, w);
    expect([gradInput, gradWeight, gradBias].map(bits)).toEqual(
      [raw.gradInput, raw.gradWeight, raw.gradBias].map(bits),
    );
    const kernel = { data: [1, 2, 3], dims: [1, 3, 1, 1] };
    const backward = conv2dBackwardSync({ data: DATA.slice(0, 20), dims: [1, 1, 4, 5] }, like, kernel);
    expect(backward.gradInput.shape).toEqual(SHAPE);
    Object.values(backward).forEach(own);
    expect(bits(matmulSync(like, { data: [1, 0, 0, 0, 0], shape: [5, 1] }))).toEqual(
      [...DATA].filter((_, i) => i % 5 === 0),
    );
    const bias = { data: [0.5, -1], shape: [2] };
    expect(bits(convTranspose2dSync(t, w, bias))).toEqual(bits(convTranspose2dSync(t, w, own(tensor([0.5, -1])))));
    const packed = own(packWeight({ data: w.toTypedArray(), shape: w.shape }, { inputShape: SHAPE }));
    expect(bits(convTranspose2dSync(like, packed))).toEqual(expected);
    expect(bits(unfoldSync(like, 2))).toEqual(bits(unfoldSync(t, 2)));
    expect(bits(foldSync({ data: DATA, shape: [1, 12, 5] }, [2, 6], 2))).toEqual(
      bits(foldSync(own(t.reshape(1, 12, 5)), [2, 6], 2)),
    );
  });

  test('modules and losses', async () => {
    const modules: Module[] = [
      own(new ConvTranspose2d(3, 2, 3, { activation: 'gelu' })),
      own(new ReLU()),
      own(new PReLU(3)),
      own(new Sequential(new ReLU(), new ConvTranspose2d(3, 2, 3))),
    ];
    for (const m of modules) {
      const expected = own(m.forwardSync(t));
      const like2 = { data: expected.toTypedArray(), shape: expected.shape };
      const gradient = bits(m.backwardSync(expected));
      const y = await m.forward(like);
      expect([...y.toTypedArray()]).toEqual([...expected.toTypedArray()]);
      expect(bits(await m.backward(like2))).toEqual(gradient);
      y.dispose();
      own(m.forwardSync(like));
      expect(bits(m.backwardSync(like2))).toEqual(gradient);
      const pass = await m.vjp(like);
      own(pass.output);
      expect(bits(await pass.backward(like2))).toEqual(gradient);
    }
    const loss = own(await mseLoss(like, t));
    expect(loss.value).toBe(0);
    const logits = own(bceWithLogitsLossSync(like, { data: new Float32Array(60), shape: SHAPE }));
    expect(logits.value).toBe(own(bceWithLogitsLossSync(t, own(tensor(new Float32Array(60), SHAPE)))).value);
  });

  test('is copied before the function returns, and the copy is freed', async () => {
    const expected = bits(convTranspose2dSync(t, w));
    const data = like.data as number[] | Float32Array;
    const kept = [...data];
    const { tensors } = engine.memory;
    const pending = convTranspose2d(like, w);
    data.fill(0);
    const y = await pending;
    expect(engine.memory.tensors).toBe(tensors + 1);
    kept.forEach((value, i) => {
      data[i] = value;
    });
    expect(bits(y)).toEqual(expected);
    const m = own(new ConvTranspose2d(3, 2, 3));
    const forward = m.forward(like);
    data.fill(0);
    const copy = bits(await forward);
    kept.forEach((value, i) => {
      data[i] = value;
    });
    expect(copy).toEqual(bits(m.forwardSync(t)));
  });
});

describe('what does not fit', () => {
  test('TensorFlow.js has a function for data', async () => {
    const tfjs = { shape: [1, 3, 4, 5], dtype: 'float32', data: () => Promise.resolve(DATA) } as never;
    const w = own(tensor(randomFloat32(54, 2), [3, 2, 3, 3]));
    const m = own(new ConvTranspose2d(3, 2, 3));
    for (const call of [() => convTranspose2d(tfjs, w), () => m.forward(tfjs), () => mseLoss(tfjs, tfjs)]) {
      await expect(call()).rejects.toThrow(TypeError);
      await expect(call()).rejects.toThrow('upconv/tfjs');
    }
  });

  test('`type` names the dtype; else the data does', async () => {
    const values = [1 + 2 ** -30, 1 + 2 ** -11 + 2 ** -40, -3];
    const cases: [TensorLike['data'], string | undefined, string, number[]][] = [
      [values, 'float64', 'float64', values],
      [Float32Array.from(values), 'float64', 'float64', values.map(Math.fround)],
      [Float64Array.from(values), 'float32', 'float32', values.map(Math.fround)],
      [values, 'float16', 'float16', [1, 1 + 2 ** -10, -3]], // rounded once
      [Uint16Array.of(0x3c00, 0xc000, 0x7c00), 'float16', 'float16', [1, -2, Infinity]],
      [Uint16Array.of(1, 2, 3), 'uint16', 'float32', [1, 2, 3]],
      [Uint16Array.of(1, 2, 3), undefined, 'float32', [1, 2, 3]],
      [Uint8Array.of(1, 2, 3), 'uint8', 'float32', [1, 2, 3]],
      [Float64Array.from(values), undefined, 'float64', values],
    ];
    for (const [data, type, dtype, expected] of cases) {
      const input = { data, dims: [1, 1, 3], ...(type === undefined ? {} : { type }) };
      const one = own(tensor([1], [1, 1, 1], { dtype: dtype as 'float32' }));
      const y = own(await convTranspose1d(input, one));
      expect([y.dtype, own(y.to('float64')).toTypedArray()]).toEqual([dtype, Float64Array.from(expected)]);
    }
  });

  test('wrong data, shapes and strides', () => {
    const w = own(tensor(randomFloat32(54, 2), [3, 2, 3, 3]));
    const call = (like: unknown) => () => convTranspose2dSync(like as TensorLike, w);
    expect(call({ data: DATA.subarray(1), shape: SHAPE })).toThrow(ShapeError);
    expect(call({ data: DATA, shape: SHAPE, offset: 1 })).toThrow(ShapeError);
    expect(call({ data: DATA, shape: SHAPE, strides: [60, 20, 5, 2] })).toThrow(ShapeError);
    expect(call({ data: DATA, shape: SHAPE, strides: [60, 20, 5] })).toThrow(ArgumentError);
    expect(call({ data: DATA, shape: SHAPE, stride: [60, 20, 5, 0.5] })).toThrow(ArgumentError);
    expect(call({ data: DATA, shape: SHAPE, strides: 'same' })).toThrow('input.strides expected an array of integers');
    expect(call({ data: DATA, shape: SHAPE, strides: Object.assign([], { length: 4 }) })).toThrow(TypeError);
    expect(call({ data: Object.assign([], { length: 60 }), shape: SHAPE })).toThrow(TypeError);
    expect(call({ data: DATA, shape: [1, 3, 4, -5] })).toThrow(ArgumentError);
    expect(call({ data: new BigInt64Array(60), dims: SHAPE })).toThrow(TypeError);
    expect(call({ data: [...DATA].map(String), dims: SHAPE })).toThrow(TypeError);
    expect(call({ data: DATA, shape: '1,3,4,5' })).toThrow(TypeError);
    expect(call({ data: Float64Array.from(DATA), shape: SHAPE })).toThrow(DtypeError);
    expect(call({ data: DATA })).toThrow(TypeError);
    const m = own(new Conv1d(1, 1, 1));
    expect(() => m.forwardSync({ data: [1, 2], shape: [1, 1, 3] })).toThrow(ShapeError);
  });

  test('nothing is left behind', async () => {
    const w = own(tensor(randomFloat32(54, 2), [3, 2, 3, 3]));
    const { tensors, bytesInUse } = engine.memory;
    const bad = { data: DATA, shape: [1, 4, 3, 5] };
    await expect(convTranspose2d(bad, w)).rejects.toThrow(ShapeError);
    expect(() => convTranspose2dSync({ data: DATA, shape: SHAPE }, w, { data: [1], shape: [1] })).toThrow(ShapeError);
    expect(engine.memory).toMatchObject({ tensors, bytesInUse });
  });
});
