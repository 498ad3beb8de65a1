/** The storages that live: where each was made, and which lie over the same bytes. */

import type { Storage } from './storage.ts';
import { WeakStorages } from './weak_storages.ts';

export class LiveStorages {
  /** With the stack of its creation, where that is asked for. */
  readonly #stacks = new Map<Storage, string>();
  /** Those over bytes of somebody else: the only ones that can lie over others. */
  readonly #foreign = new WeakStorages();

  /** Storages of this engine, oldest first. */
  get stacks(): ReadonlyMap<Storage, string> {
    return this.#stacks;
  }

  /** A storage over bytes that the engine allocated. */
  add(storage: Storage, stack: string): void {
    this.#stacks.set(storage, stack);
    for (const other of this.#foreign) joinOverlapping(storage, other);
  }

  /** A storage over bytes of somebody else, or inside those of the engine's own. */
  addForeign(storage: Storage): void {
    for (const other of this.#stacks.keys()) joinOverlapping(storage, other);
    for (const other of this.#foreign) joinOverlapping(storage, other);
    this.#foreign.add(storage);
  }

  delete(storage: Storage): void {
    storage.part();
    if (storage.purpose === 'foreign') this.#foreign.delete(storage);
    else this.#stacks.delete(storage);
  }

  clear(): void {
    this.#stacks.clear();
    this.#foreign.clear();
  }
}

function joinOverlapping(a: Storage, b: Storage): void {
  const begin = Math.max(a.ptr, b.ptr);
  const end = Math.min(a.ptr + a.bytes, b.ptr + b.bytes);
  if (begin < end) a.join(b);
}
