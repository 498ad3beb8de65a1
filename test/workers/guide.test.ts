/** The Workers of README and of the guide, as they stand there. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workerBlocks } from '../docs/code_blocks.ts';
import { bundleWorker, root, unminified, workerOf } from './bundle.ts';
import { compressedBytes, expectDocumented } from './documented.ts';

const scratch = mkdtempSync(join(root, 'build/guide-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function bundleOf(file: string, plugins: readonly Plugin[] = []): Promise<string> {
  const blocks = workerBlocks(file);
  expect(blocks).toHaveLength(1);
  const entry = join(scratch, `${file.replaceAll('/', '_')}.js`);
  writeFileSync(entry, blocks[0].code);
  return bundleWorker(entry, plugins);
}

describe('of the guide', () => {
  let miniflare: Miniflare;
  beforeAll(async () => {
    miniflare = new Miniflare(workerOf(await bundleOf('docs/guides/workers.md')));
    await miniflare.ready;
  });
  afterAll(() => miniflare.dispose());

  const send = (size: string, body: Uint8Array<ArrayBuffer>) =>
    miniflare.dispatchFetch(`http://worker/?size=${size}`, { method: 'POST', body });

  test('it doubles a picture', async () => {
    const response = await send('2x1', Uint8Array.of(10, 20, 30, 40, 50, 60));
    expect([response.status, response.headers.get('X-Size')]).toEqual([200, '4x2']);
    const row = [10, 20, 30, 255, 10, 20, 30, 255, 40, 50, 60, 255, 40, 50, 60, 255];
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([...row, ...row]);
  });

  test('it says what is wrong', async () => {
    const answers = [await send('2x2', new Uint8Array(5)), await send('', new Uint8Array(3))];
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
  });
});

describe('of README', () => {
  let script: string;
  let miniflare: Miniflare;
  beforeAll(async () => {
    script = await bundleOf('README.md');
    miniflare = new Miniflare(workerOf(script));
    await miniflare.ready;
  });
  afterAll(() => miniflare.dispose());

  const send = (body: Float32Array<ArrayBuffer>) => miniflare.dispatchFetch('http://worker/', { method: 'POST', body });

  test('it applies its layer to what is sent', async () => {
    const outputs = [0, 1].map(async (value) => {
      const response = await send(new Float32Array(3 * 32 * 32).fill(value));
      return new Float32Array(await response.arrayBuffer());
    });
    const [ofZeros, ofOnes] = await Promise.all(outputs);
    expect([ofZeros.length, ofOnes.length]).toEqual([3 * 64 * 64, 3 * 64 * 64]);
    expect(new Set(ofZeros).size).toBe(3); // the biases
    expect(ofOnes.every(Number.isFinite)).toBe(true);
    expect(ofOnes).not.toEqual(ofZeros);
  });

  test('it says what is wrong', async () => {
    const { status } = await send(new Float32Array(5));
    expect(status).toBe(400);
  });

  test('it is as small as README and the guide say', async () => {
    const scripts = [await bundleOf('README.md', [unminified]), script];
    const kib = scripts.map((each) => compressedBytes(each) / 1024);
    expectDocumented(kib, 'README.md', /: (\d+) KiB compressed for this one \((\d+) KiB minified\)/);
    expectDocumented(kib, 'docs/guides/workers.md', /\| (\d+) KiB, (\d+) KiB minified: the Worker of README/);
  });
});
