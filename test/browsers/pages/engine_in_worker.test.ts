/** An engine in a worker of the application, where the caller may wait and is one of the threads. */

import { expect, test } from 'vitest';
import type { EngineWorkerReport } from './engine_worker.ts';

async function reportOf(threads: number): Promise<EngineWorkerReport> {
  const worker = new Worker(new URL('./engine_worker.ts', import.meta.url), { type: 'module' });
  const report = await new Promise<EngineWorkerReport>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<EngineWorkerReport>) => resolve(data));
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    worker.postMessage(threads, []);
  });
  worker.terminate();
  return report;
}

test('computes the same, with workers of its own where memory can be shared', async () => {
  const [one, three] = [await reportOf(1), await reportOf(3)];
  expect(one.info.threads).toBe(1);
  expect(three.info.threads).toBe(crossOriginIsolated ? 3 : 1);
  expect(one.sync.some((value) => value !== 0)).toBe(true);
  for (const result of [one.promised, three.sync, three.promised]) expect(result).toEqual(one.sync);
});
