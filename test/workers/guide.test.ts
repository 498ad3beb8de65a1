/** The Worker of the guide, as it stands there. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workerBlocks } from '../docs/code_blocks.ts';
import { bundleWorker, root, workerOf } from './bundle.ts';

const scratch = mkdtempSync(join(root, 'build/guide-'));
let miniflare: Miniflare;
beforeAll(async () => {
  const [{ code }] = workerBlocks('workers.md');
  const entry = join(scratch, 'worker.js');
  writeFileSync(entry, code);
  miniflare = new Miniflare(workerOf(await bundleWorker(entry)));
  await miniflare.ready;
});
afterAll(async () => {
  await miniflare.dispose();
  rmSync(scratch, { recursive: true });
});

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
