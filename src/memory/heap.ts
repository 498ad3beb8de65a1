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
  return new Allocator(own, maximumBytes);
}

function foreignHeap(memory: WebAssembly.Memory, allocator: ForeignAllocator, maximumBytes: number): Heap {
  return {
    memory,
    maximumBytes,
    allocate(bytes) {
      try {
        const ptr = allocator.allocate(Math.max(bytes, 1), ALIGNMENT);
        return ptr > 0 ? ptr : null;
      } catch {
        return null;
      }
    },
    free: (ptr) => allocator.free(ptr),
  };
}
