/** Packed weights that are kept: each belongs to a storage and dies with it. */

import type { ByteCache } from './byte_cache.ts';
import type { PackedCopy, Storage } from './storage.ts';

export class PackedCache {
  readonly #cache: ByteCache;
  readonly #free: (ptr: number) => void;
  #bytes = 0;

  constructor(cache: ByteCache, free: (ptr: number) => void) {
    this.#cache = cache;
    this.#free = free;
  }

  /** Bytes of the kept copies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The copy of `storage` packed for `key`, when it is still true to the storage. */
  find(storage: Storage, key: string): PackedCopy | null {
    const copy = storage.packed.get(key);
    if (copy === undefined) return null;
    if (storage.exposed || copy.version !== storage.version) {
      this.#cache.drop(copy);
      return null;
    }
    this.#cache.touch(copy);
    return copy;
  }

  /** A copy of `storage` as it is now, at an address that was filled; see `keep`. */
  copyOf(storage: Storage, key: string, ptr: number, bytes: number): PackedCopy {
    const free = (): void => {
      storage.packed.delete(key);
      this.#bytes -= bytes;
      this.#free(ptr);
    };
    return { ptr, bytes, key, version: storage.version, users: 0, free };
  }

  /** Takes over a copy and evicts others until the limit holds; false when the caller has to free it after use. */
  keep(storage: Storage, copy: PackedCopy): boolean {
    if (storage.exposed || storage.packed.has(copy.key) || copy.version !== storage.version) return false;
    if (!this.#cache.add(copy)) return false;
    storage.packed.set(copy.key, copy);
    this.#bytes += copy.bytes;
    return true;
  }

  /** Drops the copies of a storage: it changed, or goes. */
  dropAllOf(storage: Storage): void {
    for (const copy of storage.packed.values()) this.#cache.drop(copy);
  }
}
