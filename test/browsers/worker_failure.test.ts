/** Workers of a page that fail once they are started. */

import { afterEach, expect, test } from 'vitest';
import { createEngine, WorkerError } from '../../src/index.ts';
import type { Engine, EngineOptions } from '../../src/index.ts';
import { turn, turns } from '../support/in_flight.ts';
import { callOn, computeSyncOn, expectRight, useSharedCall } from '../support/shared_call.ts';
import { livingWorkers } from '../support/workers.ts';

useSharedCall();

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});
async function made(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

const workerOf = (source: string): string => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));

/** Terminates the newest worker, as a stranger would: nothing tells the engine. */
function terminateOne(): void {
  livingWorkers().at(-1)?.terminate();
}

test('a worker that throws again and again: calls reject, then the engine goes on with one thread', async () => {
  const workerUrl = workerOf(`addEventListener('message', () => {
    postMessage('ready');
    setTimeout(() => { throw new Error('mine'); }, 20);
  });`);
  const mortal = await made({ threads: 2, workerUrl });
  const call = callOn(mortal);
  const reasons: unknown[] = [];
  for (let round = 0; round < 100 && !mortal.info.threadsReason?.includes('mine'); round++) {
    await call().then(
      (y) => y.dispose(),
      (reason: unknown) => reasons.push(reason),
    );
  }
  expect(reasons.length).toBeGreaterThan(0);
  expect(reasons.filter((reason) => !(reason instanceof WorkerError))).toEqual([]);
  expect(mortal.info).toMatchObject({ threads: 1, threadsReason: expect.stringContaining('mine') });
  expectRight(await call());
});

test('a worker that is terminated while nothing runs: the engine says so, and another takes its place', async () => {
  const mortal = await made({ threads: 2 });
  const call = callOn(mortal);
  expectRight(await call());
  expect(mortal.info.threads).toBe(2);
  terminateOne();
  while (mortal.info.threads === 2) await turn();
  expect(mortal.info).toMatchObject({ threads: 1, threadsReason: 'workers have ended; others take their place' });
  expectRight(computeSyncOn(mortal));
  expectRight(await call());
  expect(mortal.info.threads).toBe(2);
  expect(mortal.info.threadsReason).toBeUndefined();
});

test('all workers terminated just before a call: it rejects instead of waiting for ever', async () => {
  const mortal = await made({ threads: 2 });
  const call = callOn(mortal);
  expectRight(await call());
  const workers = livingWorkers().length;
  terminateOne();
  terminateOne();
  const outcome = await call().then(
    () => 'right',
    (reason: unknown) => ((reason as WorkerError).cause as Error).message,
  );
  // whether the page learns of it before the call or in it is chance, or, of a call that was quick, after it
  expect(['right', 'the worker was terminated']).toContain(outcome);
  while (mortal.info.threads === 2 && livingWorkers().length < workers) await turn();
  expectRight(await call());
  expect(mortal.info.threads).toBe(2);
});

test('a worker that is terminated in a call: it rejects with the cause, nothing leaks, the next one is right', async () => {
  const mortal = await made({ threads: 2 });
  const call = callOn(mortal);
  const before = mortal.memory.tensors;
  const errors: unknown[] = [];
  // a worker that dies between two calls harms none: again until one was hit
  for (let round = 0; round < 50 && errors.length === 0; round++) {
    const calls = Array.from({ length: 16 }, () => call());
    await turns(1 + (round % 8));
    terminateOne();
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') errors.push(result.reason);
      else {
        expectRight(result.value);
        result.value.dispose();
      }
    }
  }
  expect(errors[0]).toBeInstanceOf(WorkerError);
  expect(errors[0]).toMatchObject({ code: 'ERR_WORKER', cause: { message: 'the worker was terminated' } });
  expect(mortal.memory.tensors).toBe(before);
  expectRight(await call());
});

test('a worker that claims items and is silent: a Sync call, which no event reaches, does not spin for ever', async () => {
  // claims all items of a job that it sees begin, unless it is late; words as in assembly/worker_loop.ts
  const workerUrl = workerOf(`addEventListener('message', ({ data: { memory, jobPtr } }) => {
    postMessage('ready');
    const words = new Int32Array(memory.buffer, jobPtr, 16);
    const claim = new BigInt64Array(memory.buffer, jobPtr, 1);
    setTimeout(() => {
      let next;
      let items;
      do {
        const number = Atomics.load(words, 1);
        while (Atomics.load(words, 1) === number);
        items = Atomics.load(words, 5);
        next = Number(BigInt.asUintN(32, Atomics.add(claim, 0, BigInt(items))));
      } while (next >= items);
      Atomics.wait(words, 8, 0);
    });
  });`);
  const mortal = await made({ threads: 2, workerUrl });
  const errors: unknown[] = [];
  // a worker that is late for a job claims nothing of it, and waits for another
  for (let round = 0; round < 50 && errors.length === 0; round++) {
    await turns(2);
    try {
      expectRight(computeSyncOn(mortal));
    } catch (error) {
      errors.push(error);
    }
  }
  expect(errors[0]).toMatchObject({
    code: 'ERR_WORKER',
    cause: { message: 'a worker holds items and makes no progress' },
  });
});
