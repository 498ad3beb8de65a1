/** The memory an engine lives in: its own, or somebody else's. */

import { Allocator } from './allocator.ts';
import { guardedHeap } from './guarded_heap.ts';

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
  /** With the option `debug`: overwrites bytes that hold nothing any more. */
  poison(ptr: number, bytes: number): void;
  /** With the option `debug`: where something was written outside of every block since this was asked last, or null. */
  trespass(): string | null;
  /** Gives everything back that was not freed. */
  dispose(): void;
}

export interface HeapOptions {
  readonly initialBytes: number;
  readonly maximumBytes: number;
  readonly memory: WebAssembly.Memory | null;
  readonly allocator: ForeignAllocator | null;
  /** A memory that threads can share. */
  readonly shared: boolean;
  /** Guards blocks; see `guardedHeap`. */
  readonly debug: boolean;
}

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

/** @throws {RangeError} when the runtime has no room for the memory */
export function createHeap(options: HeapOptions): Heap {
  const { memory, allocator, maximumBytes, debug } = options;
  const foreign = memory !== null && allocator !== null;
  const heap = foreign ? foreignHeap(memory, allocator, maximumBytes) : ownHeap(options);
  return debug ? guardedHeap(heap) : heap;
}

const UNGUARDED = { poison: () => undefined, trespass: () => null };

function ownHeap({ initialBytes, maximumBytes, shared }: HeapOptions): Heap {
  const initial = Math.max(1, Math.ceil(initialBytes / PAGE_BYTES));
  const maximum = Math.max(1, Math.floor(maximumBytes / PAGE_BYTES));
  const [own, pages] = shared
    ? sharedMemory(initial, maximum)
    : [new WebAssembly.Memory({ initial, maximum }), maximum];
  const limit = pages < maximum ? pages * PAGE_BYTES : maximumBytes;
  const blocks = new Allocator(own, limit);
  return {
    ...UNGUARDED,
    memory: own,
    maximumBytes: limit,
    allocate: (bytes) => blocks.allocate(bytes),
    free: (ptr) => blocks.free(ptr),
    dispose: () => undefined, // all of the memory goes
  };
}

/** Least of the maxima that are tried: 256 MiB. */
const LEAST_SHARED_PAGES = 4096;

/** A shared memory takes its maximum from the address space at once: the largest that can be had, by halves. */
function sharedMemory(initial: number, maximum: number): [WebAssembly.Memory, number] {
  for (let pages = maximum; ; pages = Math.floor(pages / 2)) {
    try {
      return [new WebAssembly.Memory({ initial, maximum: pages, shared: true }), pages];
    } catch (error) {
      if (!(error instanceof RangeError) || pages / 2 < Math.max(initial, LEAST_SHARED_PAGES)) throw error;
    }
  }
}

function foreignHeap(memory: WebAssembly.Memory, allocator: ForeignAllocator, maximumBytes: number): Heap {
  const live = new Set<number>();
  return {
    ...UNGUARDED,
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
