import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Conv2d,
  ConvTranspose2d,
  fromPixels,
  init,
  Sequential,
  tensor,
  toPixels,
  upscaleImage,
  upscaleImageSync,
  upscalePlanes,
  type Dtype,
  type Engine,
  type Module,
} from '../../src/index.ts';
import { sameNumbers } from '../support/bytes.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { build, picture, PICTURE_MODULES } from '../support/pictures.ts';
import { randomFloat32 } from '../support/random.ts';

expect.addEqualityTesters([sameNumbers]);

const MIB = 2 ** 20;
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

/** All of it at once. */
function untiled(module: Module, values: Float32Array, [channels, height, width]: number[]): Float32Array {
  const [first] = module.parameters();
  const inChannels = firstChannels(module);
  const input = own(tensor(values, [channels / inChannels, inChannels, height, width], { dtype: first.dtype }));
  const output = own(module.eval().forwardSync(input));
  return Float32Array.from(own(output.to('float64')).toTypedArray());
}

function firstChannels(module: Module): number {
  return module instanceof Sequential
    ? firstChannels([...module][0])
    : (module as unknown as { inChannels: number }).inChannels;
}

/** Through `upscalePlanes`, put together again. */
async function tiled(
  module: Module,
  values: Float32Array,
  [channels, height, width]: number[],
  tileRows?: number,
): Promise<{ values: Float32Array; width: number; height: number; tiles: number }> {
  const parts: { data: ArrayLike<number>; top: number; left: number; rows: number; columns: number }[] = [];
  const size = await upscalePlanes(
    module,
    {
      width,
      height,
      channels,
      read(target, { rows, columns }) {
        let to = 0;
        for (let c = 0; c < channels; c++) {
          for (let y = rows.begin; y < rows.end; y++) {
            for (let x = columns.begin; x < columns.end; x++) target[to++] = values[(c * height + y) * width + x];
          }
        }
      },
    },
    (data, { rows, columns }) => {
      const extent = { rows: rows.end - rows.begin, columns: columns.end - columns.begin };
      parts.push({ data: data.slice(), top: rows.begin, left: columns.begin, ...extent });
    },
    tileRows === undefined ? {} : { tileRows },
  );
  const all = new Float32Array(channels * size.width * size.height).fill(NaN);
  for (const { data, top, left, rows, columns } of parts) {
    let from = 0;
    for (let c = 0; c < channels; c++) {
      for (let y = top; y < top + rows; y++) {
        for (let x = left; x < left + columns; x++) all[(c * size.height + y) * size.width + x] = data[from++];
      }
    }
  }
  return { values: all, ...size, tiles: parts.length };
}

describe.each(Object.keys(PICTURE_MODULES))('%s', (name) => {
  test.each([
    [21, 30, 1],
    [21, 30, 4],
    [13, 9, 5],
    [40, 6, 39],
  ])('tiles of a picture of %i x %i in bands of %i rows are the whole', async (height, width, tileRows) => {
    const module = build(name);
    const shape = [3, height, width];
    const values = randomFloat32(3 * height * width, 5);
    const expected = untiled(module, values, shape);
    const got = await tiled(module, values, shape, tileRows);
    expect(got.tiles).toBeGreaterThan(1);
    expect(got.values.length).toBe(expected.length);
    const largest = Math.max(...expected.map(Math.abs));
    let worst = 0;
    for (const [i, value] of got.values.entries()) {
      const difference = Math.abs(value - expected[i]);
      worst = difference <= worst ? worst : difference; // NaN stays
    }
    expect(worst).toBeLessThanOrEqual((name === 'float16' ? 2 ** -10 : 1e-5) * largest);
  });

  test('a picture in bands is the picture at once', async () => {
    const module = build(name);
    for (const samples of [1, 3, 4] as const) {
      const source = picture(37, 23, samples);
      const whole = await upscaleImage(module, source);
      const banded = await upscaleImage(module, source, { tileRows: 3 });
      expect([banded.width, banded.height]).toEqual([whole.width, whole.height]);
      expect(whole.data.length).toBe(4 * whole.width * whole.height);
      const differences = banded.data.map((value, i) => Math.abs(value - whole.data[i]));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1); // a last bit may decide how a value is rounded
      expect(upscaleImageSync(module, source, { tileRows: 3 })).toEqual(banded);
    }
  });
});

