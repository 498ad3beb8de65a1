import { describe, expect, test } from 'vitest';
import { randomCrop, scaleRectangles, SMALLEST_SIDE, splitPicture } from '../../src/cli/image/holdout.ts';
import {
  allocateSamples,
  channelPlane,
  maxSample,
  quantize,
  type Picture,
  type Plane,
} from '../../src/cli/image/picture.ts';
import { meanSquaredError, psnr } from '../../src/cli/image/psnr.ts';
import { createRandom } from '../../src/cli/image/random.ts';
import { bilinear, resample } from '../../src/cli/image/resample.ts';
import { bilinearKernel, CONTEXT, upscaleGeometry } from '../../src/cli/image/upscale_kernel.ts';
import { planeChannel, readPadded, upscalePicture } from '../../src/cli/upscaling/apply.ts';
import { shrinkToPair } from '../../src/cli/upscaling/pair.ts';
import { ConvTranspose2d, createEngine, tensor } from '../../src/index.ts';
import { convTransposeReference } from '../reference/conv_transpose.ts';

const flat = (width: number, height: number, value: number): Plane => ({
  width,
  height,
  data: new Float32Array(width * height).fill(value),
});

/** Rows `row` … `row + rows - 1` with two pixels around. */
function paddedRows(plane: Plane, row: number, rows: number): Float32Array {
  const width = plane.width + 2 * CONTEXT;
  const target = new Float32Array((rows + 2 * CONTEXT) * width);
  const region = { rows: { begin: row, end: row + rows + 2 * CONTEXT }, columns: { begin: 0, end: width } };
  readPadded([planeChannel(plane)], plane, region, target);
  return target;
}

describe('PSNR', () => {
  const all = [{ x: 0, y: 0, width: 4, height: 3 }];

  test('an error of 0.1 everywhere is 20 dB, of 0.01 is 40 dB', () => {
    expect(psnr(meanSquaredError([flat(4, 3, 0.6)], [flat(4, 3, 0.5)], all))).toBeCloseTo(20, 4);
    expect(psnr(meanSquaredError([flat(4, 3, 0.51)], [flat(4, 3, 0.5)], all))).toBeCloseTo(40, 4);
    expect(psnr(0)).toBe(Infinity);
  });

  test('only the rectangles count, over all channels', () => {
    const wrong = flat(4, 3, 0);
    wrong.data[5] = 0.5;
    const target = flat(4, 3, 0);
    expect(meanSquaredError([wrong], [target], [{ x: 2, y: 0, width: 2, height: 3 }])).toBe(0);
    expect(meanSquaredError([wrong, target], [target, target], [{ x: 1, y: 1, width: 1, height: 1 }])).toBe(0.125);
  });

  test('estimates are clamped as they are when stored', () => {
    expect(meanSquaredError([flat(4, 3, 1.7)], [flat(4, 3, 1)], all)).toBe(0);
    expect(meanSquaredError([flat(4, 3, -2)], [flat(4, 3, 0)], all)).toBe(0);
  });
});

describe.each([2, 3, 4])('kernel for scale %i', (scale) => {
  const geometry = upscaleGeometry(scale);

  test('every phase of the bilinear kernel sums to 1', () => {
    const kernel = bilinearKernel(scale);
    for (let phase = 0; phase < scale ** 2; phase++) {
      let sum = 0;
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
          const row = i * scale + Math.floor(phase / scale);
          sum += kernel[row * 4 * scale + j * scale + (phase % scale)];
        }
      }
      expect(sum).toBeCloseTo(1, 6);
    }
  });

  test('the transposed convolution with it is bilinear resampling', () => {
    const width = 7;
    const height = 5;
    const low: Plane = { width, height, data: Float32Array.from({ length: 35 }, (_, i) => Math.sin(i * i)) };
    const { kernelSize, ...options } = geometry;
    const output = convTransposeReference(
      { shape: [1, height + 2 * CONTEXT, width + 2 * CONTEXT], data: Float64Array.from(paddedRows(low, 0, height)) },
      { shape: [1, 1, kernelSize, kernelSize], data: Float64Array.from(bilinearKernel(scale)) },
      null,
      options,
    );
    expect(output.shape).toEqual([1, height * scale, width * scale]);
    const expected = resample(low, width * scale, height * scale, bilinear);
    for (const [i, value] of expected.data.entries()) expect(output.data[i]).toBeCloseTo(value, 5);
  });
});

