/** Which packed weights are kept: a byte limit, least recently used first. */

import type { PackedCopy, Storage } from './storage.ts';

interface Entry {
  readonly storage: Storage;
  readonly key: string;
  readonly copy: PackedCopy;
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
    if (copy === undefined) return null;
    if (storage.exposed || copy.version !== storage.version) {
      this.#drop(copy);
      return null;
    }
    const entry = this.#entries.get(copy) as Entry;
    this.#entries.delete(copy);
    this.#entries.set(copy, entry);
    return copy;
  }

  /** False when the copy would not fit the limit: the caller then keeps it for one call only. */
  fits(bytes: number): boolean {
    return bytes <= this.#limitBytes;
  }

  /** Takes over a copy; evicts others until the limit holds. */
  add(storage: Storage, key: string, ptr: number, bytes: number): PackedCopy {
    while (this.#bytes + bytes > this.#limitBytes && this.evictOne());
    const copy = { ptr, bytes, version: storage.version };
    storage.packed.set(key, copy);
    this.#entries.set(copy, { storage, key, copy });
    this.#bytes += bytes;
    return copy;
  }

  /** Drops the least recently used copy; false when there is none. */
  evictOne(): boolean {
    for (const copy of this.#entries.keys()) {
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
    if (entry === undefined) return;
    this.#entries.delete(copy);
    entry.storage.packed.delete(entry.key);
    this.#bytes -= copy.bytes;
    this.#free(copy.ptr);
  }
}
