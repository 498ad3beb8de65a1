/** examples/cloudflare-worker with simulated buckets and queues. */

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { MiniflareOptions } from 'miniflare';
import { Miniflare } from 'miniflare';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAXIMUM_BYTES, MAXIMUM_PIXELS } from '../../examples/cloudflare-worker/src/pictures.ts';
import { bundleWorker, root, unminified, workerOf } from './bundle.ts';
import { compressedBytes, expectDocumented } from './documented.ts';
import type { Answer, Errand } from './requests/client.ts';

const ENTRY = 'examples/cloudflare-worker/src/worker.ts';
const SCALES = [2, 3, 4] as const;

let workers: object[];
let miniflare: Miniflare;
beforeAll(async () => {
  workers = [
    {
      name: 'client',
      ...workerOf(await bundleWorker('test/workers/requests/client.ts')),
      serviceBindings: { APP: 'app' },
    },
    {
      name: 'flood',
      ...workerOf(await bundleWorker('test/workers/requests/flood.ts')),
      routes: ['http://flood/*'],
      serviceBindings: { APP: 'app' },
    },
    {
      name: 'app',
      ...workerOf(await bundleWorker(ENTRY)),
      routes: ['http://app/*'],
      r2Buckets: ['WEIGHTS', 'PICTURES'],
      queueProducers: { JOBS: 'jobs' },
      queueConsumers: { jobs: { maxBatchSize: 10, maxBatchTimeout: 0.1, maxRetries: 1, deadLetterQueue: 'failed' } },
    },
    {
      name: 'buckets',
      ...workerOf(await bundleWorker('test/workers/requests/buckets.ts')),
      routes: ['http://buckets/*'],
      r2Buckets: ['WEIGHTS', 'PICTURES'],
    },
  ];
  miniflare = new Miniflare({ workers } as MiniflareOptions);
  for (const scale of SCALES) await bucket('PUT', `WEIGHTS/x${scale}.safetensors`, weightsOf(scale));
});
afterAll(() => miniflare.dispose());

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

async function send(method: string, url: string, body?: Uint8Array | string): Promise<Answered> {
  const response = await miniflare.dispatchFetch(url, { method, body });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, body: Buffer.from(await response.arrayBuffer()) };
}

/** One request about a bucket of the app. */
const bucket = (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: Uint8Array | string): Promise<Answered> =>
  send(method, `http://buckets/${path}`, body);

const weightsOf = (scale: number): Buffer =>
  readFileSync(`${root}examples/cloudflare-worker/weights/x${scale}.safetensors`);

type Pixel = (x: number, y: number) => readonly number[];

const SMOOTH: Pixel = (x, y) => [128 + 100 * Math.sin(x / 9), 128 + 90 * Math.cos((x + y) / 7), 2 * y, 255];

function pictureOf(width: number, height: number, pixel: Pixel = SMOOTH): PNG {
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) png.data.set(pixel(x, y), 4 * (y * width + x));
  return png;
}

const fileOf = (width: number, height: number, pixel?: Pixel): Buffer =>
  PNG.sync.write(pictureOf(width, height, pixel));

const post = (path: string, body: Uint8Array | string): Promise<Answered> => send('POST', `http://app${path}`, body);

/** Peak signal-to-noise ratio of the colours, in dB. */
function psnr(a: Uint8Array, b: Uint8Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
  return -10 * Math.log10(squares / a.length / 255 ** 2);
}

