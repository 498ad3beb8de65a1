/** Making tensors, views of them, and the ways to JavaScript and back. */

import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  createEngine,
  createGenerator,
  DtypeError,
  empty,
  full,
  init,
  ShapeError,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));

const range = (...shape: number[]): Tensor =>
  own(
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
      shape,
    ),
  );
const numbers = (t: Tensor): number[] => [...own(t).toTypedArray()];

describe('tensor', () => {
  test('dtype and shape follow the data', () => {
    const cases: [unknown, string, number[]][] = [
      [[1, 2, 3], 'float32', [3]],
      [
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        'float32',
        [3, 2],
      ],
      [[[[]]], 'float32', [1, 1, 0]],
      [7, 'float32', []],
      [Float64Array.of(1, 2), 'float64', [2]],
      [Float32Array.of(1, 2), 'float32', [2]],
      [Int8Array.of(1, 2), 'float32', [2]],
      [Uint16Array.of(1, 2), 'float32', [2]],
      [[], 'float32', [0]],
      [Uint8ClampedArray.of(1, 2), 'float32', [2]],
      [Int32Array.of(1, 2), 'float32', [2]],
      [[Float64Array.of(1, 2), Float64Array.of(3, 4)], 'float32', [2, 2]],
      [[[Float32Array.of(1), [2]]], 'float32', [1, 2, 1]],
    ];
    for (const [data, dtype, shape] of cases) {
      const t = own(tensor(data as number[]));
      expect(t).toMatchObject({ dtype, shape, size: shape.reduce((a, b) => a * b, 1) });
    }
    expect(own(tensor([1.1], [1], { dtype: 'float64' })).item()).toBe(1.1);
    expect(own(tensor([1.1])).item()).toBe(Math.fround(1.1));
    expect(own(tensor([1, 2, 3, 4], [2, 2])).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    // the two channels of a sound
    expect(own(tensor([Float32Array.of(1, 2), Float32Array.of(3, 4)])).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('copies in', () => {
    const data = Float32Array.of(1, 2);
    const { bytesCopiedIn } = engine.memory;
    const t = own(tensor(data));
    data[0] = 9;
    expect(numbers(own(t.clone()))).toEqual([1, 2]);
    expect(engine.memory.bytesCopiedIn - bytesCopiedIn).toBe(8);
  });

  test('what does not fit', () => {
    for (const [data, shape] of [
      [[1, 2, 3], [2]],
      [[[1, 2], [3]], undefined],
      [[[1], 2], undefined],
      [[1, [2]], undefined],
      [new Float32Array(3), [2, 2]],
      [[new Float32Array(2), new Float32Array(3)], undefined],
      [[1, new Float32Array(1)], undefined],
    ] as const) {
      expect(() => tensor(data as never, shape as never)).toThrow(ShapeError);
    }
    for (const data of [
      BigInt64Array.of(1n),
      new BigUint64Array(1),
      'abc',
      null,
      undefined,
      {},
      [1n],
      ['1'],
      new DataView(new ArrayBuffer(4)),
      [BigInt64Array.of(1n)],
      new Set([1]),
      true,
    ]) {
      expect(() => tensor(data as never)).toThrow(TypeError);
    }
    expect(() => tensor([1], [1], { dtype: 'int32' as never })).toThrow(DtypeError);
    expect(() => tensor([1], [1], { device: 'cpu' } as never)).toThrow(ArgumentError);
    for (const make of [zeros, empty, (shape: number[], options: object) => full(shape, 1, options)]) {
      expect(() => make([1], { generator: createGenerator(1) } as object)).toThrow(ArgumentError);
      expect(() => make([1], null as never)).toThrow(TypeError);
    }
    expect(() => tensor([1], [1], null as never)).toThrow(TypeError);
    expect(() => zeros([-1])).toThrow(ArgumentError);
    expect(() => zeros([1.5])).toThrow(ArgumentError);
    expect(() => zeros(3 as never)).toThrow(TypeError);
    expect(() => full([1], '1' as never)).toThrow(TypeError);
  });

  test('zeros, full, empty', () => {
    expect(numbers(zeros([2, 2]))).toEqual([0, 0, 0, 0]);
    expect(numbers(full([3], 2.5, { dtype: 'float64' }))).toEqual([2.5, 2.5, 2.5]);
    expect(Object.is(own(full([1], -0)).item(), -0)).toBe(true);
    expect(own(empty([2, 3])).shape).toEqual([2, 3]);
    expect(() => own(zeros([0, 4])).toTypedArray()).not.toThrow();
  });
});

describe('properties', () => {
  test('of a tensor and of a view', () => {
    const t = range(2, 3, 4);
    expect(t).toMatchObject({
      shape: [2, 3, 4],
      strides: [12, 4, 1],
      size: 24,
      byteLength: 96,
      isContiguous: true,
      grad: null,
      engine,
    });
    const v = own(t.narrow(1, 1, 2));
    expect(v).toMatchObject({ shape: [2, 2, 4], strides: [12, 4, 1], size: 16, byteLength: 64, isContiguous: false });
    expect(v.ptr - t.ptr).toBe(16);
    expect(Object.isFrozen(t.shape)).toBe(true);
    expect(String(t)).toBe('Tensor([2, 3, 4], float32)');
  });

  test('data is a view of wasm memory, fresh at each read', () => {
    const t = range(4);
    const { data } = t;
    expect(data.buffer).toBe(engine.buffer);
    expect(data.byteOffset).toBe(t.ptr);
    data[1] = 9;
    expect(numbers(own(t.clone()))).toEqual([0, 9, 2, 3]);
    expect(t.data).not.toBe(data);
    expect(codeOf(() => own(range(2, 2).transpose(0, 1)).data)).toBe('ERR_ARGUMENT');
  });
});

describe('to JavaScript and back', () => {
  test('toTypedArray, toArray, item, copyTo', () => {
    const t = range(2, 2);
    const turned = own(t.transpose(0, 1));
    const copy = turned.toTypedArray();
    expect(copy).toEqual(Float32Array.of(0, 2, 1, 3));
    expect(copy.buffer).not.toBe(engine.buffer);
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
    copy[0] = 9;
    expect(turned.toArray()).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(own(full([], 3)).toArray()).toBe(3);
    expect(own(full([1, 1], 3)).item()).toBe(3);
    expect(() => t.item()).toThrow(ShapeError);
    const target = new Float64Array(6);
    turned.copyTo(target, 2);
    expect([...target]).toEqual([0, 0, 0, 2, 1, 3]);
    expect(() => t.copyTo(new Float32Array(4), 1)).toThrow(ShapeError);
    for (const target of [[1, 2, 3, 4], new BigInt64Array(4), new ArrayBuffer(16), null]) {
      expect(() => t.copyTo(target as never)).toThrow(TypeError);
    }
    expect(() => t.copyTo(target, -1)).toThrow(ArgumentError);
  });

  test('copyFrom: numbers, tensors of any strides and dtype', () => {
    const t = range(2, 3);
    expect(t.copyFrom([6, 5, 4, 3, 2, 1])).toBe(t);
    const turned = own(range(3, 2).transpose(0, 1));
    expect(numbers(own(t.copyFrom(turned).clone()))).toEqual([0, 2, 4, 1, 3, 5]);
    turned.copyFrom([10, 11, 12, 13, 14, 15]);
    expect(turned.toArray()).toEqual([
      [10, 11, 12],
      [13, 14, 15],
    ]);
    const double = own(tensor(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]));
    expect(numbers(own(t.copyFrom(double).clone()))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => t.copyFrom([1])).toThrow(ShapeError);
    expect(() => t.copyFrom(range(3, 2))).toThrow(ShapeError);
    const six = <T>(value: T): T[] => Array.from({ length: 6 }, () => value);
    for (const data of [5, '123456', six('1'), six(null), six([1]), six(1n), new BigInt64Array(6), { length: 6 }]) {
      expect(() => t.copyFrom(data as never)).toThrow(TypeError);
    }
    expect(numbers(own(t.clone()))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('clone and to', () => {
    const t = range(2, 2);
    const copy = own(t.clone());
    copy.copyFrom([9, 9, 9, 9]);
    expect(t.toArray()).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const double = own(own(t.transpose(0, 1)).to('float64'));
    expect(double).toMatchObject({ dtype: 'float64', isContiguous: true });
    expect(numbers(own(double.to('float32')))).toEqual([0, 2, 1, 3]);
    expect(own(t.to('float32')).ptr).not.toBe(t.ptr);
    expect(() => t.to('int8' as never)).toThrow(DtypeError);
  });
});

test('toTypedArray copies out of a memory that threads share', async () => {
  const engine = await createEngine({ threads: 2 });
  const t = full([2, 3], 1.5, { engine });
  const copies = [t.toTypedArray(), t.transpose(0, 1).toTypedArray(), t.to('float64').toTypedArray()];
  expect(engine.info.threads === 1 || engine.buffer instanceof SharedArrayBuffer).toBe(true);
  for (const copy of copies) {
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
    expect(copy.buffer.byteLength).toBe(copy.byteLength);
  }
  engine.dispose();
});

test('an empty slice of an empty tensor can be read wherever it would begin', async () => {
  const engine = await createEngine({ initialBytes: 65536, maximumBytes: 65536 });
  const whole = zeros([0, 70_000], { engine });
  const slice = whole.narrow(1, 69_000, 1000);
  expect(slice.toTypedArray()).toEqual(new Float32Array(0));
  expect(slice.clone().data).toHaveLength(0);
  engine.dispose();
});
