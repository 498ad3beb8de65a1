/** Calls of several stages on three threads that are aborted, or lose their engine, after more and more turns of the event loop. */

import { afterEach, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { convTranspose2dBackward, createEngine } from '../../src/index.ts';
import { sameNumbers } from '../support/bytes.ts';
import { counted } from '../support/counted.ts';
import { random, turns, watch } from '../support/in_flight.ts';
import { untilWorkers } from '../support/workers.ts';

expect.addEqualityTesters([sameNumbers]);

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) engine.dispose();
  await untilWorkers(0);
});

/** A backward pass whose stages are all large enough to be shared, in an engine that rests after each item of its own. */
async function made(): Promise<{ engine: Engine; call: (signal?: AbortSignal) => Promise<unknown> }> {
  const engine = await createEngine({ threads: 3, yieldEveryMs: 0 });
  engines.push(engine);
  const [x, w] = [random(engine, [1, 48, 24, 24], 1), random(engine, [48, 48, 4, 4], 2)];
  const g = random(engine, [1, 48, 48, 48], 3);
  const call = async (signal?: AbortSignal): Promise<unknown> => {
    const results = await convTranspose2dBackward(g, x, w, { stride: 2, padding: 1, signal });
    const data = Object.values(results).map((result: Tensor) => result.toTypedArray());
    for (const result of Object.values(results) as Tensor[]) result.dispose();
    return data;
  };
  return { engine, call };
}

test('an abort rejects with its reason, nothing stays behind, and the next call is right', async () => {
  const { engine, call } = await made();
  const expected = await call();
  const before = engine.memory;
  const reason = new Error('enough');
  let [after, rejected] = [0, 0];
  for (let settled = false; !settled; after++) {
    const controller = new AbortController();
    const promise = call(controller.signal);
    const state = watch(promise);
    await turns(after);
    settled = state.settled;
    controller.abort(reason);
    const outcome = await promise.catch((error: unknown) => error);
    // one that had just ended when it was aborted is right
    expect([reason, expected]).toContainEqual(outcome);
    if (outcome === reason) rejected++;
    expect(engine.memory).toMatchObject({ tensors: before.tensors, bytesInUse: before.bytesInUse });
    expect(await call()).toEqual(expected);
  }
  expect(rejected).toBeGreaterThan(3);
  expect(engine.info.threads).toBe(3);
  counted('calls that were aborted', rejected);
});

test('the end of the engine rejects it, and ends every worker', async () => {
  let [after, rejected] = [0, 0];
  // every round starts workers
  for (let settled = false; !settled; after += 1 + (after >> 1)) {
    const { engine, call } = await made();
    const promise = call();
    const state = watch(promise);
    await turns(after);
    settled = state.settled;
    engine.dispose();
    const outcome = await promise.then(
      () => 'done',
      (error: unknown) => (error as { code: string }).code,
    );
    expect(['done', 'ERR_DISPOSED']).toContain(outcome);
    if (outcome !== 'done') rejected++;
    await untilWorkers(0);
  }
  expect(rejected).toBeGreaterThan(2);
  counted('calls that lost their engine', rejected);
});
