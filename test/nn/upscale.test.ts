import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  fromPixels,
  GELU,
  init,
  LeakyReLU,
  manualSeed,
  PReLU,
  Sequential,
  ShapeError,
  Sigmoid,
  Tanh,
  tensor,
  toPixels,
  upscaleImage,
  upscaleImageSync,
  upscalePlanes,
  type Engine,
  type Module,
  type PixelSource,
} from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32, randomSource } from '../support/random.ts';

const MIB = 2 ** 20;
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

/** Smooth colours with some noise. */
function picture(width: number, height: number, samples: 1 | 3 | 4 = 3): PixelSource {
  const next = randomSource(width * 1000 + height);
  const data = Uint8ClampedArray.from({ length: width * height * samples }, (_, i) => {
    const pixel = Math.floor(i / samples);
    return 128 + 90 * Math.sin(pixel / 7 + i) + 30 * next();
  });
  return { data, width, height };
}

const MODULES: Record<string, () => Module> = {
  'kernel = stride': () => new ConvTranspose2d(1, 1, 2, { stride: 2 }),
  'overlapping, cropped': () => new ConvTranspose2d(1, 1, 8, { stride: 2, padding: 3 }),
  'three colours': () => new ConvTranspose2d(3, 3, 4, { stride: 2, padding: 1, activation: 'sigmoid' }),
  'scale 3, outputPadding': () => new ConvTranspose2d(1, 1, 5, { stride: 3, padding: 2, outputPadding: 2 }),
  'stride larger than kernel': () => new ConvTranspose2d(1, 1, 2, { stride: 5, outputPadding: 4 }),
  'dilated, other axes': () =>
    new ConvTranspose2d(3, 3, [3, 2], { stride: [2, 3], dilation: [2, 3], padding: [1, 2], outputPadding: [1, 0] }),
  'uneven padding': () =>
    new ConvTranspose2d(1, 1, 6, {
      stride: 2,
      padding: [
        [4, 1],
        [0, 3],
      ],
    }),
  'input activation': () => new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, inputActivation: 'sigmoid' }),
  'a network like FSRCNN': () =>
    new Sequential(
      new Conv2d(1, 12, 5, { padding: 2 }),
      new PReLU(12),
      new Sequential({ shrink: new Conv2d(12, 4, 1), act: new LeakyReLU(0.1) }),
      new Conv2d(4, 4, 3, { padding: 'same', activation: 'relu' }),
      new Conv2d(4, 12, 1, { padding: 'valid' }),
      new GELU(),
      new ConvTranspose2d(12, 1, 9, { stride: 2, padding: 4, outputPadding: 1 }),
    ),
  'two steps and a stride': () =>
    new Sequential(
      new Conv2d(3, 6, 4, { stride: 2, padding: 1 }),
      new Tanh(),
      new ConvTranspose2d(6, 4, 4, { stride: 2, padding: 1, groups: 2 }),
      new ConvTranspose2d(4, 3, 3, { stride: 3, bias: false }),
      new Sigmoid(),
    ),
  'padding wider than the kernel': () =>
    new Sequential(new Conv2d(1, 2, 2, { padding: 5, stride: 3 }), new ConvTranspose2d(2, 1, 3, { stride: 4 })),
  float64: () => new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, dtype: 'float64' }),
};

function build(name: string): Module {
  manualSeed(11);
  return own(MODULES[name]());
}