describe('POST /upscale', () => {
  test.each(SCALES)('by %d: nearer to the truth than pixels repeated', async (scale) => {
    const truth = PNG.sync.read(readFileSync(`${root}assets/picture.png`));
    const [width, height] = [240, 180];
    const box: Pixel = (x, y) =>
      [0, 1, 2, 3].map((sample) => {
        let sum = 0;
        for (let i = 0; i < scale * scale; i++) {
          const [column, row] = [x * scale + (i % scale), y * scale + Math.floor(i / scale)];
          sum += truth.data[4 * (row * truth.width + column) + sample];
        }
        return sum / scale ** 2;
      });
    const small = pictureOf(width / scale, height / scale, box);
    const { status, type, body } = await post(`/upscale?scale=${scale}`, PNG.sync.write(small));
    expect([status, type]).toEqual([200, 'image/png']);
    const result = PNG.sync.read(body);
    expect([result.width, result.height]).toEqual([width, height]);
    const expected = pictureOf(width, height, (x, y) => [
      ...truth.data.subarray(4 * (y * truth.width + x)).subarray(0, 4),
    ]);
    const repeated = pictureOf(width, height, (x, y) => {
      const from = 4 * (Math.floor(y / scale) * small.width + Math.floor(x / scale));
      return [...small.data.subarray(from, from + 4)];
    });
    expect(psnr(result.data, expected.data)).toBeGreaterThan(psnr(repeated.data, expected.data) + 0.5);
  });

  test('of every kind of PNG', async () => {
    const kinds = [
      { colorType: 0 as const },
      { colorType: 2 as const },
      { colorType: 4 as const },
      { colorType: 6 as const },
    ];
    const translucent = pictureOf(20, 10, (x, y) => [10 * x, 20 * y, 99, 12 * x]);
    const grey = pictureOf(20, 10, (x) => [10 * x, 10 * x, 10 * x, 255]);
    for (const kind of kinds) {
      const source = kind.colorType === 0 ? grey : translucent;
      const { status, body } = await post('/upscale', PNG.sync.write(source, kind));
      expect(status, JSON.stringify(kind)).toBe(200);
      const { width, height, data } = PNG.sync.read(body);
      expect([width, height]).toEqual([40, 20]);
      expect(data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(kind.colorType < 4);
    }
  });
});

/** A head that promises more than there is. */
function withSize(width: number, height: number): Buffer {
  const file = fileOf(4, 4);
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  return file;
}

test.each<[string, string, () => Uint8Array | string, number, RegExp]>([
  ['another path', '/other', () => 'x', 404, /POST \/upscale or \/batch/],
  ['a scale that is none', '/upscale?scale=5', () => fileOf(4, 4), 400, /scale: one of 2, 3, 4, got 5/],
  ['no PNG', '/upscale', () => 'GIF89a', 415, /not a PNG/],
  ['a PNG that breaks off', '/upscale', () => fileOf(40, 40).subarray(0, 300), 400, /broken PNG/],
  ['a PNG with wrong bits', '/upscale', () => fileOf(40, 40).fill(7, 60, 70), 400, /broken PNG/],
  ['an empty picture', '/upscale', () => withSize(0, 4), 400, /broken PNG/],
  [
    'too many pixels',
    '/upscale?scale=4',
    () => withSize(600, 600),
    413,
    /600 x 600 by 4: the result has 5760000 pixels, at most 2359296/,
  ],
  ['no JSON', '/batch', () => 'x', 400, /not JSON/],
  ['null', '/batch', () => 'null', 400, /keys: 1 to 100/],
  [
    'too many keys',
    '/batch',
    () => JSON.stringify({ keys: Array.from({ length: 101 }, () => 'a.png') }),
    400,
    /1 to 100/,
  ],
  ['keys of other files', '/batch', () => '{ "keys": ["a.txt"] }', 400, /\.png/],
  ['a batch with a scale that is none', '/batch', () => '{ "keys": ["a.png"], "scale": "9" }', 400, /got 9/],
])('refused with the reason: %s', async (_, path, body, status, reason) => {
  const answer = await post(path, body());
  expect([answer.status, answer.body.toString()]).toEqual([status, expect.stringMatching(reason)]);
});

test.each([
  ['a body that is too long', `?bytes=${MAXIMUM_BYTES + 1}`],
  ['a body without a length that does not end', ''],
])('refused with the reason: %s', async (_, search) => {
  const { status, body } = await send('GET', `http://flood/upscale${search}`);
  expect([status, body.toString()]).toEqual([413, `at most ${MAXIMUM_BYTES} bytes\n`]);
});

test('refused: other methods', async () => {
  const got = await miniflare.dispatchFetch('http://app/upscale');
  expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
});

test.each(SCALES)('the largest picture at scale %d', async (scale) => {
  const side = Math.sqrt(MAXIMUM_PIXELS) / scale;
  const { status, body } = await post(`/upscale?scale=${scale}`, fileOf(side, side));
  expect(status).toBe(200);
  expect(body.readUInt32BE(16)).toBe(side * scale);
});

describe('a batch', () => {
  test('is worked off by the queue; what cannot be done does not hold up the others', async () => {
    for (const key of ['a.png', 'c.png']) await bucket('PUT', `PICTURES/${key}`, fileOf(24, 16));
    await bucket('PUT', 'PICTURES/b.png', 'not a picture');
    const keys = ['a.png', 'b.png', 'missing.png', 'c.png'];
    const { status, body } = await post('/batch', JSON.stringify({ keys, scale: 3 }));
    expect([status, body.toString()]).toEqual([202, '{"queued":4}']);
    const results = async (): Promise<string[]> =>
      JSON.parse((await bucket('GET', 'PICTURES/?prefix=upscaled/')).body.toString()) as string[];
    for (let left = 100; left > 0 && (await results()).length < 2; left--) await setTimeout(100);
    expect(await results()).toEqual(['upscaled/x3/a.png', 'upscaled/x3/c.png']);
    const written = await bucket('GET', 'PICTURES/upscaled/x3/a.png');
    expect(PNG.sync.read(written.body)).toMatchObject({ width: 72, height: 48 });
    expect(written.type).toBe('image/png');
  });

  test('is tried again when something fails that is not its fault', async () => {
    await miniflare.setOptions({ workers } as MiniflareOptions); // a new isolate, which has no layer yet
    await bucket('DELETE', 'WEIGHTS/x2.safetensors');
    await bucket('PUT', 'PICTURES/a.png', fileOf(8, 8));
    await post('/batch', JSON.stringify({ keys: ['a.png'] }));
    await setTimeout(150);
    await bucket('PUT', 'WEIGHTS/x2.safetensors', weightsOf(2));
    const written = (): Promise<Answered> => bucket('GET', 'PICTURES/upscaled/x2/a.png');
    for (let left = 100; left > 0 && (await written()).status === 404; left--) await setTimeout(100);
    expect((await written()).status).toBe(200);
  });
});

test('the first of many cold requests is aborted, and the others answer', async () => {
  const file = fileOf(200, 200);
  const { body } = await post('/upscale', file);
  for (const afterMs of [0, 1, 2, 4]) {
    await miniflare.setOptions({ workers } as MiniflareOptions); // new isolates
    const errand: Errand = {
      path: '/upscale',
      body: file.toString('base64'),
      aborts: [afterMs, ...Array.from({ length: 10 }, () => null)],
      atOnce: 11,
      limitMs: 30_000,
    };
    const response = await miniflare.dispatchFetch('http://client', { method: 'POST', body: JSON.stringify(errand) });
    const [, ...others] = (await response.json()) as Answer[];
    expect(others).toEqual(others.map(() => ({ value: body.length })));
  }
});

test('it is as small as its README says', async () => {
  const scripts = [await bundleWorker(ENTRY, [unminified]), await bundleWorker(ENTRY)];
  const kib = scripts.map((script) => compressedBytes(script) / 1024);
  const file = 'examples/cloudflare-worker/README.md';
  expectDocumented(kib, file, /The bundle is (\d+) KiB compressed \((\d+) KiB minified\)/);
});
