/** Tests with operands, tables and scratch memory at the ends of memories, and at addresses with a high bit. */

import { afterEach, describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { sameNumbers } from '../support/bytes.ts';
import { counted } from '../support/counted.ts';
import { disposeOwned } from '../support/owned.ts';
import type { Placement } from '../support/placing_heap.ts';
import { PlacingHeap } from '../support/placing_heap.ts';
import type { Work } from './subjects.ts';

expect.addEqualityTesters([sameNumbers]);

const GIBIBYTE = 2 ** 30;
const PAGE_BYTES = 65536;
const engines: Engine[] = [];
afterEach(() => {
  disposeOwned();
  for (const engine of engines.splice(0)) engine.dispose();
});

async function engineIn(heap: PlacingHeap): Promise<Engine> {
  const engine = await createEngine({ memory: heap.memory, allocator: heap.allocator, threads: 1 });
  engines.push(engine);
  return engine;
}

/** Does the work with every block of it once at the end of the memory. @returns what it gives */
async function atTheEnd(subject: (engine: Engine) => Work): Promise<unknown> {
  const heap = new PlacingHeap({ kind: 'end of memory', pages: 512 });
  const engine = await engineIn(heap);
  const result = await subject(engine)();
  const { asked } = heap;
  for (let last = 0; last < asked; last++) {
    disposeOwned();
    engine.trim();
    heap.restart(last);
    expect(await subject(engine)(), `block ${last} of ${asked}`).toEqual(result);
  }
  counted('runs with a block at the end of a memory', asked);
  return result;
}

/** Pages that nobody touches take no memory. */
export const HIGH_ADDRESSES = {
  'across 2 GiB': 2 * GIBIBYTE + PAGE_BYTES,
  'above 2 GiB': 3 * GIBIBYTE,
  'up to 4 GiB': 4 * GIBIBYTE,
} as const;

/** Declares the tests of `subjects`. */
export function testPlacements(
  subjects: readonly (readonly [string, (engine: Engine) => Work])[],
  addresses: readonly (keyof typeof HIGH_ADDRESSES)[],
): void {
  describe.each(subjects)('%s', (_, subject) => {
    test('at the ends of memories and at high addresses', async () => {
      const result = await atTheEnd(subject);
      const placements: Placement[] = [
        { kind: 'growth edge' },
        ...addresses.map((name): Placement => {
          const top = HIGH_ADDRESSES[name];
          return { kind: 'high', top, pages: top / PAGE_BYTES };
        }),
      ];
      for (const placement of placements) {
        const engine = await engineIn(new PlacingHeap(placement));
        expect(await subject(engine)(), JSON.stringify(placement)).toEqual(result);
        counted(`runs ${placement.kind === 'high' ? 'at high addresses' : 'in memories that grow for every block'}`, 1);
      }
    });
  });
}