/** All of it at once. */
function untiled(module: Module, values: Float32Array, [channels, height, width]: number[]): Float32Array {
  const [first] = module.parameters();
  const inChannels = firstChannels(module);
  const input = own(
    tensor(values, [channels / inChannels, inChannels, height, width], { dtype: first.dtype as 'float32' }),
  );
  const output = own(module.eval().forwardSync(input));
  return Float32Array.from(output.toTypedArray());
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

describe.each(Object.keys(MODULES))('%s', (name) => {
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
    expect(worst).toBeLessThanOrEqual(1e-5 * largest);
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

test('bands of whole rows have the bits of the whole', async () => {
  const module = build('overlapping, cropped');
  const shape = [1, 60, 50];
  const values = randomFloat32(3000, 6);
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
  const plain = (engine: Engine): Module => new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, engine });
  const deep = (engine: Engine): Module =>
    new Sequential(
      new Conv2d(3, 64, 5, { padding: 2, activation: 'relu', engine }),
      new Conv2d(64, 32, 3, { padding: 1, activation: 'relu', engine }),
      new ConvTranspose2d(32, 3, 8, { stride: 4, padding: 2, engine }),
    );

  test.each([
    ['plain, tall', plain, 300, 6000],
    ['plain, wide', plain, 60_000, 12],
    ['plain, very wide', plain, 1_000_000, 2],
    ['deep', deep, 400, 300],
    ['deep, wide', deep, 20_000, 3],
  ] as const)('%s: at most 32 MiB', async (_, make, width, height) => {
    expect(await reserved(make, width, height)).toBeLessThanOrEqual(32);
  });
});

describe('options', () => {
  test('onProgress rises to 1', async () => {
    const seen: number[] = [];
    await upscaleImage(build('kernel = stride'), picture(10, 10), {
      tileRows: 2,
      onProgress: (done) => seen.push(done),
    });
    expect(seen).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
  });

  test('an abort between tiles rejects with the reason and frees everything', async () => {
    const module = build('a network like FSRCNN');
    const controller = new AbortController();
    const reason = new Error('enough');
    const seen: number[] = [];
    const options = {
      tileRows: 2,
      signal: controller.signal,
      onProgress: (done: number) => {
        seen.push(done);
        if (seen.length === 2) controller.abort(reason);
      },
    };
    const { tensors } = engine.memory;
    await expect(upscaleImage(module, picture(12, 12), options)).rejects.toBe(reason);
    expect(seen.length).toBe(2);
    expect(engine.memory.tensors).toBe(tensors);
    expect(() => upscaleImageSync(module, picture(12, 12), { signal: AbortSignal.abort(reason) })).toThrow(reason);
    await expect(upscaleImage(module, picture(12, 12), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await upscaleImage(module, picture(12, 12))).width).toBe(24);
  });

  test('what onProgress throws rejects and frees everything', async () => {
    const module = build('kernel = stride');
    const { tensors } = engine.memory;
    const onProgress = (): void => {
      throw new RangeError('no');
    };
    await expect(upscaleImage(module, picture(4, 4), { onProgress })).rejects.toThrow('no');
    expect(engine.memory.tensors).toBe(tensors);
  });

  test('two pictures at once are two pictures', async () => {
    const module = build('two steps and a stride');
    const [a, b] = [picture(16, 12), picture(15, 20)];
    const [first, second] = await Promise.all([upscaleImage(module, a, { tileRows: 3 }), upscaleImage(module, b)]);
    expect(first).toEqual(upscaleImageSync(module, a, { tileRows: 3 }));
    expect(second).toEqual(upscaleImageSync(module, b));
  });

  test('a weight of a pending call cannot be changed', async () => {
    const module = build('kernel = stride');
    const running = upscaleImage(module, picture(30, 30), { tileRows: 1 });
    expect(() => module.parameters()[0].copyFrom([0, 0, 0, 0])).toThrow(
      expect.objectContaining({ code: 'ERR_IN_USE' }),
    );
    await running;
  });
});

describe('refuses', () => {
  const source = picture(4, 4);
  test.each<[string, () => Module, string]>([
    ['another kind of module', () => new ConvTranspose1d(1, 1, 2), 'got ConvTranspose1d'],
    ['a convolution of 2 channels', () => new ConvTranspose2d(2, 2, 2), '1 or 3 input channels, got 2'],
    ['as many channels out as it likes', () => new ConvTranspose2d(3, 1, 2), '3 output channels'],
    ['no convolution', () => new Sequential(new Tanh()), 'got Sequential'],
    [
      'a forward of its own, which bands would not run',
      () =>
        new Sequential(
          new (class Own extends ConvTranspose2d {
            override forward = super.forward.bind(this);
          })(1, 1, 2),
        ),
      'got ConvTranspose2d with passes of its own',
    ],
  ])('%s', async (_, make, message) => {
    const module = own(make());
    await expect(upscaleImage(module, source)).rejects.toThrow(ArgumentError);
    await expect(upscaleImage(module, source)).rejects.toThrow(message);
    expect(() => upscaleImageSync(module, source)).toThrow(message);
  });

  test('what is no module or no picture', async () => {
    const module = build('kernel = stride');
    await expect(upscaleImage({} as never, source)).rejects.toThrow(TypeError);
    await expect(upscaleImage(module, { ...source, width: 5 })).rejects.toThrow(ShapeError);
    await expect(upscaleImage(module, source, { tileRows: 0 })).rejects.toThrow(ArgumentError);
    await expect(upscaleImage(module, source, { tile_rows: 1 } as never)).rejects.toThrow('did you mean tileRows');
    await expect(upscaleImage(module, source, { onProgress: 1 as never })).rejects.toThrow(TypeError);
    const cropping = own(new ConvTranspose2d(1, 1, 2, { padding: 9 }));
    await expect(upscaleImage(cropping, source)).rejects.toThrow(ShapeError);
  });

  test('an output above 100 megapixels', async () => {
    const module = own(new ConvTranspose2d(1, 1, 100, { stride: 100 }));
    const large = { data: new Uint8Array(101 * 100), width: 101, height: 100 };
    await expect(upscaleImage(module, large)).rejects.toThrow(
      'upscaleImage: pixels expected an output of at most 100 megapixels, got 101 (10100 x 10000 from 101 x 100)',
    );
  });
});
