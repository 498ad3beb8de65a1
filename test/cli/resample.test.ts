import { describe, expect, test } from 'vitest';
import type { Plane } from '../../src/cli/image/picture.ts';
import { bicubic, bilinear, nearest, resample, resampleTaps } from '../../src/cli/image/resample.ts';

const plane = (width: number, height: number, value: (x: number, y: number) => number): Plane => ({
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))),
});

const SIZES = [
  [17, 8],
  [16, 8],
  [16, 5],
  [7, 21],
  [5, 5],
  [9, 36],
  [1, 4],
] as const;

describe.each([
  ['bilinear', bilinear],
  ['bicubic', bicubic],
] as const)('%s', (_name, filter) => {
  test.each(SIZES)('weights of every output sample sum to 1 and stay inside: %i -> %i', (from, to) => {
    const taps = resampleTaps(from, to, filter);
    expect(taps).toHaveLength(to);
    for (const { start, weights } of taps) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(start + weights.length).toBeLessThanOrEqual(from);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  test.each(SIZES)('a constant stays constant: %i -> %i', (from, to) => {
    const result = resample(
      plane(from, 6, () => 0.3),
      to,
      4,
      filter,
    );
    expect([result.width, result.height, result.data.length]).toEqual([to, 4, to * 4]);
    for (const value of result.data) expect(value).toBeCloseTo(0.3, 6);
  });

  test('a ramp stays a ramp away from the ends', () => {
    const half = resample(
      plane(40, 1, (x) => x),
      20,
      1,
      filter,
    );
    for (let x = 4; x < 16; x++) expect(half.data[x]).toBeCloseTo(2 * x + 0.5, 5);
  });
});

test('bicubic with a = -0.5 at twice the size has the known taps', () => {
  const even = [-0.0234375, 0.2265625, 0.8671875, -0.0703125];
  const taps = resampleTaps(8, 16, bicubic);
  for (const [i, weight] of even.entries()) expect(taps[8].weights[i]).toBeCloseTo(weight, 12);
  for (const [i, weight] of even.toReversed().entries()) expect(taps[9].weights[i]).toBeCloseTo(weight, 12);
  expect([taps[8].start, taps[9].start]).toEqual([2, 3]);
});

test('bicubic at half the size spreads over eight samples', () => {
  const { start, weights } = resampleTaps(16, 8, bicubic)[4];
  // Filter values at distances 1/4, 3/4, 5/4, 7/4 on both sides, halved.
  const side = [-0.01171875, -0.03515625, 0.11328125, 0.43359375];
  expect(start).toBe(5);
  for (const [i, weight] of [...side, ...side.toReversed()].entries()) expect(weights[i]).toBeCloseTo(weight, 12);
});

test('bilinear at three times the size has the known taps', () => {
  const taps = resampleTaps(4, 12, bilinear);
  expect([taps[4].start, ...taps[4].weights.map((w) => Math.round(w * 3))]).toEqual([1, 3, 0]);
  expect(taps[5].weights.map((w) => Math.round(w * 3))).toEqual([2, 1]);
  expect(taps[6].weights.map((w) => Math.round(w * 3))).toEqual([1, 2]);
});

test('rows and columns are treated alike', () => {
  const source = plane(6, 9, (x, y) => Math.sin(3 * x + y * y));
  const turned = plane(9, 6, (x, y) => source.data[x * 6 + y]);
  const a = resample(source, 4, 13, bicubic);
  const b = resample(turned, 13, 4, bicubic);
  for (let y = 0; y < 13; y++) for (let x = 0; x < 4; x++) expect(a.data[y * 4 + x]).toBeCloseTo(b.data[x * 13 + y], 6);
});

test('nearest repeats samples', () => {
  const result = nearest(
    plane(2, 2, (x, y) => x + 2 * y),
    3,
  );
  expect([...result.data.subarray(0, 6)]).toEqual([0, 0, 0, 1, 1, 1]);
  expect([...result.data.subarray(18, 24)]).toEqual([2, 2, 2, 3, 3, 3]);
});
