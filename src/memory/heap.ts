/** The memory an engine lives in: its own, or somebody else's. */

import { Allocator } from './allocator.ts';

/** Allocator of a foreign memory, as the option `allocator` takes it. */
export interface ForeignAllocator {
  /** An address aligned to `alignment`; throws, or returns 0, when there is no room. */
  allocate(bytes: number, alignment: number): number;
  free(ptr: number): void;
}

export interface Heap {
  readonly memory: WebAssembly.Memory;
  readonly maximumBytes: number;
  /** Address of fresh bytes, or null when there is no room. */
  allocate(bytes: number): number | null;
  free(ptr: number): void;
  /** Gives everything back that was not freed. */
  dispose(): void;
}

export interface HeapOptions {
  readonly initialBytes: number;
  readonly maximumBytes: number;
  readonly memory: WebAssembly.Memory | null;
  readonly allocator: ForeignAllocator | null;
}

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

export function createHeap({ initialBytes, maximumBytes, memory, allocator }: HeapOptions): Heap {
  if (memory !== null && allocator !== null) return foreignHeap(memory, allocator, maximumBytes);
  const own = new WebAssembly.Memory({
    initial: Math.max(1, Math.ceil(initialBytes / PAGE_BYTES)),
    maximum: Math.max(1, Math.floor(maximumBytes / PAGE_BYTES)),
  });
  const blocks = new Allocator(own, maximumBytes);
  return {
    memory: own,
    maximumBytes,
    allocate: (bytes) => blocks.allocate(bytes),
    free: (ptr) => blocks.free(ptr),
    dispose: () => undefined, // all of the memory goes
  };
}

function foreignHeap(memory: WebAssembly.Memory, allocator: ForeignAllocator, maximumBytes: number): Heap {
  const live = new Set<number>();
  return {
    memory,
    maximumBytes,
    allocate(bytes) {
      let ptr: number;
      try {
        ptr = allocator.allocate(Math.max(bytes, 1), ALIGNMENT);
      } catch {
        return null;
      }
      if (!(ptr > 0)) return null;
      live.add(ptr);
      return ptr;
    },
    free(ptr) {
      live.delete(ptr);
      allocator.free(ptr);
    },
    dispose() {
      for (const ptr of live) allocator.free(ptr);
      live.clear();
    },
  };
}
