/** A memory of somebody else that places blocks where mistakes show: at its very end, at edges of growth, at high addresses. */

const PAGE_BYTES = 65536;
/** Before the first block. */
const BASE = 1024;

/** Where the blocks of an engine go. */
export type Placement =
  /** Every block ends where the memory ended when it was placed: it grew by just enough pages. */
  | { readonly kind: 'growth edge' }
  /** One block ends where the memory ends, which never grows: an access beyond it traps. See `restart`. */
  | { readonly kind: 'end of memory'; readonly pages: number }
  /** Blocks go down from `top`. */
  | { readonly kind: 'high'; readonly top: number; readonly pages: number };

/**
 * Memories that never grow, by their pages. A heap leaves them to the next one as they are: each new one of some GiB
 * makes V8 collect garbage.
 */
const memories = new Map<number, WebAssembly.Memory>();
function memoryOf(pages: number): WebAssembly.Memory {
  const memory = memories.get(pages) ?? new WebAssembly.Memory({ initial: pages });
  memories.set(pages, memory);
  return memory;
}

export class PlacingHeap {
  readonly memory: WebAssembly.Memory;
  /** For the option of the same name. */
  readonly allocator = { allocate: (bytes: number): number => this.#allocate(bytes), free: (): void => undefined };
  readonly #placement: Placement;
  #top: number;
  #asked = 0;
  #last = -1;

  constructor(placement: Placement) {
    this.#placement = placement;
    this.memory = placement.kind === 'growth edge' ? new WebAssembly.Memory({ initial: 1 }) : memoryOf(placement.pages);
    this.#top = placement.kind === 'high' ? placement.top : BASE;
  }

  /** Allocations so far. */
  get asked(): number {
    return this.#asked;
  }

  /**
   * Places as if nothing had been placed; what was is garbage.
   * @param last which of the next blocks ends where the memory ends, from 0
   */
  restart(last: number): void {
    [this.#top, this.#asked, this.#last] = [BASE, 0, last];
  }

  /** Blocks at an edge are aligned to their elements only. */
  #allocate(bytes: number): number {
    const { memory } = this;
    const index = this.#asked++;
    switch (this.#placement.kind) {
      case 'growth edge':
        memory.grow(Math.ceil(bytes / PAGE_BYTES));
        return memory.buffer.byteLength - bytes;
      case 'end of memory': {
        if (index === this.#last) return memory.buffer.byteLength - bytes;
        const ptr = Math.ceil(this.#top / 64) * 64;
        this.#top = ptr + bytes;
        return ptr;
      }
      case 'high':
        this.#top = Math.floor((this.#top - bytes) / 8) * 8;
        return this.#top;
    }
  }
}
