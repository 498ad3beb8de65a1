/** What is kept within a byte limit: packed weights and parameter blocks, the least recently used one goes first. */

export interface CacheEntry {
  readonly bytes: number;
  /** Calls that use it now; it is not evicted before they are done. */
  users: number;
  /** Gives the bytes back and forgets the entry wherever else it is known. */
  free(): void;
}

export class ByteCache {
  readonly #entries = new Set<CacheEntry>(); // in order of last use
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  has(entry: CacheEntry): boolean {
    return this.#entries.has(entry);
  }

  /** Notes that `entry` was used. */
  touch(entry: CacheEntry): void {
    if (this.#entries.delete(entry)) this.#entries.add(entry);
  }

  /** Evicts others until the limit holds, then keeps `entry`; false when it does not fit: the caller frees it. */
  add(entry: CacheEntry): boolean {
    if (entry.bytes > this.#limitBytes) return false;
    while (this.#bytes + entry.bytes > this.#limitBytes) if (!this.evictOne()) return false;
    this.#entries.add(entry);
    this.#bytes += entry.bytes;
    return true;
  }

  /** Frees an entry, unless a call uses it; false then, or when it is not there. */
  drop(entry: CacheEntry): boolean {
    if (entry.users > 0 || !this.#entries.delete(entry)) return false;
    this.#bytes -= entry.bytes;
    entry.free();
    return true;
  }

  /** Drops the least recently used entry that no call uses; false when there is none. */
  evictOne(): boolean {
    for (const entry of this.#entries) if (this.drop(entry)) return true;
    return false;
  }

  /** Drops everything, in use or not: nothing will run any more. */
  dispose(): void {
    for (const entry of this.#entries) entry.free();
    this.#entries.clear();
    this.#bytes = 0;
  }

  /** Drops everything that no call uses. */
  clear(): void {
    while (this.evictOne());
  }
}
