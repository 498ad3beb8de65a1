/** A memory of somebody else whose allocator refuses when it is told to. */

import { Allocator } from '../../src/memory/allocator.ts';
import type { AllocatorStatistics } from '../../src/memory/allocator.ts';

const PAGE_BYTES = 65536;

export class FaultyHeap {
  readonly memory: WebAssembly.Memory;
  /** For the option of the same name. */
  readonly allocator = {
    allocate: (bytes: number): number => this.#allocate(bytes),
    free: (ptr: number): void => this.#blocks.free(ptr),
  };
  readonly #blocks: Allocator;
  #refuses: (index: number) => boolean = () => false;
  #asked = 0;
  #refused = 0;

  constructor(pages: number, shared = false) {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared });
    this.#blocks = new Allocator(this.memory, pages * PAGE_BYTES);
  }

  /** Of blocks that are not freed. */
  get statistics(): AllocatorStatistics {
    return this.#blocks.statistics;
  }

  /**
   * Runs `work` while allocations are refused, counted from 0.
   * @returns how many were
   */
  async refusing(refuses: (index: number) => boolean, work: () => unknown): Promise<number> {
    [this.#refuses, this.#asked, this.#refused] = [refuses, 0, 0];
    try {
      await work();
    } finally {
      this.#refuses = () => false;
    }
    return this.#refused;
  }

  #allocate(bytes: number): number {
    const refused = this.#refuses(this.#asked++);
    if (refused) this.#refused++;
    return refused ? 0 : (this.#blocks.allocate(bytes) ?? 0);
  }
}
