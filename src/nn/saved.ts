/** What a forward pass keeps for its backward pass. */

import { EngineError } from '../core/errors.ts';
import { retainView } from '../functional/tensor_arguments.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface Saved {
  /** Frees what was kept. Idempotent. */
  dispose(): void;
}

/** A tensor that must not be written to until the backward pass has read it. */
export class SavedTensor implements Saved {
  readonly #tensor: Tensor;
  readonly #version: number;
  readonly #name: string;

  /** Keeps the elements of `tensor` alive, whatever its owner does with it. Call it when they are computed. */
  constructor(name: string, tensor: Tensor) {
    this.#name = name;
    this.#tensor = retainView(tensor);
    this.#version = tensor.storage.version;
  }

  /** @throws {EngineError} ERR_MODIFIED when the tensor was written to since. */
  read(operation: string): Tensor {
    if (this.#tensor.storage.version !== this.#version) {
      throw new EngineError(
        'ERR_MODIFIED',
        `${operation}: ${this.#name} expected unchanged since forward, got version ${this.#tensor.storage.version} after ${this.#version}`,
      );
    }
    return this.#tensor;
  }

  dispose(): void {
    this.#tensor.dispose();
  }
}

/** For modules that keep nothing. */
export const NOTHING_SAVED: Saved = { dispose: () => undefined };