describe('division into training and measuring', () => {
  test.each([
    [SMALLEST_SIDE, SMALLEST_SIDE],
    [SMALLEST_SIDE, 200],
    [33, 47],
    [384, 256],
  ])('%i x %i: crops never touch a withheld block and measured blocks lie inside them', (width, height) => {
    const split = splitPicture(width, height);
    expect(split.measured.length).toBeGreaterThan(0);
    const withheld = new Set<number>();
    for (const r of split.withheld) {
      expect(r.x + r.width).toBeLessThanOrEqual(width);
      expect(r.y + r.height).toBeLessThanOrEqual(height);
      for (let y = r.y; y < r.y + r.height; y++) for (let x = r.x; x < r.x + r.width; x++) withheld.add(y * width + x);
    }
    /** How many pixels of a rectangle are withheld. */
    const withheldIn = (left: number, top: number, columns: number, rows: number): number => {
      let count = 0;
      for (let y = top; y < top + rows; y++) {
        for (let x = left; x < left + columns; x++) count += Number(withheld.has(y * width + x));
      }
      return count;
    };
    for (const r of split.measured) {
      expect(r.width).toBeGreaterThan(0);
      const [columns, rows] = [r.width + 4, r.height + 4];
      expect(withheldIn(r.x - 2, r.y - 2, columns, rows)).toBe(columns * rows);
    }
    const random = createRandom(3);
    for (let i = 0; i < 200; i++) {
      const { x, y } = randomCrop(split, width, height, random);
      expect(x + split.crop).toBeLessThanOrEqual(width);
      expect(y + split.crop).toBeLessThanOrEqual(height);
      expect(withheldIn(x, y, split.crop, split.crop)).toBe(0);
    }
  });

  test('rectangles scale with the picture', () => {
    expect(scaleRectangles([{ x: 1, y: 2, width: 3, height: 4 }], 3)).toEqual([{ x: 3, y: 6, width: 9, height: 12 }]);
  });
});

/** The first numbers of a seed. */
function draw(seed: number): number[] {
  return Array.from({ length: 2000 }, createRandom(seed));
}

test('random numbers depend on the seed alone and fill [0, 1)', () => {
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const values = draw(1);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(1);
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1);
});

test('a pair is exactly scale times apart and rounded as stored', () => {
  const data = Uint8Array.from({ length: 17 * 14 * 4 }, (_, i) => (i * 37) % 256);
  const { low, high } = shrinkToPair({ width: 17, height: 14, channels: 4, depth: 8, data }, 3);
  expect(low.map((p) => [p.width, p.height])).toEqual([
    [5, 4],
    [5, 4],
    [5, 4],
  ]);
  expect(high.map((p) => [p.width, p.height])).toEqual([
    [15, 12],
    [15, 12],
    [15, 12],
  ]);
  for (const value of low[0].data) expect(value * 255).toBeCloseTo(Math.round(value * 255), 3);
  expect(high[1].data[16] * 255).toBeCloseTo(data[(17 + 1) * 4 + 1], 3);
});

test('quantize clamps and rounds', () => {
  const { data } = quantize({ width: 4, height: 1, data: Float32Array.of(-0.1, 0.5, 1.2, 0.9999) }, 8);
  expect([...data].map((value) => Math.round(value * 255))).toEqual([0, 128, 255, 255]);
});

test('edge pixels are repeated around a band of rows', () => {
  const source: Plane = { width: 2, height: 2, data: Float32Array.of(1, 2, 3, 4) };
  const rows = paddedRows(source, 1, 1);
  const lines = Array.from({ length: 5 }, (_, y) => [...rows.subarray(6 * y, 6 * y + 6)]);
  expect(lines).toEqual([
    [1, 1, 1, 2, 2, 2],
    [1, 1, 1, 2, 2, 2],
    [3, 3, 3, 4, 4, 4],
    [3, 3, 3, 4, 4, 4],
    [3, 3, 3, 4, 4, 4],
  ]);
});

describe('a picture in tiles', () => {
  test.each([
    [3, 16],
    [3, 8],
    [1, 16],
  ] as const)('%i channels, %i bit: every sample is that of the whole picture at once', async (channels, depth) => {
    const engine = await createEngine();
    try {
      const [width, height, scale] = [700, 1100, 2];
      const { kernelSize, ...geometry } = upscaleGeometry(scale);
      const module = new ConvTranspose2d(1, 1, kernelSize, { ...geometry, bias: false, engine }).eval();
      const next = createRandom(4);
      const ripple = (value: number): number => value + 0.02 * (next() - 0.5);
      module.weight.copyFrom(bilinearKernel(scale).map(ripple));
      const data = allocateSamples(width * height * channels, depth).map(() => maxSample(depth) * next());
      const picture: Picture = { width, height, channels, depth, data };
      const rows: number[] = [];
      const { picture: tiled } = await upscalePicture(module, picture, { scale, onRows: (done) => rows.push(done) });
      expect(rows.length).toBeGreaterThan(1);
      expect(engine.memory.bytesReserved).toBeLessThanOrEqual(32 * 2 ** 20);

      const planes = Array.from({ length: channels }, (_, c) => channelPlane(picture, c, width, height));
      const shape = [channels, 1, height + 2 * CONTEXT, width + 2 * CONTEXT];
      const padded = new Float32Array(shape.reduce((product, length) => product * length));
      planes.forEach((plane, c) => padded.set(paddedRows(plane, 0, height), (c * padded.length) / channels));
      const whole = (await module.forward(tensor(padded, shape, { engine }))).toTypedArray();
      const [pixels, most] = [whole.length / channels, maxSample(depth)];
      let worst = 0;
      for (let c = 0; c < channels; c++) {
        for (let pixel = 0; pixel < pixels; pixel++) {
          const stored = Math.round(Math.min(1, Math.max(0, whole[c * pixels + pixel])) * most);
          worst = Math.max(worst, Math.abs(tiled.data[pixel * channels + c] - stored));
        }
      }
      expect(worst).toBe(0);
    } finally {
      engine.dispose();
    }
  });
});
