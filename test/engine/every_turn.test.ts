/** Calls that are aborted, or lose their engine, after each number of turns that the event loop has while they run. */

import { afterEach, describe, expect, test } from 'vitest';
import { tensor } from '../../src/index.ts';
import type { Engine, EngineOptions, Tensor } from '../../src/index.ts';
import { counted } from '../support/counted.ts';
import { FaultyHeap } from '../support/faulty_heap.ts';
import type { FunctionCase } from '../support/function_cases.ts';
import { contentOf, FUNCTION_CASES } from '../support/function_cases.ts';
import { slicingEngine, turns, watch } from '../support/in_flight.ts';
import { disposeOwned } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

/** No call of the table takes longer. */
const MOST_TURNS = 1000;

const engines: Engine[] = [];
async function made(options: EngineOptions = {}): Promise<Engine> {
  const engine = await slicingEngine(options);
  engines.push(engine);
  return engine;
}
afterEach(() => {
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

const operandsOf = (engine: Engine, { operands }: FunctionCase): Tensor[] =>
  Object.values(operands).map((shape, index) => {
    const count = shape.reduce((product, length) => product * length, 1);
    return tensor(randomFloat32(count, index + 1), shape, { engine });
  });

/** What `promise` rejects with, or what `read` makes of its value. */
const outcomeOf = <T>(promise: Promise<T>, read: (value: T) => unknown): Promise<unknown> =>
  promise.then(read, (reason: unknown) => reason);

describe.each(FUNCTION_CASES)('$name', (c) => {
  test('an abort rejects with its reason, nothing stays behind, and the next call is right', async () => {
    const engine = await made();
    const operands = operandsOf(engine, c);
    const usage = (): unknown => {
      disposeOwned();
      const { tensors, bytesInUse } = engine.memory;
      return { tensors, bytesInUse };
    };
    const before = usage();
    const expected = contentOf(await c.call(operands, {}));
    const reason = new Error('enough');
    let [after, rejected] = [0, 0];
    for (let settled = false; !settled; after++) {
      const controller = new AbortController();
      const promise = c.call(operands, { signal: controller.signal });
      const state = watch(promise);
      await turns(after);
      settled = state.settled;
      controller.abort(reason);
      // one that had just ended when it was aborted is right
      const outcome = await outcomeOf(promise, contentOf);
      expect([reason, expected]).toContainEqual(outcome);
      if (outcome === reason) rejected++;
      expect(usage()).toEqual(before);
      expect(contentOf(await c.call(operands, {}))).toEqual(expected);
      expect(after).toBeLessThan(MOST_TURNS);
    }
    expect(rejected).toBeGreaterThanOrEqual(c.name === 'catBackward' ? 0 : 1); // which gives views
    counted('calls that were aborted', rejected);
  });

  test('the end of the engine rejects it and gives all memory back', async () => {
    let [after, rejected] = [0, 0];
    for (let settled = false; !settled; after++) {
      const heap = new FaultyHeap(64);
      const engine = await made({ memory: heap.memory, allocator: heap.allocator });
      const promise = c.call(operandsOf(engine, c), {});
      const state = watch(promise);
      await turns(after);
      settled = state.settled;
      engine.dispose();
      expect(heap.statistics).toEqual({ blocks: 0, bytesAllocated: 0 });
      const outcome = await outcomeOf(promise, () => 'done');
      expect(['done', expect.objectContaining({ code: 'ERR_DISPOSED' })]).toContainEqual(outcome);
      if (outcome !== 'done') rejected++;
      expect(after).toBeLessThan(MOST_TURNS);
    }
    expect(rejected).toBeGreaterThanOrEqual(c.name === 'catBackward' ? 0 : 1);
    counted('calls that lost their engine', rejected);
  });
});
