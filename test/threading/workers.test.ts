/** Workers: how they are started, what happens when they fail, and that none is left. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { convTranspose2d, convTranspose2dSync, createEngine, WorkerError } from '../../src/index.ts';
import { random, turns, watch } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { livingWorkers, untilWorkers } from '../support/workers.ts';

const OPTIONS = { stride: 2, padding: 1 };
let engine: Engine;
let x: Tensor;
let w: Tensor;
let expected: Uint8Array;

const bitsOf = (t: Tensor): Uint8Array => new Uint8Array(t.toTypedArray().buffer);

beforeEach(async () => {
  engine = await createEngine({ threads: 3 });
  x = own(random(engine, [1, 64, 48, 48], 1));
  w = own(random(engine, [64, 64, 4, 4], 2));
  const one = await createEngine({ threads: 1 });
  expected = bitsOf(convTranspose2dSync(random(one, x.shape, 1), random(one, w.shape, 2), null, OPTIONS));
  one.dispose();
});
afterEach(async () => {
  if (!engine.disposed) releaseAll(engine);
  engine.dispose();
  await untilWorkers(0);
});

/** Element by element is slow. */
const expectRight = (t: Tensor): void => expect(Buffer.compare(bitsOf(t), expected)).toBe(0);
const compute = (signal?: AbortSignal): Promise<Tensor> => convTranspose2d(x, w, null, { ...OPTIONS, signal });

describe('starting', () => {
  test('the caller is one of the threads', () => {
    expect(engine.info).toMatchObject({ threads: 3, variant: expect.stringMatching(/-threads$/) });
    expect(engine.info.threadsReason).toBeUndefined();
    expect(livingWorkers().length).toBe(2);
    expect(x.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(x.toTypedArray().buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('more threads than cores', async () => {
    const many = await createEngine({ threads: 9 });
    const [a, b] = [random(many, x.shape, 1), random(many, w.shape, 2)];
    expectRight(convTranspose2dSync(a, b, null, OPTIONS));
    many.dispose();
  });

  test.each([
    ['a file that is not there', 'file:///nowhere/worker.js'],
    ['a worker that answers nothing of ours', 'data:text/javascript,process.exit(0)'],
  ])('workerUrl: %s leaves one thread and says why', async (_, workerUrl) => {
    const alone = await createEngine({ threads: 2, workerUrl });
    expect(alone.info.threads).toBe(1);
    expect(alone.info.threadsReason).toMatch(/^worker: expected to run, got /);
    const [a, b] = [random(alone, x.shape, 1), random(alone, w.shape, 2)];
    expectRight(convTranspose2dSync(a, b, null, OPTIONS));
    alone.dispose();
  });

  test('workerUrl: the file of the package', async () => {
    const url = new URL('../../dist/worker.js', import.meta.url);
    const other = await createEngine({ threads: 2, workerUrl: url });
    expect(other.info.threads).toBe(2);
    other.dispose();
  });

  test('a memory or module that cannot be shared leaves one thread and says why', async () => {
    const memory = new WebAssembly.Memory({ initial: 4 });
    const allocator = { allocate: () => 1024, free: () => undefined };
    const foreign = await createEngine({ threads: 2, memory, allocator });
    expect(foreign.info).toMatchObject({ threads: 1, threadsReason: 'the memory given is not shared' });
    foreign.dispose();
  });
});

describe('a worker that dies', () => {
  test('while nothing runs: the next calls are right, and new workers come', async () => {
    await Promise.all(livingWorkers().map((worker) => worker.terminate()));
    for (let call = 0; call < 3; call++) expectRight(own(await compute()));
    expect(engine.info.threads).toBe(3);
    expect(livingWorkers().length).toBe(2);
  });

  test('while nothing runs: a Sync call is right', async () => {
    await Promise.all(livingWorkers().map((worker) => worker.terminate()));
    expectRight(own(convTranspose2dSync(x, w, null, OPTIONS)));
    expectRight(own(await compute()));
  });

  test('in a call: it rejects with the cause, nothing leaks, the next one is right', async () => {
    const before = engine.memory.tensors;
    const errors: unknown[] = [];
    // a worker that dies between two calls harms none: again until one was hit
    for (let round = 0; round < 50 && errors.length === 0; round++) {
      const calls = Array.from({ length: 4 }, () => compute());
      await turns(1);
      void livingWorkers()[0]?.terminate();
      for (const result of await Promise.allSettled(calls)) {
        if (result.status === 'rejected') errors.push(result.reason);
        else {
          expectRight(result.value);
          result.value.dispose();
        }
      }
    }
    expect(errors[0]).toBeInstanceOf(WorkerError);
    expect(errors[0]).toMatchObject({ code: 'ERR_WORKER', cause: { message: expect.stringContaining('exited') } });
    expect(engine.memory.tensors).toBe(before);
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
    const [a, b] = [random(mortal, x.shape, 1), random(mortal, w.shape, 2)];
    const reasons: unknown[] = [];
    for (let call = 0; call < 100 && mortal.info.threadsReason === undefined; call++) {
      await untilWorkers(2); // those of the other engine
      await convTranspose2d(a, b, null, OPTIONS).then(
        (y) => y.dispose(),
        (reason: unknown) => reasons.push(reason),
      );
    }
    expect(reasons.filter((reason) => !(reason instanceof WorkerError))).toEqual([]);
    expect(mortal.info).toMatchObject({ threads: 1, threadsReason: expect.stringContaining('exited with code 7') });
    expectRight(await convTranspose2d(a, b, null, OPTIONS));
    mortal.dispose();
  });
});

describe('ending', () => {
  test('abort in a call rejects with the reason, and the next call is right', async () => {
    const controller = new AbortController();
    const calls = Array.from({ length: 3 }, () => compute(controller.signal));
    setImmediate(() => controller.abort('enough'));
    const results = await Promise.allSettled(calls);
    expect(results.at(-1)).toEqual({ status: 'rejected', reason: 'enough' });
    for (const result of results) if (result.status === 'fulfilled') own(result.value);
    expectRight(own(await compute()));
  });

  test('dispose in a call rejects it and ends every worker', async () => {
    const call = compute();
    const state = watch(call);
    await turns(1);
    expect(state.settled).toBe(false);
    engine.dispose();
    await expect(call).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await untilWorkers(0);
  });

  test('a Sync call while a Promise call runs', async () => {
    const call = compute();
    await turns(1);
    expectRight(own(convTranspose2dSync(x, w, null, OPTIONS)));
    expectRight(own(await call));
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
});
