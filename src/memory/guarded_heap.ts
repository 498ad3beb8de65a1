/** A heap for the option `debug`: zones around blocks that nobody may write to, and content that nobody may rely on. */

import type { Heap } from './heap.ts';

/** A cache line, so that blocks keep their alignment. */
const GUARD_BYTES = 64;
const GUARD = 0xfd;
/** Of bytes that hold nothing: NaN in every float type. */
const POISON = 0xff;

export function guardedHeap(heap: Heap): Heap {
  /** By address. */
  const blocks = new Map<number, number>();
  const view = (ptr: number, bytes: number): Uint8Array => new Uint8Array(heap.memory.buffer, ptr, bytes);
  const zonesOf = (ptr: number, bytes: number): [string, Uint8Array][] => [
    ['before', view(ptr - GUARD_BYTES, GUARD_BYTES)],
    ['behind', view(ptr + bytes, GUARD_BYTES)],
  ];
  return {
    ...heap,
    allocate(bytes) {
      const outer = heap.allocate(bytes + 2 * GUARD_BYTES);
      if (outer === null) return null;
      const ptr = outer + GUARD_BYTES;
      blocks.set(ptr, bytes);
      view(ptr, bytes).fill(POISON);
      for (const [, zone] of zonesOf(ptr, bytes)) zone.fill(GUARD);
      return ptr;
    },
    free(ptr) {
      const bytes = blocks.get(ptr) ?? 0;
      blocks.delete(ptr);
      view(ptr - GUARD_BYTES, bytes + 2 * GUARD_BYTES).fill(POISON);
      heap.free(ptr - GUARD_BYTES);
    },
    poison: (ptr, bytes) => void view(ptr, bytes).fill(POISON),
    trespass() {
      for (const [ptr, bytes] of blocks) {
        for (const [where, zone] of zonesOf(ptr, bytes)) {
          if (zone.every((byte) => byte === GUARD)) continue;
          zone.fill(GUARD); // told once
          return `${where} the ${bytes} bytes at ${ptr}`;
        }
      }
      return null;
    },
  };
}
