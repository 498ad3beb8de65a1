/** Workers: how they are started, and that none is left. */

import { describe, expect, test, vi } from 'vitest';
import { createEngine, zeros } from '../../src/index.ts';
import { FaultyHeap } from '../support/faulty_heap.ts';
import { turn, turns, watch } from '../support/in_flight.ts';
import { own } from '../support/owned.ts';
import {
  callOn,
  compute,
  computeSync,
  computeSyncOn,
  engine,
  expectRight,
  useSharedCall,
} from '../support/shared_call.ts';
import { ON_PAGE } from '../support/on_page.ts';
import { livingWorkers, untilWorkers } from '../support/workers.ts';

useSharedCall();

describe('starting', () => {
  test('the caller is one of the threads, unless it is a page', () => {
    expect(engine.info).toMatchObject({ threads: 3, variant: expect.stringMatching(/-threads$/) });
    expect(engine.info.threadsReason).toBeUndefined();
    expect(livingWorkers().length).toBe(ON_PAGE ? 3 : 2);
    const t = own(zeros([4], { engine }));
    expect(t.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(t.toTypedArray().buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('more threads than cores', async () => {
    const many = await createEngine({ threads: 9 });
    expect(many.info.threads).toBe(9);
    expectRight(computeSyncOn(many));
    many.dispose();
  });

  test.each([
    ['a file that is not there', 'file:///nowhere/worker.js'],
    ['a script that throws', 'data:text/javascript,throw new Error("mine")'],
  ])('workerUrl: %s leaves one thread and says why', async (_, workerUrl) => {
    const alone = await createEngine({ threads: 2, workerUrl });
    expect(alone.info.threads).toBe(1);
    expect(alone.info.threadsReason).toMatch(/^worker: expected to run, got /);
    expectRight(computeSyncOn(alone));
    alone.dispose();
  });

  test('workerUrl: a worker that never answers leaves one thread and says why', async () => {
    const before = livingWorkers().length;
    const workerUrl = 'data:text/javascript,setTimeout(() => undefined, 1e8)';
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const made = createEngine({ threads: 2, workerUrl });
    try {
      while (vi.getTimerCount() === 0) await turn();
      vi.advanceTimersByTime(4999);
      expect(livingWorkers().length).toBe(before + (ON_PAGE ? 2 : 1));
      vi.advanceTimersByTime(1);
    } finally {
      vi.useRealTimers();
    }
    const alone = await made;
    expect(alone.info).toMatchObject({ threads: 1, threadsReason: expect.stringContaining('no answer in 5000 ms') });
    expectRight(computeSyncOn(alone));
    alone.dispose();
  });

  test('shared memory that is refused leaves one thread and says why', async () => {
    const own = WebAssembly.Memory;
    const refusing = function (descriptor: WebAssembly.MemoryDescriptor): WebAssembly.Memory {
      if (descriptor.shared) throw new RangeError('not today');
      return new own(descriptor);
    };
    refusing.prototype = own.prototype; // its memories are instances of it
    Object.assign(WebAssembly, { Memory: refusing });
    const alone = await createEngine({ threads: 2 }).finally(() => Object.assign(WebAssembly, { Memory: own }));
    expect(alone.info.variant).not.toMatch(/-threads$/);
    expect(alone.info).toMatchObject({
      threads: 1,
      threadsReason: expect.stringMatching(/no shared memory.*not today/),
    });
    expectRight(computeSyncOn(alone));
    alone.dispose();
  });

  test('memory for the job that is refused leaves one thread and says why', async () => {
    const { memory, allocator } = new FaultyHeap(1024, true);
    let asked = 0;
    const allocate = (bytes: number): number => (asked++ === 0 ? 0 : allocator.allocate(bytes));
    const alone = await createEngine({ threads: 2, memory, allocator: { ...allocator, allocate } });
    expect(alone.info).toMatchObject({ threads: 1, threadsReason: 'no memory for the job of the workers' });
    expectRight(computeSyncOn(alone));
    alone.dispose();
  });

  test('workerUrl: the file of the package', async () => {
    const url = new URL('../../dist/worker.js', import.meta.url);
    const other = await createEngine({ threads: 2, workerUrl: url });
    expect(other.info.threads).toBe(2);
    expectRight(computeSyncOn(other));
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

describe('calls', () => {
  test('of both kinds, one after another', async () => {
    for (let call = 0; call < 3; call++) {
      expectRight(own(await compute()));
      expectRight(own(computeSync()));
    }
  });

  test('a Sync call while a Promise call runs', async () => {
    const call = compute();
    await turns(1);
    expectRight(own(computeSync()));
    expectRight(own(await call));
  });
});

describe('ending', () => {
  test('abort in a call rejects with the reason, and the next call is right', async () => {
    const controller = new AbortController();
    const calls = Array.from({ length: 3 }, () => compute(controller.signal));
    void turn().then(() => controller.abort('enough'));
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

  test('the memory of somebody else is given back when no worker writes to it any more', async () => {
    const heap = new FaultyHeap(1024, true);
    const workersAtFree = new Set<number>();
    const free = (ptr: number): void => {
      workersAtFree.add(livingWorkers().length);
      heap.allocator.free(ptr);
    };
    engine.dispose();
    await untilWorkers(0);
    const allocator = { ...heap.allocator, free };
    const guest = await createEngine({ threads: 3, memory: heap.memory, allocator, yieldEveryMs: 0 });
    expect(guest.info.threads).toBe(3);
    const call = callOn(guest);
    (await call()).dispose();
    guest.trim();
    workersAtFree.clear();
    const pending = Array.from({ length: 8 }, call); // so many that some are left after a turn
    pending.forEach(watch);
    await turns(1);
    guest.dispose();
    await expect(pending.at(-1)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await vi.waitFor(() => expect(heap.statistics.blocks).toBe(0));
    expect([...workersAtFree]).toEqual([0]);
  });
});