test.each(Object.keys(PICTURE_MODULES))('bands of whole rows have the bits of the whole: %s', async (name) => {
  const module = build(name);
  const shape = [3, 30, 200]; // so wide that in no layer a vector holds parts of two rows
  const values = randomFloat32(18_000, 6);
  expect((await tiled(module, values, shape, 7)).values).toEqual(untiled(module, values, shape));
});

test('equals fromPixels, forward and toPixels', async () => {
  const module = build('three colours');
  const source = picture(19, 14, 4);
  const input = own(fromPixels(source));
  const output = own(await module.eval().forward(input));
  const expected = toPixels(output).data;
  const { data } = await upscaleImage(module, source, { tileRows: 5 });
  expect(data.filter((_, i) => i % 4 !== 3)).toEqual(expected.filter((_, i) => i % 4 !== 3));
});

test('leaves mode, gradients and what a training forward saved as they were', async () => {
  const module = build('three colours').train();
  const input = own(fromPixels(picture(6, 6)));
  const output = own(await module.forward(input));
  await upscaleImage(module, picture(9, 9));
  expect(module.training).toBe(true);
  own(await module.backward(own(output.clone())));
  expect(module.parameters()[0].grad).not.toBeNull();
});

describe('alpha', () => {
  const repeat = (): Module => {
    const module = own(new ConvTranspose2d(1, 1, 2, { stride: 2, bias: false }));
    module.parameters()[0].copyFrom([1, 1, 1, 1]);
    return module;
  };

  test('is stretched bilinearly', async () => {
    const data = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 200);
    const { data: out } = await upscaleImage(repeat(), { data, width: 2, height: 1 });
    expect([...out.subarray(0, 16)]).toEqual([1, 2, 3, 0, 1, 2, 3, 50, 4, 5, 6, 150, 4, 5, 6, 200]);
    expect(out.subarray(16)).toEqual(out.subarray(0, 16));
  });

  test('is 255 without one', async () => {
    const { data } = await upscaleImage(repeat(), { data: Uint8Array.of(9, 8, 7), width: 1, height: 1 });
    expect([...data]).toEqual(Array.from({ length: 4 }, () => [9, 8, 7, 255]).flat());
    const grey = await upscaleImage(repeat(), { data: Uint8Array.of(5), width: 1, height: 1 });
    expect([...grey.data.subarray(0, 4)]).toEqual([5, 5, 5, 255]);
  });
});

describe('memory', () => {
  /** Wasm memory beyond the weights after a picture went through an engine of its own. */
  async function reserved(make: (engine: Engine) => Module, width: number, height: number): Promise<number> {
    const { createEngine } = await import('../../src/index.ts');
    const own = await createEngine();
    try {
      const module = make(own);
      await upscaleImage(module, { data: new Uint8Array(width * height * 3).fill(77), width, height });
      return own.memory.bytesReserved / MIB;
    } finally {
      own.dispose();
    }
  }
  const plain = (engine: Engine, dtype: Dtype = 'float32'): Module =>
    new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, engine, dtype });
  const deep = (engine: Engine, dtype: Dtype = 'float32'): Module =>
    new Sequential(
      new Conv2d(3, 64, 5, { padding: 2, activation: 'relu', engine, dtype }),
      new Conv2d(64, 32, 3, { padding: 1, activation: 'relu', engine, dtype }),
      new ConvTranspose2d(32, 3, 8, { stride: 4, padding: 2, engine, dtype }),
    );

  test.each([
    ['plain, tall', plain, 300, 6000],
    ['plain, wide', plain, 60_000, 12],
    ['plain, very wide', plain, 1_000_000, 2],
    ['deep', deep, 400, 300],
    ['deep, wide', deep, 20_000, 3],
    ['plain, float16', (e: Engine) => plain(e, 'float16'), 300, 6000],
    ['deep, float16', (e: Engine) => deep(e, 'float16'), 400, 300],
    ['deep, frozen', (e: Engine) => deep(e).eval().freeze(), 400, 300],
  ] as const)('%s: at most 32 MiB', async (_, make, width, height) => {
    expect(await reserved(make, width, height)).toBeLessThanOrEqual(32);
  });
});
