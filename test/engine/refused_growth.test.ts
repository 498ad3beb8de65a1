/** Memory that is refused at each place that asks for it, in turn. */

import { afterEach, expect, test, vi } from 'vitest';
import { createEngine, OutOfMemoryError } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { counted } from '../support/counted.ts';
import { FaultyHeap } from '../support/faulty_heap.ts';
import { disposeOwned } from '../support/owned.ts';
import { SUBJECTS } from './subjects.ts';

const engines: Engine[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

const REFUSALS: Record<string, (first: number) => (index: number) => boolean> = {
  'from one on': (first) => (index) => index >= first,
  // the engine asks again when it has given back what it kept
  'one alone': (first) => (index) => index === first,
};

test.each(SUBJECTS)('%s: computes or is refused, and nothing stays behind', async (_, subject) => {
  const heap = new FaultyHeap(1024);
  const engine = await createEngine({ memory: heap.memory, allocator: heap.allocator, threads: 1 });
  engines.push(engine);
  const work = subject(engine);
  const usage = (): unknown => {
    disposeOwned();
    engine.trim(); // every run asks for everything
    const { tensors, bytesInUse, bytesPacked } = engine.memory;
    return { tensors, bytesInUse, bytesPacked, ...heap.statistics };
  };
  const before = usage();
  const expected = await work();
  expect(usage()).toEqual(before);
  for (const [how, refusal] of Object.entries(REFUSALS)) {
    let [refused, first] = [1, 0];
    for (; refused > 0; first++) {
      const outcome = { how, first };
      refused = await heap.refusing(refusal(first), async () => {
        try {
          expect(await work(), JSON.stringify(outcome)).toEqual(expected);
        } catch (error) {
          if (!(error instanceof OutOfMemoryError)) throw error;
        }
      });
      expect({ ...outcome, usage: usage() }).toEqual({ ...outcome, usage: before });
      expect(await work(), JSON.stringify(outcome)).toEqual(expected);
      expect(usage()).toEqual(before);
    }
    expect(first).toBeGreaterThan(1);
    counted('runs in which memory was refused', first - 1);
  }
});
