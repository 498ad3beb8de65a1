/** A set of storages that does not keep them: one of `Engine.wrap` owns no bytes, so nobody has to dispose it. */

import type { Storage } from './storage.ts';

export class WeakStorages implements Iterable<Storage> {
  #references: WeakRef<Storage>[] = [];

  add(storage: Storage): void {
    this.delete(null);
    this.#references.push(new WeakRef(storage));
  }

  /** Forgets `storage`, and those that are gone. */
  delete(storage: Storage | null): void {
    this.#references = this.#references.filter((reference) => {
      const held = reference.deref();
      return held !== undefined && held !== storage;
    });
  }

  clear(): void {
    this.#references = [];
  }

  *[Symbol.iterator](): Generator<Storage> {
    for (const reference of this.#references) {
      const storage = reference.deref();
      if (storage !== undefined) yield storage;
    }
  }
}
