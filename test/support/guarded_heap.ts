/** A memory of a foreign framework: a bump allocator that leaves patterned guard zones between its blocks. */

import { expect } from 'vitest';
import type { Dtype } from '../../src/kernels.ts';
import { sameBytes } from './bytes.ts';

const GUARD_BYTES = 192;
const PAGE_BYTES = 65536;

interface Block {
  readonly name: string;
  readonly ptr: number;
  readonly bytes: number;
  /** Its content before, when nobody may write it. */
  readonly content: Uint8Array | null;
}

/** What memories are filled with, from address 0; as long as the longest of them. */
let pattern = new Uint8Array(0);
function patternOf(length: number): Uint8Array {
  if (pattern.length < length) {
    pattern = new Uint8Array(length);
    for (let at = 0; at < length; at++) pattern[at] = at * 37 + (at >> 8) * 11 + 0xa5;
  }
  return pattern.subarray(0, length);
}

export class GuardedHeap {
  readonly memory: WebAssembly.Memory;
  readonly #blocks: Block[] = [];
  /** Address of every block modulo 64. */
  readonly #misalignment: number;
  #top = 0;
  #end: number;

  /** @param pages of 64 KiB; all are filled with the pattern */
  constructor(pages: number, misalignment: number, shared = false) {
    this.memory = new WebAssembly.Memory({ initial: pages, ...(shared ? { maximum: pages, shared: true } : {}) });
    this.#misalignment = misalignment;
    this.#end = pages * PAGE_BYTES;
    new Uint8Array(this.memory.buffer).set(patternOf(this.#end));
  }

  allocate(name: string, bytes: number): number {
    const ptr = Math.ceil((this.#top + GUARD_BYTES) / 64) * 64 + this.#misalignment;
    if (ptr + bytes > this.#end) throw new Error(`the heap of the test is full: ${name} needs ${bytes} bytes`);
    this.#top = ptr + bytes;
    this.#blocks.push({ name, ptr, bytes, content: null });
    return ptr;
  }

  /** A block at address 0: an access before it traps. Must be the first one. */
  allocateFirst(name: string, bytes: number): number {
    this.#top = bytes;
    this.#blocks.push({ name, ptr: 0, bytes, content: null });
    return 0;
  }

  /** A block that ends where the memory ends: an access beyond it traps. */
  allocateLast(name: string, bytes: number): number {
    const ptr = this.#end - bytes;
    this.#end = ptr;
    this.#blocks.push({ name, ptr, bytes, content: null });
    return ptr;
  }

  /** Copies `values` in; `checkGuards` fails when they change. */
  protect(name: string, dtype: Dtype, values: ArrayLike<number>): void {
    const view = this.view(name, dtype);
    if (values.length !== view.length) throw new Error(`${name} takes ${view.length} elements, not ${values.length}`);
    view.set(values);
    const index = this.#blocks.findIndex((block) => block.name === name);
    const { ptr, bytes } = this.#blocks[index];
    const content = new Uint8Array(this.memory.buffer).slice(ptr, ptr + bytes);
    this.#blocks[index] = { ...this.#blocks[index], content };
  }

  /** Elements of a block, whatever its alignment. */
  read(name: string, dtype: Dtype): Float32Array | Float64Array {
    const { ptr, bytes } = this.#block(name);
    const copy = new Uint8Array(this.memory.buffer).slice(ptr, ptr + bytes).buffer;
    return dtype === 'float64' ? new Float64Array(copy) : new Float32Array(copy);
  }

  view(name: string, dtype: Dtype): Float32Array | Float64Array {
    const { ptr, bytes } = this.#block(name);
    return dtype === 'float64'
      ? new Float64Array(this.memory.buffer, ptr, bytes / 8)
      : new Float32Array(this.memory.buffer, ptr, bytes / 4);
  }

  /** Fails when a byte outside all blocks, or inside a protected one, is not what it was. */
  checkGuards(): void {
    const bytes = new Uint8Array(this.memory.buffer);
    const untouched = patternOf(bytes.length);
    const changed: string[] = [];
    /** Names every byte that is not what it was, which most often is none. */
    const compare = (begin: number, before: Uint8Array, nameOf: (index: number) => string): void => {
      const now = bytes.subarray(begin, begin + before.length);
      if (sameBytes(now, before)) return;
      now.forEach((byte, index) => {
        if (byte !== before[index]) changed.push(nameOf(index));
      });
    };
    const end = { name: 'end', ptr: bytes.length, bytes: 0, content: null };
    let at = 0;
    for (const { name, ptr, bytes: length, content } of [...this.#blocks.toSorted((a, b) => a.ptr - b.ptr), end]) {
      const gap = Math.max(0, ptr - at);
      compare(at, untouched.subarray(at, at + gap), (index) => `${gap - index} bytes before ${name}`);
      if (content) compare(ptr, content, (index) => `byte ${index} of ${name}`);
      at = ptr + length;
    }
    expect(changed.slice(0, 8)).toEqual([]);
  }

  #block(name: string): Block {
    const block = this.#blocks.find((candidate) => candidate.name === name);
    if (block === undefined) throw new Error(`no block '${name}'`);
    return block;
  }
}
