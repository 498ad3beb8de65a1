/** A third yardstick: what a second core adds when both only multiply and add in registers, from waking it on. */

import { Worker } from 'node:worker_threads';
import { Peak } from './peak.ts';

/** What the other core is told; it says IDLE when it is done. */
export const IDLE = 0;
export const GO = 1;

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

  /** Takes one sample: milliseconds until both cores have done `SAMPLE_FLOPS` each. */
  time(): number {
    const started = performance.now();
    Atomics.store(this.#state, 0, GO);
    Atomics.notify(this.#state, 0);
    this.#peak.time();
    if (Atomics.wait(this.#state, 0, GO, PATIENCE_MS) === 'timed-out')
      throw new Error('the other core does not answer');
    return performance.now() - started;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
