/** Callers that only coordinate, as the main thread of a page does: all that is computed their workers compute. */

import { afterEach, expect, test, vi } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { convTranspose2d, createEngine, full, WorkerError } from '../../src/index.ts';
import { random, turns } from '../support/in_flight.ts';
import { livingWorkers, untilWorkers } from '../support/workers.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) engine.dispose();
  await untilWorkers(0);
});

/** An engine of two threads that takes its caller for one that must not wait. */
async function made(): Promise<Engine> {
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('not on this thread');
  });
  const engine = await createEngine({ threads: 2 });
  wait.mockRestore();
  engines.push(engine);
  expect(engine.info.threads).toBe(2);
  expect(livingWorkers().length).toBe(2);
  return engine;
}

/** A call of one long stage, once its weight is packed, into `out`. */
function callOn(engine: Engine): { out: Tensor; call: (signal?: AbortSignal) => Promise<Tensor> } {
  const [x, w] = [random(engine, [1, 128, 40, 40], 1), random(engine, [128, 256, 4, 4], 2)];
  const out = full([1, 256, 80, 80], 0, { engine });
  const options = { stride: 2, padding: 1, algorithm: 'implicit', out } as const;
  return { out, call: (signal) => convTranspose2d(x, w, null, { ...options, signal }) };
}

/** Blocks the thread for so long that workers are done with what they have claimed. */
function block(ms: number): void {
  const end = Date.now() + ms;
  while (Date.now() < end);
}

const sameBits = (got: ArrayLike<number>, expected: ArrayLike<number>): boolean =>
  expected.length === got.length && Array.from(got).every((value, index) => value === expected[index]);

test('a stage that an abort has closed early never counts as done', async () => {
  const { out, call } = callOn(await made());
  await call();
  const expected = out.toTypedArray();
  const nothing = new Float32Array(out.size).fill(Number.NaN);
  const reason = new Error('enough');
  let rejected = 0;
  // on a busy machine workers may be done before the abort: again until one came in time
  for (let round = 0; round < 20 && rejected < 3; round++) {
    out.copyFrom(nothing);
    const controller = new AbortController();
    const promise = call(controller.signal);
    await turns(1 + (round % 4));
    controller.abort(reason);
    block(20); // the caller learns late what its workers have done
    const outcome = await promise.catch((error: unknown) => error);
    if (outcome === reason) rejected++;
    const right = outcome === reason || sameBits(out.toTypedArray(), expected);
    expect({ round, right }).toEqual({ round, right: true });
  }
  expect(rejected).toBeGreaterThan(0);
});

test('a worker that dies in a call: it rejects with the cause, nothing leaks, the next one is right', async () => {
  const engine = await made();
  const { out, call } = callOn(engine);
  await call();
  const expected = out.toTypedArray();
  const before = engine.memory.tensors;
  const errors: unknown[] = [];
  // one that has no time to begin harms none: again until one was hit
  for (let round = 0; round < 20 && errors.length === 0; round++) {
    const promise = call().catch((error: unknown) => errors.push(error));
    await turns(1 + round);
    void livingWorkers()[0]?.terminate();
    await promise;
  }
  expect(errors[0]).toBeInstanceOf(WorkerError);
  expect(errors[0]).toMatchObject({ code: 'ERR_WORKER', cause: { message: expect.stringContaining('exited') } });
  expect(engine.memory.tensors).toBe(before);
  await call();
  expect(sameBits(out.toTypedArray(), expected)).toBe(true);
});
