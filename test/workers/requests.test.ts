/** Requests of a Worker: they share an engine, and none may hang because another one was aborted. */

import { isDeepStrictEqual } from 'node:util';
import type { MiniflareOptions } from 'miniflare';
import { Miniflare } from 'miniflare';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EngineInfo, EngineMemory } from '../../src/index.ts';
import { bundleWorker, workerOf } from './bundle.ts';
import { compressedBytes, expectDocumented } from './documented.ts';
import type { PictureReport } from './requests/app.ts';
import type { Answer, Errand } from './requests/client.ts';

const MIB = 2 ** 20;

/** Two Workers: one with the package, and one that asks it. */
let workers: { name: string }[];
let bytesOfBundle: number;
let miniflare: Miniflare;
beforeAll(async () => {
  const app = await bundleWorker('test/workers/requests/app.ts');
  const client = await bundleWorker('test/workers/requests/client.ts');
  bytesOfBundle = compressedBytes(app);
  workers = [
    { name: 'client', ...workerOf(client), serviceBindings: { APP: 'app' } },
    { name: 'app', ...workerOf(app) },
  ];
});
beforeEach(async () => {
  miniflare = new Miniflare({ workers } as MiniflareOptions);
  await miniflare.ready;
});
afterEach(() => miniflare.dispose());

async function send(errand: Errand): Promise<Answer[]> {
  const response = await miniflare.dispatchFetch('http://client', { method: 'POST', body: JSON.stringify(errand) });
  return (await response.json()) as Answer[];
}

async function get<T>(path: string): Promise<T> {
  const [answer] = await send({ path, aborts: [null], atOnce: 1, limitMs: 30_000 });
  if ('error' in answer) throw new Error(answer.error);
  return answer.value as T;
}

const ABORTED: Answer = { error: 'AbortError: The operation was aborted' };

describe('the first of many cold requests is aborted', () => {
  /** All are sent at once. */
  const answersOf = (path: string, afterMs: number, limitMs: number): Promise<Answer[]> => {
    const others = Array.from({ length: 10 }, () => null);
    return send({ path, aborts: [afterMs, ...others], atOnce: 11, limitMs });
  };

  test('others hang that wait for what it has begun: so the next test is one', async () => {
    const answers = await answersOf('/wait-for-another', 20, 2000);
    expect(answers).toEqual(answers.map(() => ABORTED));
  });

  test.each([20, 70, 120])('after %d ms, and the others answer', async (afterMs) => {
    const [first, ...others] = await answersOf('/cold', afterMs, 30_000);
    expect(first).toEqual(ABORTED);
    expect(others).toEqual(others.map(() => ({ value: [1, 16, 16, 16] })));
    expect(await get('/cold')).toEqual([1, 16, 16, 16]);
  });
});

test('10,000 requests, one in ten of them aborted, leave memory flat', async () => {
  const right: Answer = { value: [1, 16, 48, 48] };
  const seen = { right: 0, aborted: 0, others: [] as Answer[] };
  const sendMany = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 500) {
      const aborts = Array.from({ length: 500 }, (_, i) => (i % 10 === 9 ? i % 3 : null));
      for (const answer of await send({ path: '/work', aborts, atOnce: 8, limitMs: 30_000 })) {
        if (isDeepStrictEqual(answer, right)) seen.right++;
        else if (isDeepStrictEqual(answer, ABORTED)) seen.aborted++;
        else seen.others.push(answer);
      }
    }
  };
  await sendMany(1000);
  const before = await get<{ memory: EngineMemory }>('/engine');
  await sendMany(9000);
  const after = await get<{ memory: EngineMemory }>('/engine');
  expect(seen.others).toEqual([]);
  expect(seen.right).toBeGreaterThanOrEqual(9000);
  expect(seen.aborted).toBeGreaterThan(100); // some answer in no time
  const { tensors, bytesInUse, bytesPeak, bytesReserved, bytesPacked } = before.memory;
  expect(after.memory).toMatchObject({ tensors, bytesInUse, bytesPeak, bytesReserved, bytesPacked });
  expect(tensors).toBe(2); // weight and bias
});

test('80 MiB is the most unless it is said otherwise, and then OutOfMemoryError, and then all is well', async () => {
  const filled = await get<Record<string, unknown>>('/fill');
  expect(filled).toMatchObject({ name: 'OutOfMemoryError', code: 'ERR_OUT_OF_MEMORY', maximumBytes: 80 * MIB });
  expect(filled.message).toMatch(/^zeros: memory expected room for 4194304 more bytes/);
  expect(filled.taken).toBe(19); // of 4 MiB, beside the layer
  expect(filled.bytesReserved).toBeLessThanOrEqual(80 * MIB);
  expect(await get('/work')).toEqual([1, 16, 48, 48]);
});

test('each call has done its work before it returns its promise', async () => {
  expect(await get('/train')).toEqual({ moved: true, nonZero: true, count: 0 });
});

test('nothing needs a clock that moves', async () => {
  expect(await get('/stand-still')).toEqual({ still: true, shape: [1, 8, 64, 64] });
});

test('what an engine is there, with and without modules of Node', async () => {
  const { info } = await get<{ info: EngineInfo }>('/engine');
  expect(info).toEqual({
    variant: 'relaxed',
    threads: 1,
    threadsReason: 'Cloudflare Workers compute on one thread',
    microkernel: '6x8',
    wide: false,
    numerics: 'fast',
    relaxed: true,
  });
  const [client, app] = workers;
  const withNode = { ...app, compatibilityFlags: ['nodejs_compat'] };
  await miniflare.setOptions({ workers: [client, withNode] } as MiniflareOptions);
  expect(await get('/engine')).toMatchObject({ info });
  expect(await get('/cold')).toEqual([1, 16, 16, 16]);
});

test('upconv/kernels, and a module that the application imports', async () => {
  expect(await get('/kernels')).toEqual({
    kernelSet: 'relaxed',
    code: 'ERR_UNSUPPORTED',
    variant: 'relaxed-threads',
    threads: 1,
    sum: [1, 2, 3],
  });
});

describe('the limits of the free plan', () => {
  test('3 MiB compressed: with all of the package that this Worker uses', () => {
    expect(bytesOfBundle).toBeLessThan(110 * 1024);
  });

  // The guide says how much it is. Beside it V8 keeps code and small objects; the engine's memory holds packed weights, too.
  const GUIDE = 'docs/guides/workers.md';

  test('128 MiB: a layer of a decoder, applied and trained', async () => {
    const { shape, applied, trained } = await get<{ shape: number[]; applied: EngineMemory; trained: EngineMemory }>(
      '/typical',
    );
    expect(shape).toEqual([1, 128, 32, 32]);
    expect(applied.bytesPacked).toBeGreaterThanOrEqual(128 * 64 * 4 * 4 * Float32Array.BYTES_PER_ELEMENT);
    const mib = [applied, trained].map(({ bytesReserved }) => bytesReserved / MIB);
    expectDocumented(mib, GUIDE, /\| (\d+) MiB applied, (\d+) MiB trained/);
  });

  test('128 MiB: a picture of 768 x 768 pixels, doubled', async () => {
    const { width, height, memory, bytesOfPixels } = await get<PictureReport>('/picture');
    expect([width, height]).toEqual([1536, 1536]);
    const mib = [memory.bytesReserved + bytesOfPixels, bytesOfPixels].map((bytes) => bytes / MIB);
    expectDocumented(mib, GUIDE, /\| (\d+) MiB, of which the pixels take (\d+)/);
  });
});
