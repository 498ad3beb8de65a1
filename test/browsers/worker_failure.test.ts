/** Workers of a page that fail once they are started. */

import { expect, test } from 'vitest';
import { createEngine, WorkerError } from '../../src/index.ts';
import { callOn, expectRight } from '../support/shared_call.ts';

test('a worker that throws again and again: calls reject, then the engine goes on with one thread', async () => {
  const source = `addEventListener('message', () => {
    postMessage('ready');
    setTimeout(() => { throw new Error('mine'); }, 20);
  });`;
  const workerUrl = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const mortal = await createEngine({ threads: 2, workerUrl });
  const call = callOn(mortal);
  const reasons: unknown[] = [];
  for (let round = 0; round < 100 && mortal.info.threadsReason === undefined; round++) {
    await call().then(
      (y) => y.dispose(),
      (reason: unknown) => reasons.push(reason),
    );
  }
  expect(reasons.length).toBeGreaterThan(0);
  expect(reasons.filter((reason) => !(reason instanceof WorkerError))).toEqual([]);
  expect(mortal.info).toMatchObject({ threads: 1, threadsReason: expect.stringContaining('mine') });
  expectRight(await call());
  mortal.dispose();
});
