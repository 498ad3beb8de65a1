/**
 * Allocator of one wasm memory. Blocks are 64-byte aligned (a cache line, and more than any
 * SIMD load needs). Book-keeping lives on the JavaScript side, so that a kernel that went
 * wrong could not corrupt it.
 *
 *   0        BASE                                                    end of memory
 *   | unused | block | block | … free and used blocks, no gaps …     |
 */

const ALIGNMENT = 64;
/** Address 0 stays unused: kernels read a null pointer as "absent". */
const BASE = 1024;
const PAGE_BYTES = 65536;
/** Kernels walk up to the end of a block: an end of 2³² would be 0 to them. */
const HIGHEST_END = 2 ** 32 - ALIGNMENT;
/** Growth is at least this much, so that many small tensors do not mean many grows. */
const MINIMUM_GROWTH_PAGES = 16;

interface Block {
  ptr: number;
  bytes: number;
  free: boolean;
  previous: Block | null;
  next: Block | null;
}

export interface AllocatorStatistics {
  /** Bytes in blocks that are in use, rounding included. */
  readonly bytesAllocated: number;
  readonly blocks: number;
}

export class Allocator {
  readonly memory: WebAssembly.Memory;
  readonly maximumBytes: number;
  /** Free blocks by power-of-two size class: class c holds sizes in [2^c, 2^(c+1)). */
  readonly #free: Set<Block>[] = Array.from({ length: 33 }, () => new Set<Block>());
  readonly #used = new Map<number, Block>();
  #last: Block | null = null;
  #end = BASE;
  #bytesAllocated = 0;

  constructor(memory: WebAssembly.Memory, maximumBytes: number) {
    this.memory = memory;
    this.maximumBytes = maximumBytes;
    this.#claim(memory.buffer.byteLength);
  }

  get statistics(): AllocatorStatistics {
    return { bytesAllocated: this.#bytesAllocated, blocks: this.#used.size };
  }

  /** Address of `bytes` fresh bytes (content undefined), or null when memory cannot grow enough. */
  allocate(bytes: number): number | null {
    if (bytes > this.maximumBytes) return null;
    const size = roundUp(Math.max(bytes, 1), ALIGNMENT);
    const block = this.#find(size) ?? this.#grow(size);
    if (block === null) return null;
    this.#free[sizeClass(block.bytes)].delete(block);
    block.free = false;
    if (block.bytes > size) this.#split(block, size);
    this.#used.set(block.ptr, block);
    this.#bytesAllocated += block.bytes;
    return block.ptr;
  }

  free(ptr: number): void {
    const block = this.#used.get(ptr);
    if (block === undefined) throw new Error(`allocator: no block at ${ptr}`);
    this.#used.delete(ptr);
    this.#bytesAllocated -= block.bytes;
    block.free = true;
    this.#addFree(this.#merge(block));
  }

  #find(size: number): Block | null {
    const first = sizeClass(size);
    let best: Block | null = null;
    for (const block of this.#free[first]) {
      if (block.bytes >= size && (best === null || block.bytes < best.bytes)) best = block;
    }
    for (let c = first + 1; best === null && c < this.#free.length; c++) {
      for (const block of this.#free[c]) if (best === null || block.bytes < best.bytes) best = block;
    }
    return best;
  }

  #grow(size: number): Block | null {
    const tail = this.#last?.free ? this.#last.bytes : 0;
    const missingPages = Math.ceil((this.#end + size - tail - this.memory.buffer.byteLength) / PAGE_BYTES);
    const currentBytes = this.memory.buffer.byteLength;
    if (missingPages > 0) {
      if (currentBytes + missingPages * PAGE_BYTES > this.maximumBytes) return null;
      const generous = Math.min(
        Math.max(missingPages, MINIMUM_GROWTH_PAGES),
        Math.floor((this.maximumBytes - currentBytes) / PAGE_BYTES),
      );
      if (!tryGrow(this.memory, generous) && !tryGrow(this.memory, missingPages)) return null;
    }
    this.#claim(this.memory.buffer.byteLength);
    return this.#last !== null && this.#last.free && this.#last.bytes >= size ? this.#last : null;
  }

  /** Makes the memory up to `end` part of the free tail block. */
  #claim(end: number): void {
    const usable = Math.min(end - (end % ALIGNMENT), HIGHEST_END);
    if (usable <= this.#end) return;
    const block: Block = { ptr: this.#end, bytes: usable - this.#end, free: true, previous: this.#last, next: null };
    if (this.#last !== null) this.#last.next = block;
    this.#last = block;
    this.#end = usable;
    this.#addFree(this.#merge(block));
  }

  #split(block: Block, size: number): void {
    const rest: Block = {
      ptr: block.ptr + size,
      bytes: block.bytes - size,
      free: true,
      previous: block,
      next: block.next,
    };
    if (block.next !== null) block.next.previous = rest;
    else this.#last = rest;
    block.next = rest;
    block.bytes = size;
    this.#addFree(rest);
  }

  /** Joins a free block, not yet in a free list, with its free neighbours. */
  #merge(block: Block): Block {
    let merged = block;
    const { next, previous } = block;
    if (next?.free) {
      this.#free[sizeClass(next.bytes)].delete(next);
      this.#absorb(merged, next);
    }
    if (previous?.free) {
      this.#free[sizeClass(previous.bytes)].delete(previous);
      this.#absorb(previous, merged);
      merged = previous;
    }
    return merged;
  }

  #absorb(block: Block, next: Block): void {
    block.bytes += next.bytes;
    block.next = next.next;
    if (next.next !== null) next.next.previous = block;
    else this.#last = block;
  }

  #addFree(block: Block): void {
    this.#free[sizeClass(block.bytes)].add(block);
  }
}

function sizeClass(bytes: number): number {
  return Math.floor(Math.log2(bytes));
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function tryGrow(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false; // RangeError: the host has no more to give
  }
}
