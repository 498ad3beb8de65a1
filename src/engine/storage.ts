/** A reference-counted range of wasm memory with a version. */

import type { Engine } from './engine.ts';

/** A packed copy of a weight, kept by the engine's cache and owned by the weight's storage. */
export interface PackedCopy {
  readonly ptr: number;
  readonly bytes: number;
  readonly version: number;
}

export class Storage {
  readonly engine: Engine;
  readonly ptr: number;
  readonly bytes: number;
  /** Raised by every write through the API. */
  version: number = 0;
  /** True once JavaScript holds a view: writes through it cannot be seen, so packed copies are not reused. */
  exposed: boolean = false;
  /** Packed copies by what they were packed for. */
  readonly packed: Map<string, PackedCopy> = new Map();
  #references = 1;

  constructor(engine: Engine, ptr: number, bytes: number) {
    this.engine = engine;
    this.ptr = ptr;
    this.bytes = bytes;
  }

  get released(): boolean {
    return this.#references === 0;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  /** Drops one reference; the last one gives the bytes back. */
  release(): void {
    if (--this.#references === 0) this.engine.freeStorage(this);
  }
}
