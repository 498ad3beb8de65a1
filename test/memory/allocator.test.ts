import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allocator } from '../../src/memory/allocator.ts';

const PAGE = 65536;

function allocatorOf(initialPages: number, maximumPages: number): Allocator {
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages });
  return new Allocator(memory, maximumPages * PAGE);
}

/** An address, or a failed test. */
function allocated(allocator: Allocator, bytes: number): number {
  const ptr = allocator.allocate(bytes);
  if (ptr === null) throw new Error(`no room for ${bytes} bytes`);
  return ptr;
}

describe('allocate', () => {
  test('addresses are multiples of 64, never 0, and distinct even for no bytes', () => {
    const allocator = allocatorOf(1, 1);
    const pointers = [0, 0, 1, 63, 64, 65].map((bytes) => allocated(allocator, bytes));
    expect(pointers.every((ptr) => ptr > 0 && ptr % 64 === 0)).toBe(true);
    expect(new Set(pointers).size).toBe(pointers.length);
  });

  test('no block ends at 4 GiB, which is 0 to a kernel', () => {
    const memory = { buffer: { byteLength: 2 ** 32 } } as WebAssembly.Memory;
    const allocator = new Allocator(memory, 2 ** 32);
    const all = 2 ** 32 - allocated(new Allocator(memory, 2 ** 32), 1) - 64;
    expect(allocator.allocate(all + 1)).toBeNull();
    expect(allocated(allocator, all) + all).toBe(2 ** 32 - 64);
  });

  test('a freed block is used again', () => {
    const allocator = allocatorOf(1, 1);
    const first = allocated(allocator, 1000);
    allocated(allocator, 1000);
    allocator.free(first);
    expect(allocated(allocator, 1000)).toBe(first);
  });

  test('the smallest block that fits is taken', () => {
    const allocator = allocatorOf(1, 1);
    const holes = [4096, 1024, 2048].map((bytes) => {
      const hole = allocated(allocator, bytes);
      allocated(allocator, 64); // keeps holes apart
      return hole;
    });
    for (const hole of holes) allocator.free(hole);
    expect(allocated(allocator, 1000)).toBe(holes[1]);
    expect(allocated(allocator, 1100)).toBe(holes[2]);
  });

  test.each([
    ['forwards', [0, 1, 2]],
    ['backwards', [2, 1, 0]],
    ['middle last', [0, 2, 1]],
  ])('free neighbours become one block: %s', (_, order) => {
    const allocator = allocatorOf(1, 1);
    const blocks = [0, 1, 2].map(() => allocated(allocator, 1024));
    allocated(allocator, 64);
    for (const index of order) allocator.free(blocks[index]);
    expect(allocated(allocator, 3 * 1024)).toBe(blocks[0]);
  });

  test('everything freed is one block again', () => {
    const allocator = allocatorOf(2, 2);
    const blocks = Array.from({ length: 50 }, (_, i) => allocated(allocator, 64 * (1 + (i % 7))));
    for (let i = 0; i < 50; i++) allocator.free(blocks[(i * 17) % 50]);
    expect(allocator.statistics).toEqual({ bytesAllocated: 0, blocks: 0 });
    expect(allocator.allocate(2 * PAGE - 1024)).not.toBeNull();
  });
});

describe('growth', () => {
  test('memory grows when needed, by at least a mebibyte, and keeps what it holds', () => {
    const allocator = allocatorOf(1, 1000);
    const first = allocated(allocator, 100);
    new Uint8Array(allocator.memory.buffer)[first] = 42;
    const large = allocated(allocator, 2 * PAGE);
    expect(large + 2 * PAGE).toBeLessThanOrEqual(allocator.memory.buffer.byteLength);
    expect(allocator.memory.buffer.byteLength).toBe(17 * PAGE);
    expect(new Uint8Array(allocator.memory.buffer)[first]).toBe(42);
  });

  test('a free tail counts when memory grows', () => {
    const allocator = allocatorOf(10, 20);
    const ptr = allocated(allocator, 19 * PAGE); // longer than what is added
    expect(ptr).toBe(1024);
  });

  test('beyond the maximum there is null, and smaller requests go on', () => {
    const allocator = allocatorOf(1, 4);
    expect(allocator.allocate(4 * PAGE)).toBeNull();
    expect(allocator.statistics.blocks).toBe(0);
    expect(allocator.allocate(4 * PAGE - 1024)).not.toBeNull();
    expect(allocator.allocate(1)).toBeNull();
  });

  test('a memory that may not grow as far as the limit says is null, not an exception', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 });
    const allocator = new Allocator(memory, 100 * PAGE);
    expect(allocator.allocate(10 * PAGE)).toBeNull();
    expect(allocator.allocate(2 * PAGE)).not.toBeNull();
  });
});

test('freeing what is not there is an error', () => {
  const allocator = allocatorOf(1, 1);
  const ptr = allocated(allocator, 100);
  allocator.free(ptr);
  expect(() => allocator.free(ptr)).toThrow(/no block/);
  expect(() => allocator.free(12345)).toThrow(/no block/);
});

test('random sequences: blocks stay inside the memory, never overlap, and statistics add up', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ bytes: fc.oneof(fc.nat(300), fc.nat(40_000)) }) },
    { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const allocator = allocatorOf(1, 24);
      const live: { ptr: number; bytes: number }[] = [];
      for (const action of steps) {
        if ('bytes' in action) {
          const ptr = allocator.allocate(action.bytes);
          if (ptr !== null) live.push({ ptr, bytes: Math.max(1, action.bytes) });
        } else if (live.length > 0) {
          const [{ ptr }] = live.splice(action.free % live.length, 1);
          allocator.free(ptr);
        }
        const sorted = live.toSorted((a, b) => a.ptr - b.ptr);
        sorted.forEach(({ ptr, bytes }, index) => {
          const limit = sorted[index + 1]?.ptr ?? allocator.memory.buffer.byteLength;
          if (ptr < 1024 || ptr % 64 !== 0 || ptr + bytes > limit) throw new Error(`block at ${ptr} of ${bytes} bytes`);
        });
        const { blocks, bytesAllocated } = allocator.statistics;
        const rounded = live.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 64) * 64, 0);
        if (blocks !== live.length || bytesAllocated !== rounded)
          throw new Error(`${bytesAllocated} is not ${rounded}`);
      }
      for (const { ptr } of live) allocator.free(ptr);
      const whole = allocator.memory.buffer.byteLength - 1024;
      if (allocator.allocate(whole) === null) throw new Error('free blocks were not joined');
    }),
    { numRuns: 200 },
  );
});
