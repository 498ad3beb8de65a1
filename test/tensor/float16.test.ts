import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { full, init, rand, randn, tensor, zeros, type Engine } from '../../src/index.ts';
import { halfBits, halfValue } from '../../src/core/half.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const isNaNHalf = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

describe('conversion in wasm', () => {
  test('every half to float32, exactly, and back', () => {
    const half = own(tensor(ALL, undefined, { dtype: 'float16' }));
    const float = own(half.to('float32'));
    const values = float.toTypedArray();
    expect(ALL.filter((bits) => !Object.is(values[bits], halfValue(bits)))).toEqual(new Uint16Array(0));
    const back = own(float.to('float16')).toTypedArray();
    expect(ALL.filter((bits) => !isNaNHalf(bits) && back[bits] !== bits)).toEqual(new Uint16Array(0));
    expect(ALL.every((bits) => isNaNHalf(bits) === isNaNHalf(back[bits]))).toBe(true);
  });

  test('float32 to the nearest half, ties to even', () => {
    // bit patterns all over float32: each exponent, fractions around those where rounding turns
    const fractions = [
      0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2fff, 0x3000, 0x3001, 0x7fe000, 0x7fefff, 0x7ff000, 0x7fffff,
    ];
    const patterns = Uint32Array.from({ length: 512 * fractions.length }, (_, i) => {
      return ((i % 512) << 23) | fractions[Math.floor(i / 512)];
    });
    const floats = new Float32Array(patterns.buffer);
    const half = own(own(tensor(floats)).to('float16')).toTypedArray();
    const wrong = [...floats].filter((value, i) =>
      Number.isNaN(value) ? !isNaNHalf(half[i]) : half[i] !== halfBits(value),
    );
    expect(wrong).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 7, 8, 16387])('%i elements', (count) => {
    const values = Float32Array.from({ length: count }, (_, i) => (i % 2000) - 1000);
    const half = own(own(tensor(values)).to('float16'));
    expect(own(half.to('float32')).toTypedArray()).toEqual(values);
  });

  test('float64 is rounded once', () => {
    const value = 1 + 2 ** -11 + 2 ** -40; // float32 would make a tie of it
    expect(own(own(tensor([value], [1], { dtype: 'float64' })).to('float16')).item()).toBe(1 + 2 ** -10);
    expect(own(tensor([value], [1], { dtype: 'float16' })).item()).toBe(1 + 2 ** -10);
    const back = own(own(tensor([0.1, -2, NaN], [3], { dtype: 'float16' })).to('float64'));
    expect([back.dtype, back.toArray()]).toEqual(['float64', [halfValue(halfBits(0.1)), -2, NaN]]);
  });
});

