/** A memory of a foreign framework: a bump allocator that leaves patterned guard zones between its blocks. */

import { expect } from 'vitest';
import type { Dtype } from '../../src/kernels.ts';

const GUARD_BYTES = 192;
const PAGE_BYTES = 65536;

interface Block {
  readonly name: string;
  readonly ptr: number;
  readonly bytes: number;
  /** Its content before, when nobody may write it. */
  readonly content: Uint8Array | null;
}

function patternAt(address: number): number {
  return (address * 37 + (address >> 8) * 11 + 0xa5) & 0xff;
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
    const bytes = new Uint8Array(this.memory.buffer);
    for (let address = 0; address < bytes.length; address++) bytes[address] = patternAt(address);
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
    const changed: string[] = [];
    const blocks = this.#blocks.toSorted((a, b) => a.ptr - b.ptr);
    let at = 0;
    for (const { name, ptr, bytes: length, content } of [
      ...blocks,
      { name: 'end', ptr: bytes.length, bytes: 0, content: null },
    ]) {
      for (; at < ptr; at++) if (bytes[at] !== patternAt(at)) changed.push(`${ptr - at} bytes before ${name}`);
      content?.forEach((byte, index) => {
        if (bytes[ptr + index] !== byte) changed.push(`byte ${index} of ${name}`);
      });
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
