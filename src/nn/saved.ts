/** What a forward pass keeps for its backward pass. */

import { EngineError } from '../core/errors.ts';
import type { ContentWatcher, Storage } from '../engine/storage.ts';
import { retainView } from '../functional/tensor_arguments.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface Saved {
  /** Of the tensors that were kept: nobody may write to them while backward runs. */
  readonly storages: readonly Storage[];
  /** Frees what was kept. Idempotent. */
  dispose(): void;
}

/**
 * A tensor that must not be written to until the backward pass has read it. Writes through the API raise the
 * storage's version; those through a view in JavaScript are found by a checksum, taken before the first view is given
 * out, or at once when there is one already.
 */
export class SavedTensor implements Saved, ContentWatcher {
  readonly #tensor: Tensor;
  readonly #version: number;
  readonly #name: string;
  #checksum: number | null = null;

  /** Keeps the elements of `tensor` alive, whatever its owner does with it. Call it when they are computed. */
  constructor(name: string, tensor: Tensor) {
    this.#name = name;
    this.#tensor = retainView(tensor);
    const { storage } = tensor;
    this.#version = storage.version;
    if (storage.exposed) this.exposing();
    else storage.watch(this);
  }

  get storages(): readonly Storage[] {
    return [this.#tensor.storage];
  }

  exposing(): void {
    this.#checksum ??= this.#tensor.storage.checksum();
  }

  /** @throws {EngineError} ERR_MODIFIED when the tensor was written to since. */
  read(operation: string): Tensor {
    const { storage } = this.#tensor;
    const changed =
      storage.version !== this.#version || (this.#checksum !== null && storage.checksum() !== this.#checksum);
    if (changed) {
      throw new EngineError(
        'ERR_MODIFIED',
        `${operation}: ${this.#name} expected unchanged since forward, got a tensor that was written to`,
      );
    }
    return this.#tensor;
  }

  dispose(): void {
    this.#tensor.storage.unwatch(this);
    this.#tensor.dispose();
  }
}

/** For modules that keep nothing. */
export const NOTHING_SAVED: Saved = { storages: [], dispose: () => undefined };