describe('making and reading', () => {
  test('numbers are rounded, a Uint16Array holds bit patterns', () => {
    const numbers = own(
      tensor(
        [
          [1, 2049],
          [-0, 1e9],
        ],
        undefined,
        { dtype: 'float16' },
      ),
    );
    expect(numbers.dtype).toBe('float16');
    expect(numbers.byteLength).toBe(8);
    expect(numbers.toArray()).toEqual([
      [1, 2048],
      [-0, Infinity],
    ]);
    expect(numbers.toTypedArray()).toEqual(Uint16Array.of(0x3c00, 0x6800, 0x8000, 0x7c00));
    const patterns = own(tensor(Uint16Array.of(0x3c00, 0x4000), [2], { dtype: 'float16' }));
    expect(patterns.toArray()).toEqual([1, 2]);
    expect(own(tensor(Uint16Array.of(0x3c00))).toArray()).toEqual([0x3c00]); // float32: numbers
    expect(own(tensor(3.5, [], { dtype: 'float16' })).item()).toBe(3.5);
  });

  test('data is a Uint16Array over wasm memory', () => {
    const t = own(full([3], 0.5, { dtype: 'float16' }));
    const { data } = t;
    expect(data).toBeInstanceOf(Uint16Array);
    expect([...data]).toEqual([0x3800, 0x3800, 0x3800]);
    data[1] = 0xbc00;
    expect(t.toArray()).toEqual([0.5, -1, 0.5]);
  });

  test('a Float16Array, where the runtime has it', () => {
    const Float16 = (globalThis as unknown as { Float16Array?: Float32ArrayConstructor }).Float16Array;
    const bytes = Uint16Array.of(0, 0x3c00, 0x7e01, 0xfbff);
    const data = Float16 === undefined ? bytes : new Float16(bytes.buffer, 2, 3);
    const t = own(tensor(data, [data.length], Float16 === undefined ? { dtype: 'float16' } : {}));
    expect(t.dtype).toBe('float16');
    expect([...t.toTypedArray()]).toEqual([...bytes].slice(4 - data.length));
    t.copyTo(data);
    expect([...bytes]).toEqual([0, 0x3c00, 0x7e01, 0xfbff]);
    expect(own(tensor(data, [data.length], { dtype: 'float64' })).dtype).toBe('float64');
  });

  test('zeros, full, rand and randn', () => {
    expect(own(zeros([2, 2], { dtype: 'float16' })).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(own(full([1], -0, { dtype: 'float16' })).toTypedArray()[0]).toBe(0x8000);
    const uniform = own(rand([4000], { dtype: 'float16' })).toArray() as number[];
    expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(uniform.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(0.5, 1);
    const normal = own(randn([4000], { dtype: 'float16' })).toArray() as number[];
    expect(normal.reduce((sum, value) => sum + value ** 2, 0) / 4000).toBeCloseTo(1, 0);
  });

  test('copyTo gives numbers to float arrays and patterns to a Uint16Array', () => {
    const t = own(tensor([0.5, 65504], [2], { dtype: 'float16' }));
    const floats = new Float64Array(3);
    t.copyTo(floats, 1);
    expect([...floats]).toEqual([0, 0.5, 65504]);
    const patterns = new Uint16Array(2);
    t.copyTo(patterns);
    expect([...patterns]).toEqual([0x3800, 0x7bff]);
  });
});

describe('views and copies', () => {
  const values = Float32Array.from({ length: 24 }, (_, i) => i / 4);
  const make = () => own(tensor(values, [2, 3, 4], { dtype: 'float16' }));

  test('permute, narrow, reshape, clone, contiguous', () => {
    const t = make();
    const float = own(tensor(values, [2, 3, 4]));
    for (const view of [
      (x: typeof t) => own(x.permute(2, 0, 1)),
      (x: typeof t) => own(x.narrow(2, 1, 3)),
      (x: typeof t) => own(own(x.transpose(0, 1)).reshape(3, 8)),
      (x: typeof t) => own(own(x.permute(1, 2, 0)).contiguous()),
      (x: typeof t) => own(own(x.narrow(1, 1, 1)).clone()),
      (x: typeof t) => own(own(x.permute(2, 1, 0)).to('float32')),
    ]) {
      expect(view(t).toArray()).toEqual(view(float).toArray());
    }
  });

  test('copyFrom: numbers, patterns, tensors of other dtypes, into views', () => {
    const t = make();
    t.copyFrom(values.map((value) => value + 1));
    expect((t.toArray() as number[][][])[0][0]).toEqual([1, 1.25, 1.5, 1.75]);
    t.copyFrom(new Uint16Array(24).fill(0x3c00));
    expect(own(t.narrow(0, 0, 1)).toTypedArray()).toEqual(new Uint16Array(12).fill(0x3c00));
    own(t.narrow(2, 0, 1)).copyFrom(own(full([2, 3, 1], 0.1, { dtype: 'float64' })));
    expect((t.toArray() as number[][][])[1][2]).toEqual([halfValue(halfBits(0.1)), 1, 1, 1]);
    const float = own(zeros([2, 3, 4])).copyFrom(t);
    expect(float.toArray()).toEqual(t.toArray());
    own(t.transpose(1, 2)).copyFrom(values);
    expect((t.toArray() as number[][][])[0].map((row) => row[0])).toEqual([0, 0.25, 0.5]);
  });
});
