/** Which packed weights are kept: a byte limit, least recently used first. */

import type { PackedCopy, Storage } from './storage.ts';

interface Entry {
  readonly storage: Storage;
  readonly key: string;
}

export class PackedCache {
  readonly #entries = new Map<PackedCopy, Entry>(); // in order of last use
  readonly #limitBytes: number;
  readonly #free: (ptr: number) => void;
  #bytes = 0;

  constructor(limitBytes: number, free: (ptr: number) => void) {
    this.#limitBytes = limitBytes;
    this.#free = free;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The copy of `storage` packed for `key`, when it is still true to the storage. */
  find(storage: Storage, key: string): PackedCopy | null {
    const copy = storage.packed.get(key);
    const entry = copy === undefined ? undefined : this.#entries.get(copy);
    if (copy === undefined || entry === undefined) return null;
    if (storage.exposed || copy.version !== storage.version) {
      this.#drop(copy);
      return null;
    }
    this.#entries.delete(copy);
    this.#entries.set(copy, entry);
    return copy;
  }

  /** Takes over a copy and evicts others until the limit holds; false when the caller has to free it after use. */
  add(storage: Storage, key: string, copy: PackedCopy): boolean {
    if (storage.exposed || storage.packed.has(key) || copy.version !== storage.version) return false;
    if (copy.bytes > this.#limitBytes) return false;
    while (this.#bytes + copy.bytes > this.#limitBytes) if (!this.evictOne()) return false;
    storage.packed.set(key, copy);
    this.#entries.set(copy, { storage, key });
    this.#bytes += copy.bytes;
    return true;
  }

  /** Drops the least recently used copy that no call reads; false when there is none. */
  evictOne(): boolean {
    for (const copy of this.#entries.keys()) {
      if (copy.users > 0) continue;
      this.#drop(copy);
      return true;
    }
    return false;
  }

  /** Called when the storage goes. */
  dropAllOf(storage: Storage): void {
    for (const copy of storage.packed.values()) this.#drop(copy);
  }

  clear(): void {
    while (this.evictOne());
  }

  #drop(copy: PackedCopy): void {
    const entry = this.#entries.get(copy);
    if (entry === undefined || copy.users > 0) return;
    this.#entries.delete(copy);
    entry.storage.packed.delete(entry.key);
    this.#bytes -= copy.bytes;
    this.#free(copy.ptr);
  }
}
