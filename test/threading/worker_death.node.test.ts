/** Workers that are terminated from outside, which no page is told of, and what Node's workers do to the process. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createEngine, WorkerError } from '../../src/index.ts';
import { own } from '../support/owned.ts';
import { callOn, compute, computeSync, engine, expectRight, useSharedCall } from '../support/shared_call.ts';
import { livingWorkers, untilWorkers } from '../support/workers.ts';

useSharedCall();

describe('a worker that dies', () => {
  test('while nothing runs: the next calls are right, and new workers come', async () => {
    await Promise.all(livingWorkers().map((worker) => worker.terminate()));
    for (let call = 0; call < 3; call++) expectRight(own(await compute()));
    expect(engine.info.threads).toBe(3);
    expect(livingWorkers().length).toBe(2);
  });

  test('while nothing runs: a Sync call is right', async () => {
    await Promise.all(livingWorkers().map((worker) => worker.terminate()));
    expectRight(own(computeSync()));
    expectRight(own(await compute()));
  });

  test('again and again: the engine goes on with one thread and says so', async () => {
    const source = `
      import { parentPort } from 'node:worker_threads';
      parentPort.once('message', () => {
        parentPort.postMessage('ready');
        setTimeout(() => process.exit(7), 1);
      });`;
    const workerUrl = `data:text/javascript,${encodeURIComponent(source)}`;
    const mortal = await createEngine({ threads: 2, workerUrl });
    const call = callOn(mortal);
    const reasons: unknown[] = [];
    for (let round = 0; round < 100 && !mortal.info.threadsReason?.includes('code 7'); round++) {
      await untilWorkers(2); // those of the other engine
      await call().then(
        (y) => y.dispose(),
        (reason: unknown) => reasons.push(reason),
      );
    }
    expect(reasons.filter((reason) => !(reason instanceof WorkerError))).toEqual([]);
    expect(mortal.info).toMatchObject({ threads: 1, threadsReason: expect.stringContaining('exited with code 7') });
    expectRight(await call());
    mortal.dispose();
  });
});

test('idle workers keep no process alive, a pending call does', () => {
  const library = new URL('../../dist/index.js', import.meta.url);
  const script = `
      const { createEngine, convTranspose2d, rand } = await import(${JSON.stringify(library.href)});
      const engine = await createEngine({ threads: 2 });
      const [x, w] = [rand([1, 64, 64, 64], { engine }), rand([64, 64, 4, 4], { engine })];
      const y = await convTranspose2d(x, w, null, { stride: 2, padding: 1 });
      console.log(engine.info.threads, y.shape.join());`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    timeout: 30_000,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  expect(output).toBe('2 1,64,128,128\n');
});
