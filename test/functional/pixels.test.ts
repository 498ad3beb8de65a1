import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  convTranspose2d,
  convTranspose2dSync,
  fromPixels,
  init,
  ShapeError,
  tensor,
  toPixels,
  zeros,
  type Engine,
  type ToPixelsOptions,
} from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomSource } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

function randomBytes(count: number, seed = 1): Uint8ClampedArray<ArrayBuffer> {
  const next = randomSource(seed);
  return Uint8ClampedArray.from({ length: count }, () => 256 * next() - 0.5);
}

const LUMA = [0.299, 0.587, 0.114];

/** Sample of channel `c` of a pixel of `samples` samples, before scaling. */
function expectedSample(pixel: ArrayLike<number>, c: number, channels: number): number {
  if (channels === 1 && pixel.length > 1) return LUMA.reduce((sum, weight, i) => sum + weight * pixel[i], 0);
  if (c === 3) return pixel.length === 4 ? pixel[3] : 255;
  return pixel.length === 1 ? pixel[0] : pixel[c];
}

describe('fromPixels', () => {
  const cases = [1, 3, 4].flatMap((samples) => [1, 3, 4].map((channels) => [samples, channels] as const));

  // 190 x 177 pixels are more than one item of the stage
  test.each(cases)('%i samples to %i channels', (samples, channels) => {
    for (const [width, height] of [
      [1, 1],
      [5, 3],
      [190, 177],
    ]) {
      const data = randomBytes(width * height * samples);
      const t = own(fromPixels({ data, width, height }, { channels: channels as 1 | 3 | 4 }));
      expect(t.shape).toEqual([channels, height, width]);
      expect(t.dtype).toBe('float32');
      const values = t.toTypedArray();
      const wrong: string[] = [];
      for (let pixel = 0; pixel < width * height; pixel++) {
        const source = data.subarray(samples * pixel, samples * (pixel + 1));
        for (let c = 0; c < channels; c++) {
          const value = values[c * width * height + pixel];
          if (value !== Math.fround(expectedSample(source, c, channels) / 255)) wrong.push(`${pixel}.${c}: ${value}`);
        }
      }
      expect(wrong).toEqual([]);
    }
  });

  test('every sample has the bits of a division, and equal colours have the luma of that grey', () => {
    const grey = Uint8Array.from({ length: 256 }, (_, i) => i);
    const colours = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    const expected = Float32Array.from(grey, (value) => value / 255);
    const plain = own(fromPixels({ data: grey, width: 256, height: 1 }, { channels: 1 }));
    const luma = own(fromPixels({ data: colours, width: 16, height: 16 }, { channels: 1 }));
    expect(plain.toTypedArray()).toEqual(expected);
    expect(luma.toTypedArray()).toEqual(expected);
  });

  test('scale, mean and std, one number or one per channel', () => {
    const data = randomBytes(4 * 6);
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const normalized = own(fromPixels({ data, width: 3, height: 2 }, { mean, std }));
    const signed = own(fromPixels({ data, width: 3, height: 2 }, { channels: 4, scale: 1, mean: 127.5, std: 127.5 }));
    const [first, second] = [normalized.toTypedArray(), signed.toTypedArray()];
    for (let pixel = 0; pixel < 6; pixel++) {
      for (let c = 0; c < 4; c++) {
        expect(second[6 * c + pixel]).toBeCloseTo((data[4 * pixel + c] - 127.5) / 127.5, 6);
      }
      for (const [c, value] of mean.entries()) {
        expect(first[6 * c + pixel]).toBeCloseTo((data[4 * pixel + c] / 255 - value) / std[c], 5);
      }
    }
    const opaque = own(fromPixels({ data: Uint8Array.of(1, 2, 3), width: 1, height: 1 }, { channels: 4, mean: 0.5 }));
    expect(opaque.toTypedArray()[3]).toBe(0.5);
  });

  test('takes no memory beyond the samples and the planes: one pass', () => {
    const data = randomBytes(4 * 300 * 200);
    engine.resetPeak();
    const { bytesInUse, bytesCopiedIn } = engine.memory;
    own(fromPixels({ data, width: 300, height: 200 }, { mean: 0.5, std: [1, 2, 3] }));
    expect(engine.memory.bytesPeak - bytesInUse).toBeLessThanOrEqual(data.length + 4 * 3 * 300 * 200);
    expect(engine.memory.bytesCopiedIn - bytesCopiedIn).toBe(data.length);
    expect(engine.memory.bytesWorkspace).toBe(0);
  });

  test('reads a view of a larger buffer and leaves it as it was', () => {
    const bytes = randomBytes(40);
    const before = bytes.slice();
    const t = own(fromPixels({ data: bytes.subarray(7, 31), width: 4, height: 2 }, { scale: 1 }));
    expect(t.toTypedArray()[0]).toBe(bytes[7]);
    expect(bytes).toEqual(before);
  });

  test('refuses what is no picture', () => {
    const data = new Uint8Array(12);
    const call =
      (pixels: object, options = {}) =>
      (): unknown =>
        fromPixels(pixels as never, options);
    expect(call({ data, width: 3, height: 2 })).toThrow(ShapeError);
    expect(call({ data, width: 3, height: 2 })).toThrow(
      'fromPixels: pixels.data expected 1, 3 or 4 samples for each of 3 x 2 pixels, got 12 samples',
    );
    expect(call({ data: new Uint16Array(4), width: 2, height: 2 })).toThrow(TypeError);
    expect(call({ data: [1, 2], width: 2, height: 1 })).toThrow(TypeError);
    expect(call({ data, height: 2 })).toThrow(TypeError);
    expect(call({ data, width: 2.5, height: 2 })).toThrow(ArgumentError);
    expect(call({ data: new Uint8Array(0), width: 0, height: 2 })).toThrow(ArgumentError);
    expect(() => fromPixels(null as never)).toThrow(TypeError);
    const good = { data, width: 2, height: 2 };
    expect(call(good, { channels: 2 })).toThrow('fromPixels: channels expected 1, 3 or 4, got 2');
    expect(call(good, { scale: NaN })).toThrow(ArgumentError);
    expect(call(good, { mean: [0, 0] })).toThrow('a number or 3 numbers');
    expect(call(good, { std: [1, 0, 1] })).toThrow(ArgumentError);
    expect(call(good, { std: '1' })).toThrow(TypeError);
    expect(call(good, { gamma: 2 })).toThrow(ArgumentError);
  });
});

