import { expect, test } from 'vitest';
import { ByteCache } from '../../src/engine/byte_cache.ts';
import type { CacheEntry } from '../../src/engine/byte_cache.ts';
import { convTranspose1dSync, createEngine, full } from '../../src/index.ts';

function entries(...bytes: number[]): { list: CacheEntry[]; freed: number[] } {
  const freed: number[] = [];
  const list = bytes.map((size, index) => ({ bytes: size, users: 0, free: () => void freed.push(index) }));
  return { list, freed };
}

test('the least recently used entry goes first', () => {
  const cache = new ByteCache(100);
  const { list, freed } = entries(40, 40, 20, 30, 90);
  expect(list.slice(0, 3).map((entry) => cache.add(entry))).toEqual([true, true, true]);
  cache.touch(list[0]);
  expect(cache.add(list[3])).toBe(true);
  expect(freed).toEqual([1]);
  expect(cache.add(list[4])).toBe(true);
  expect(freed).toEqual([1, 2, 0, 3]);
  cache.clear();
  expect(freed).toEqual([1, 2, 0, 3, 4]);
});

test('what is in use stays, and what does not fit is not kept', () => {
  const cache = new ByteCache(100);
  const { list, freed } = entries(60, 40, 50, 101);
  list[0].users = 1;
  cache.add(list[0]);
  cache.add(list[1]);
  expect(cache.add(list[2])).toBe(false);
  expect(freed).toEqual([1]);
  expect(cache.add(list[3])).toBe(false);
  expect(cache.drop(list[0])).toBe(false);
  expect(cache.evictOne()).toBe(false);
  list[0].users = 0;
  expect(cache.drop(list[0])).toBe(true);
  expect(cache.drop(list[0])).toBe(false);
  expect(freed).toEqual([1, 0]);
});

test('plans count as packed weights do: many of them stay within the limit', async () => {
  const memory = new WebAssembly.Memory({ initial: 64 });
  let [top, used, most] = [1024, 0, 0];
  const sizes = new Map<number, number>();
  const allocator = {
    allocate(bytes: number): number {
      const ptr = Math.ceil(top / 64) * 64;
      top = ptr + bytes;
      sizes.set(ptr, bytes);
      used += bytes;
      most = Math.max(most, used);
      return ptr;
    },
    free(ptr: number): void {
      used -= sizes.get(ptr)!;
      sizes.delete(ptr);
    },
  };
  const cacheBytes = 20_000;
  const engine = await createEngine({ memory, allocator, cacheBytes });
  const weight = full([2, 2, 3], 1, { engine });
  for (let length = 1; length < 150; length++) {
    const x = full([1, 2, length], 1, { engine });
    const y = convTranspose1dSync(x, weight);
    expect(y.toTypedArray()[0]).toBe(2);
    x.dispose();
    y.dispose();
  }
  weight.dispose();
  const scratch = engine.memory.bytesWorkspace + 4096;
  expect(used).toBeLessThan(cacheBytes + scratch);
  expect(used).toBeGreaterThan(cacheBytes / 2); // it is used
  engine.dispose();
  expect(used).toBe(0);
});
