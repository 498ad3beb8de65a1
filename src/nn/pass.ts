/** One forward pass whose backward may run once. */

import { EngineError } from '../core/errors.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import type { Saved } from './saved.ts';

export class Pass {
  /** Null while a backward has it, and after it is over. */
  #saved: Saved | null;
  #disposed = false;
  /** Settles when the backward that runs now has, successful or not. */
  #running: Promise<void> | null = null;

  constructor(saved: Saved) {
    this.#saved = saved;
  }

  /**
   * Runs a backward on what was saved, after one that runs already. Success ends the pass, failure leaves it.
   * @throws {EngineError} in Workers ERR_IN_USE while another backward runs.
   * @throws {EngineError} ERR_NO_FORWARD when it is over.
   */
  async run<T>(operation: string, backward: (saved: Saved) => Promise<T>): Promise<T> {
    while (this.#running !== null) {
      if (IN_WORKERD) throw inUse(operation); // it may be another request's, and never settle
      await this.#running;
    }
    const saved = this.#take(operation);
    const result = backward(saved);
    const settled = result.then(
      () => this.#end(saved, true),
      () => this.#end(saved, false),
    );
    this.#running = settled;
    await settled;
    return result;
  }

  /** As `run`, at once. @throws {EngineError} ERR_IN_USE while another backward runs. */
  runSync<T>(operation: string, backward: (saved: Saved) => T): T {
    if (this.#running !== null) throw inUse(operation);
    const saved = this.#take(operation);
    let done = false;
    try {
      const result = backward(saved);
      done = true;
      return result;
    } finally {
      this.#end(saved, done);
    }
  }

  /** Frees what was saved; a backward that runs keeps it until it is done. */
  dispose(): void {
    this.#disposed = true;
    this.#saved?.dispose();
    this.#saved = null;
  }

  #take(operation: string): Saved {
    const saved = this.#saved;
    if (saved === null) {
      throw new EngineError('ERR_NO_FORWARD', `${operation}: this forward had its backward, or was disposed`);
    }
    this.#saved = null;
    return saved;
  }

  #end(saved: Saved, done: boolean): void {
    this.#running = null;
    if (done || this.#disposed) saved.dispose();
    else this.#saved = saved;
  }
}

function inUse(operation: string): EngineError {
  return new EngineError('ERR_IN_USE', `${operation}: a backward of this forward is pending; await it first`);
}