describe('toPixels', () => {
  const special = [NaN, Infinity, -Infinity, -0, -1e-9, 0.5 / 255, 1.5 / 255, 2.5 / 255, 1, 1.0001, 300, 1e-40];

  test.each(['float32', 'float64'] as const)('%s is rounded and clamped as a Uint8ClampedArray does', (dtype) => {
    const next = randomSource(3);
    const halves = Array.from({ length: 256 }, (_, i) => (i + 0.5) / 255);
    const numbers = [...special, ...halves, ...Array.from({ length: 40_000 }, () => 1.2 * next() - 0.1)];
    const t = own(tensor(numbers, [1, 1, numbers.length], { dtype }));
    const { data, width, height } = toPixels(t);
    expect([width, height]).toEqual([numbers.length, 1]);
    const expected = Uint8ClampedArray.from(t.toTypedArray(), (value) => 255 * value);
    expect(data.filter((_, i) => i % 4 === 0)).toEqual(expected);
    expect(data.filter((_, i) => i % 4 === 2)).toEqual(expected);
    expect(data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });

  test('gives back what fromPixels took, ready for ImageData', () => {
    const data = randomBytes(4 * 7 * 5);
    const { data: back, width, height } = toPixels(own(fromPixels({ data, width: 7, height: 5 }, { channels: 4 })));
    expect(back).toBeInstanceOf(Uint8ClampedArray);
    expect(back.buffer).toBeInstanceOf(ArrayBuffer);
    expect(back.buffer.byteLength).toBe(back.length);
    expect(back).toEqual(data);
    expect([width, height]).toEqual([7, 5]);
    const rgb = toPixels(own(fromPixels({ data, width: 7, height: 5 })));
    expect(rgb.data).toEqual(data.map((value, i) => (i % 4 === 3 ? 255 : value)));
  });

  test('takes a batch of one, and any strides', () => {
    const data = randomBytes(3 * 6);
    const t = own(fromPixels({ data, width: 3, height: 2 }));
    const turned = own(t.transpose(1, 2));
    const narrow = own(own(turned.unsqueeze(0)).narrow(3, 1, 1));
    const { data: out, width, height } = toPixels(narrow);
    expect([width, height]).toEqual([1, 3]);
    expect([...out.subarray(4, 7)]).toEqual([...data.subarray(12, 15)]);
  });

  test('alpha: a number, a tensor, samples', () => {
    const rgba = own(tensor(new Float32Array(4 * 4).fill(0.2), [4, 2, 2]));
    const alphaOf = (alpha?: ToPixelsOptions['alpha']): number[] =>
      [...toPixels(rgba, alpha === undefined ? {} : { alpha }).data].filter((_, i) => i % 4 === 3);
    expect(alphaOf()).toEqual([51, 51, 51, 51]);
    expect(alphaOf(0.5)).toEqual([128, 128, 128, 128]);
    expect(alphaOf(0)).toEqual([0, 0, 0, 0]);
    expect(alphaOf(Uint8Array.of(1, 2, 3, 4))).toEqual([1, 2, 3, 4]);
    expect(alphaOf(own(tensor([[0, 1, 0.2, 2]], [2, 2])))).toEqual([0, 255, 51, 255]);
    expect(alphaOf(own(own(tensor([[0, 1, 0.2, 2]], [2, 2], { dtype: 'float64' })).transpose(0, 1)))).toEqual([
      0, 51, 255, 255,
    ]);
    expect(() => alphaOf(255)).toThrow('toPixels: alpha expected a number from 0 to 1, got 255');
    expect(() => alphaOf(NaN)).toThrow(ArgumentError);
    expect(() => alphaOf(Uint8Array.of(1))).toThrow(ShapeError);
    expect(() => alphaOf(own(zeros([3, 2, 2])))).toThrow(ShapeError);
    expect(() => alphaOf('1' as never)).toThrow(TypeError);
  });

  test('float16 and objects with data and shape are pictures too, their alpha as well', () => {
    const values = [0, 0.25, 0.5, 1, 0.125, 0.75];
    const single = own(tensor(values, [1, 2, 3]));
    const half = own(tensor(values, [1, 2, 3], { dtype: 'float16' }));
    const expected = toPixels(single);
    expect(toPixels(half)).toEqual(expected);
    expect(toPixels({ data: values, shape: [1, 2, 3] })).toEqual(expected);
    const turned = { data: [0, 1, 0.25, 0.125, 0.5, 0.75], dims: [1, 2, 3], strides: [6, 1, 2] };
    expect(toPixels(turned)).toEqual(expected);
    const alpha = own(tensor(values, [2, 3], { dtype: 'float16' }));
    const seen = toPixels(single, { alpha });
    expect([...seen.data].filter((_, i) => i % 4 === 3)).toEqual([...expected.data].filter((_, i) => i % 4 === 0));
    expect(toPixels(half, { alpha: { data: Float64Array.from(values), shape: [2, 3] } })).toEqual(seen);
    expect(() => toPixels({ data: values, shape: [2, 3] })).toThrow(ShapeError);
    expect(() => toPixels(half, { alpha: { data: values, shape: [3, 2] } })).toThrow(ShapeError);
    expect(() => toPixels(half, { alpha: {} as never })).toThrow(TypeError);
  });

  test('what a pending call writes cannot be read', async () => {
    const x = own(zeros([1, 3, 4, 4]));
    const weight = own(zeros([3, 3, 1, 1]));
    const out = own(zeros([1, 3, 4, 4]));
    const pending = convTranspose2d(x, weight, null, { out });
    expect(() => toPixels(out)).toThrow(expect.objectContaining({ code: 'ERR_IN_USE' }));
    await pending;
    expect(toPixels(out).width).toBe(4);
  });

  test('refuses other shapes', () => {
    for (const shape of [
      [2, 2, 2],
      [2, 3, 2, 2],
      [2, 2],
      [1, 1, 3, 2, 2],
    ]) {
      expect(() => toPixels(own(zeros(shape)))).toThrow(ShapeError);
    }
    expect(() => toPixels(new Uint8Array(3) as never)).toThrow(TypeError);
    const disposed = zeros([3, 1, 1]);
    disposed.dispose();
    expect(() => toPixels(disposed)).toThrow('disposed');
  });
});

test('a picture through a transposed convolution', () => {
  const data = randomBytes(3 * 4 * 4);
  const input = own(fromPixels({ data, width: 4, height: 4 }));
  const repeat = own(tensor(new Float32Array(4).fill(1), [1, 1, 2, 2]));
  const planes = own(input.unsqueeze(1));
  const output = own(convTranspose2dSync(planes, repeat, null, { stride: 2 }));
  const { data: out } = toPixels(own(output.squeeze(1)));
  for (let i = 0; i < 64; i++) {
    const [x, y] = [i % 8, Math.floor(i / 8)];
    const from = 3 * (Math.floor(y / 2) * 4 + Math.floor(x / 2));
    expect([...out.subarray(4 * i, 4 * i + 3)]).toEqual([...data.subarray(from, from + 3)]);
  }
});
