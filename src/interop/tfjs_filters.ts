/** Copies of filters that are used again: packed once, as long as TensorFlow.js has them. */

import type { Tensor } from '../tensor/tensor.ts';
import type { TfjsBackend } from './tfjs_types.ts';

/** Data of TensorFlow.js never changes, so that what was made of it holds while the data lives. */
export class FilterCache {
  readonly #backend: TfjsBackend;
  readonly #limit: number;
  /** The least recently used first. */
  readonly #copies = new Map<object, Tensor>();
  readonly #seen = new WeakSet();
  #bytes = 0;

  /** @param limit in bytes */
  constructor(backend: TfjsBackend, limit: number) {
    this.#backend = backend;
    this.#limit = limit;
  }

  /** Null for data that was not kept. */
  find(dataId: object): Tensor | null {
    const copy = this.#copies.get(dataId);
    if (copy === undefined) return null;
    this.#copies.delete(dataId);
    this.#copies.set(dataId, copy);
    return copy;
  }

  /** Keeps a copy of data that comes for the second time: in training a filter is another one at every step. */
  note(dataId: object, filter: Tensor): void {
    const bytes = filter.byteLength;
    if (!this.#seen.has(dataId)) this.#seen.add(dataId);
    else if (bytes <= this.#limit) {
      for (const other of this.#copies.keys()) {
        if (this.#bytes + bytes > this.#limit || this.#backend.refCount(other) === 0) this.#drop(other);
      }
      this.#copies.set(dataId, filter.clone());
      this.#bytes += bytes;
    }
  }

  clear(): void {
    for (const dataId of this.#copies.keys()) this.#drop(dataId);
  }

  #drop(dataId: object): void {
    const copy = this.#copies.get(dataId)!;
    this.#copies.delete(dataId);
    this.#bytes -= copy.byteLength;
    copy.dispose();
  }
}
