/** Options of convolutions: defaults, tuples, output sizes, algorithms, and what each refuses. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTransposeAlgorithms,
  convTransposeOutputSize,
  createEngine,
  packWeight,
  ShapeError,
} from '../../src/index.ts';
import type { ConvTransposeOptions, Engine, Tensor } from '../../src/index.ts';
import { codeOf, random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
let x: Tensor;
let w: Tensor;
beforeAll(async () => {
  engine = await createEngine();
});
beforeEach(() => {
  x = own(random(engine, [2, 4, 5, 3]));
  w = own(random(engine, [4, 3, 3, 2], 2));
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const bits = (t: Tensor): number[] => [...own(t).toTypedArray()];
const forward = (options: object, bias: Tensor | null = null): Tensor => own(convTranspose2dSync(x, w, bias, options));
const wrong = (value: unknown): never => value as never;

describe('defaults and tuples', () => {
  test('stride 1, padding 0, outputPadding 0, groups 1, dilation 1, no activation, algorithm auto', () => {
    const all: ConvTransposeOptions = {
      stride: 1,
      padding: 0,
      outputPadding: 0,
      groups: 1,
      dilation: 1,
      outputSize: undefined,
      activation: 'none',
      inputActivation: 'none',
      algorithm: 'auto',
      engine,
      signal: undefined,
      out: undefined,
    };
    const plain = own(convTranspose2dSync(x, w));
    expect(plain.shape).toEqual([2, 3, 7, 4]);
    expect(bits(forward(all))).toEqual(bits(plain));
    const left = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]));
    expect(bits(forward(left))).toEqual(bits(plain));
    expect(bits(own(convTranspose2dSync(x, w, undefined, undefined)))).toEqual(bits(plain));
  });

  test.each([
    ['a number', { stride: 2, padding: 1, outputPadding: 1, dilation: 2 }],
    ['one entry', { stride: [2], padding: [1], outputPadding: [1], dilation: [2] }],
    ['an entry per axis', { stride: [2, 2], padding: [1, 1], outputPadding: [1, 1], dilation: [2, 2] }],
    ['one pair', { stride: 2, padding: [[1, 1]], outputPadding: 1, dilation: 2 }],
  ])('%s stands for every axis', (_name, options) => {
    const asked = { stride: 2, padding: [[1, 1] as const, [1, 1] as const], outputPadding: 1, dilation: 2 };
    const expected = own(convTranspose2dSync(x, w, null, asked));
    expect(bits(own(convTranspose2dSync(x, w, null, options as object)))).toEqual(bits(expected));
    const { gradInput, gradWeight, gradBias } = convTranspose2dBackwardSync(expected, x, w, options as object);
    const twin = convTranspose2dBackwardSync(expected, x, w, asked);
    expect([gradInput, gradWeight, gradBias].map(bits)).toEqual(
      [twin.gradInput, twin.gradWeight, twin.gradBias].map(bits),
    );
    expect(own(packWeight(w, { ...options, inputShape: x.shape } as object)).byteLength).toBeGreaterThan(0);
    expect(convTransposeOutputSize([5, 3], [3, 2], options as object)).toEqual(expected.shape.slice(2));
  });

  test('each axis has its own', () => {
    const options = { stride: [3, 1], dilation: [1, 4], padding: [0, 2], outputPadding: [2, 3] };
    expect(forward(options).shape).toEqual([2, 3, 4 * 3 + 3 + 2, 2 + 4 + 1 + 3 - 4]);
    expect(forward({ padding: [[2, 0], [0, 1]] }).shape).toEqual([2, 3, 5, 3]); // prettier-ignore
    const algorithm = 'planes'; // another path may round otherwise, and each size may have another one
    const whole = forward({ algorithm });
    const window = own(own(whole.narrow(2, 2, 5)).narrow(3, 0, 3));
    expect(bits(forward({ padding: [[2, 0], [0, 1]], algorithm }))).toEqual(bits(own(window.contiguous()))); // prettier-ignore
  });

  test('options are read before the function returns', async () => {
    const options = { stride: [2, 1], padding: [1, 0], out: undefined as Tensor | undefined };
    const expected = forward({ ...options });
    const pending = convTranspose2d(x, w, null, options);
    options.stride[0] = 1;
    options.padding.fill(9);
    options.out = x;
    expect(bits(await pending)).toEqual(bits(expected));
  });
});

describe('outputSize', () => {
  const stride = 3;

  test('from min to min + stride − 1, spatial or full', () => {
    for (const extra of [0, 1, 2]) {
      const spatial = [4 * stride + 3 + extra, 2 * stride + 2 + extra];
      const expected = forward({ stride, outputPadding: extra });
      expect(expected.shape.slice(2)).toEqual(spatial);
      expect(bits(forward({ stride, outputSize: spatial }))).toEqual(bits(expected));
      expect(bits(forward({ stride, outputSize: [2, 3, ...spatial] }))).toEqual(bits(expected));
      expect(convTransposeOutputSize([5, 3], [3, 2], { stride, outputSize: spatial })).toEqual(spatial);
    }
    for (const outputSize of [[14, 8], [15, 11], [18, 8], [15], [2, 15, 8], [2, 15, 8, 1, 1], [15, Number.NaN]]) {
      expect(codeOf(() => forward({ stride, outputSize }))).toBe('ERR_ARGUMENT');
    }
  });

  test('wins over outputPadding, which is then not checked', () => {
    const outputSize = [16, 9];
    const expected = bits(forward({ stride, outputPadding: 1 }));
    for (const outputPadding of [0, 2, 99, -1, 0.5, [1, 2, 3], 'x', null]) {
      expect(bits(forward({ stride, outputSize, outputPadding }))).toEqual(expected);
    }
    const y = forward({ stride, outputSize });
    const gradients = convTranspose2dBackwardSync(y, x, w, { stride, outputSize, outputPadding: 99 });
    expect(own(gradients.gradInput).shape).toEqual(x.shape);
    own(gradients.gradWeight);
    own(gradients.gradBias);
    expect(convTransposeOutputSize([5, 3], [3, 2], { stride, outputSize, outputPadding: 99 })).toEqual(outputSize);
  });
});

describe('convTransposeOutputSize', () => {
  test('(in − 1) · stride − 2 · padding + dilation · (kernel − 1) + outputPadding + 1', () => {
    for (const [length, kernel, stride, padding, dilation, outputPadding] of [
      [1, 1, 1, 0, 1, 0],
      [5, 4, 2, 1, 1, 1],
      [3, 3, 1, 2, 3, 2],
      [7, 16, 8, 4, 1, 0],
    ]) {
      const options = { stride, padding, dilation, outputPadding };
      const expected = (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + outputPadding + 1;
      expect(convTransposeOutputSize([length], kernel, options)).toEqual([expected]);
      expect(convTransposeOutputSize([length, 9, length], [kernel, 1, kernel], options)[2]).toBe(expected);
    }
    expect(convTransposeOutputSize([4], 3)).toEqual([6]);
    expect(convTransposeOutputSize([4], 3, { activation: 'relu', groups: 2 } as object)).toEqual([6]);
  });

  test('arguments', () => {
    const call = wrong(convTransposeOutputSize) as (...values: unknown[]) => unknown;
    for (const values of [
      ['4', 3],
      [4, 3],
      [null, 3],
      [[4], '3'],
      [[4], null],
      [['4'], 3],
      [[4], 3, null],
    ]) {
      expect(() => call(...values)).toThrow(TypeError);
    }
    for (const values of [
      [[], 3],
      [[1, 2, 3, 4], 3],
      [[0], 3],
      [[2, 0], 3],
      [[1], 1, { padding: 1 }],
    ]) {
      expect(() => call(...values)).toThrow(ShapeError);
    }
    for (const values of [
      [[1.5], 3],
      [[4], 0],
      [[4], [3, 3]],
      [[4], 3, { stride: 0 }],
      [[4], 3, { strides: 2 }],
      [[4], 3, { outputPadding: 1 }],
    ]) {
      expect(() => call(...values)).toThrow(ArgumentError);
    }
    expect(() => call([4], 3, { output_padding: 1 })).toThrow('did you mean outputPadding');
  });
});

describe('algorithm', () => {
  const depthwise = () => [own(random(engine, [1, 3, 4, 4])), own(random(engine, [3, 2, 3, 3], 2))] as const;

  test('what a shape accepts may be forced, and gives the same result up to rounding', () => {
    const [dx, dw] = depthwise();
    for (const [input, weight, options] of [
      [x, w, { stride: 2 }],
      [dx, dw, { groups: 3, stride: 2 }],
    ] as const) {
      const accepted = convTransposeAlgorithms(input.shape, weight.shape, options);
      expect(accepted).toEqual(expect.arrayContaining(['direct', 'planes']));
      expect(accepted).not.toContain('auto');
      const expected = own(convTranspose2dSync(input, weight, null, options)).toTypedArray();
      for (const algorithm of ['auto', ...accepted] as ConvTransposeOptions['algorithm'][]) {
        const got = own(convTranspose2dSync(input, weight, null, { ...options, algorithm })).toTypedArray();
        got.forEach((value, index) => expect(value).toBeCloseTo(expected[index], 4));
        const gradients = convTranspose2dBackwardSync(own(convTranspose2dSync(input, weight, null, options)), input, weight, { ...options, algorithm }); // prettier-ignore
        Object.values(gradients).forEach(own);
      }
    }
  });

  test('a forced one that does not take the shape, or is not built: ArgumentError naming why', async () => {
    const [dx, dw] = depthwise();
    const [many, weights] = [own(random(engine, [1, 5, 4, 4])), own(random(engine, [5, 2, 3, 3], 2))];
    const every = ['direct', 'planes', 'implicit', 'depthwise', 'winograd'] as const;
    let refused = 0;
    for (const [input, weight, options] of [
      [many, weights, {}],
      [dx, dw, { groups: 3 }],
    ] as const) {
      const accepted = convTransposeAlgorithms(input.shape, weight.shape, options);
      expect(accepted.filter((name) => !every.includes(wrong(name)))).toEqual([]);
      for (const algorithm of every.filter((name) => !accepted.includes(name))) {
        refused++;
        const call = (): Tensor => convTranspose2dSync(input, weight, null, { ...options, algorithm });
        expect(call).toThrow(ArgumentError);
        expect(call).toThrow(new RegExp(`algorithm expected .*'${algorithm}', which (needs|is not built)`));
        await expect(convTranspose2d(input, weight, null, { ...options, algorithm })).rejects.toThrow(ArgumentError);
      }
    }
    expect(refused).toBeGreaterThan(0);
    expect(convTransposeAlgorithms(dx.shape, dw.shape, { groups: 3 })).toContain('depthwise');
    expect(convTransposeAlgorithms(many.shape, weights.shape)).not.toContain('depthwise');
    for (const algorithm of ['fft', '', 'Direct', null, 3]) {
      expect(codeOf(() => forward({ algorithm }))).toBe('ERR_ARGUMENT');
    }
  });

  test('shapes and options of convTransposeAlgorithms are checked as those of a call', () => {
    const call = wrong(convTransposeAlgorithms) as (...values: unknown[]) => unknown;
    expect(() => call([1, 3, 4, 4], [2, 2, 3, 3])).toThrow(ShapeError);
    expect(() => call([1, 2, 4], [2, 2, 3, 3])).toThrow(ShapeError);
    expect(() => call([1, 2], [2, 2])).toThrow(ShapeError);
    expect(() => call([1, 2, 4, 4], [2, 2, 3, 3], { padding: 9 })).toThrow(ShapeError);
    expect(() => call([1, 2, 4, 4], [2, 2, 3, 3], { groups: 3 })).toThrow(ArgumentError);
    expect(() => call([1, 2, 4, 4], [2, 2, 3, 3], { stride: 0 })).toThrow(ArgumentError);
    expect(() => call([1, 2, 4, 4], [2, 2, 3, 3], { strides: 2 })).toThrow(ArgumentError);
    expect(() => call('1,2,4,4', [2, 2, 3, 3])).toThrow(TypeError);
    expect(() => call([1, 2, 4, 4], null)).toThrow(TypeError);
    expect(() => call([1, 2, 4, 4], [2, 2, 3, 3], null)).toThrow(TypeError);
  });
});
