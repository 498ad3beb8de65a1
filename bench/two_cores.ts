/** A third yardstick: what a second core adds when both only multiply and add in registers. */

import { Worker } from 'node:worker_threads';
import { Peak } from './peak.ts';

/** What the other core is told, GO and STOP, and what it says. It multiplies while it is RUNNING. */
export const IDLE = 0;
export const GO = 1;
export const RUNNING = 2;
export const STOP = 3;

const PATIENCE_MS = 10_000;

/** What the worker is given. */
export interface OtherCore {
  readonly state: Int32Array;
  readonly variant: 'simd' | 'relaxed';
}

export class TwoCores {
  readonly #state: Int32Array;
  readonly #worker: Worker;
  readonly #peak: Peak;

  private constructor(state: Int32Array, worker: Worker, peak: Peak) {
    this.#state = state;
    this.#worker = worker;
    this.#peak = peak;
  }

  static async create(variant: 'simd' | 'relaxed'): Promise<TwoCores> {
    const state = new Int32Array(new SharedArrayBuffer(4));
    const workerData: OtherCore = { state, variant };
    const worker = new Worker(new URL('two_cores_worker.ts', import.meta.url), { workerData });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    // of its own: what is measured beside another core is no peak
    return new TwoCores(state, worker, await Peak.create(variant));
  }

  /** Takes one sample: milliseconds until this core has done `SAMPLE_FLOPS` while the other one does as much. */
  time(): number {
    Atomics.store(this.#state, 0, GO);
    Atomics.notify(this.#state, 0);
    // not a part of the sample: until the other one is awake there is only this one
    const patience = performance.now() + PATIENCE_MS;
    while (Atomics.load(this.#state, 0) !== RUNNING) {
      if (performance.now() > patience) throw new Error('the other core does not answer');
    }
    const ms = this.#peak.time();
    Atomics.store(this.#state, 0, STOP);
    if (Atomics.wait(this.#state, 0, STOP, PATIENCE_MS) === 'timed-out')
      throw new Error('the other core does not stop');
    return ms;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
