/**
 * Workers on one memory and the job they share. The pool runs one job at a time and knows nothing of what an item is.
 *
 * A job is over when all its items are completed. Workers that are parked, late or gone cannot hold it up, unless they
 * hold an item: then the pool has failed, nothing of the job is used, and no worker runs when that is reported.
 */

import { WorkerError } from '../core/errors.ts';
import type { JobExports } from './job.ts';
import { COMPLETED_WORD, FAILED_WORD, JOB_BYTES } from './job.ts';
import type { Spawn, Thread } from './platform.ts';
import { waysToSpawn } from './platform.ts';

export interface PoolOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Of the instance of the calling thread. */
  readonly exports: JobExports;
  /** `JOB_BYTES` zeros that live as long as the pool. */
  readonly jobPtr: number;
  readonly workers: number;
  readonly workerUrl: string | URL | null;
  /** The calling thread may wait. */
  readonly blocks: boolean;
}

/** What is to be run: a stage, by the number of its entry. */
export interface Job {
  readonly entry: number;
  readonly paramsPtr: number;
  readonly items: number;
  /** Items of one claim. */
  readonly grain: number;
}

/** Workers that have not said that they are ready by then are given up. */
const HANDSHAKE_MS = 5000;
/** Waiting wakes up so often to see whether a worker has failed. */
const WATCH_MS = 100;
/** A blocked thread is told nothing of a worker that was terminated; without progress for so long it assumes that. */
const STALL_MS = 10_000;
/** As many looks at the job without progress, where a page spins and has no clock: a second or more. */
const STALL_LOOKS = 2 ** 27;

export class WorkerPool {
  readonly workers: number;
  readonly #exports: JobExports;
  readonly #memory: WebAssembly.Memory;
  readonly #jobPtr: number;
  readonly #blocks: boolean;
  #threads: readonly Thread[] = [];
  #failure: WorkerError | null = null;
  #disposed = false;
  /** Told when the pool fails or is disposed. */
  readonly #watchers = new Set<() => void>();

  private constructor({ workers, exports, memory, jobPtr, blocks }: PoolOptions) {
    this.workers = workers;
    this.#exports = exports;
    this.#memory = memory;
    this.#jobPtr = jobPtr;
    this.#blocks = blocks;
  }

  /**
   * Starts the workers, by the first way that works.
   * @throws {WorkerError} when there is none; the first failure is its cause
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    let first: WorkerError | null = null;
    for (const spawn of waysToSpawn(options.workerUrl)) {
      const pool = new WorkerPool(options);
      try {
        await pool.#start(spawn, options);
        return pool;
      } catch (cause) {
        await pool.end();
        first ??= cause instanceof WorkerError ? cause : failure(cause);
      }
    }
    throw first ?? failure(new Error('no way to start a worker'));
  }

  /** The first failure of a worker; the pool runs nothing any more. */
  get failure(): WorkerError | null {
    return this.#failure;
  }

  /** Offers a job; the one before is over. */
  open({ entry, paramsPtr, items, grain }: Job): void {
    this.#exports.openJob(this.#jobPtr, entry, paramsPtr, items, grain, this.workers);
  }

  /**
   * Runs items on the calling thread.
   * @param claims at most so many; default: until nothing is left to claim
   * @returns how many items it ran
   */
  work(claims: number = -1): number {
    return this.#exports.workOnJob(this.#jobPtr, 0, claims);
  }

  /** Waits for the items that others have claimed. @throws {WorkerError} */
  waitSync(): void {
    const words = this.#words;
    const patience = this.#blocks ? STALL_MS / WATCH_MS : STALL_LOOKS;
    let completed = -1;
    for (let looks = 0; !this.#over(); looks++) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#blocks) this.#exports.awaitJob(this.#jobPtr, WATCH_MS);
      if (Atomics.load(words, FAILED_WORD) !== 0) this.#fail(new Error('a kernel threw in a worker'));
      const now = Atomics.load(words, COMPLETED_WORD);
      if (now !== completed) looks = 0;
      completed = now;
      if (looks > patience) this.#fail(new Error('a worker holds items and makes no progress'));
    }
  }

  /** As `waitSync`, without blocking. @throws {WorkerError}, or what `check` throws between two looks */
  async wait(check: () => void): Promise<void> {
    if (this.#over()) return;
    for (const thread of this.#threads) thread.keepAlive(true);
    try {
      while (!this.#over()) {
        if (this.#failure !== null) throw this.#failure;
        check();
        await this.#change();
      }
    } finally {
      if (!this.#disposed) for (const thread of this.#threads) thread.keepAlive(false);
    }
  }

  /** Ends a job early: nobody claims items any more, but those that are claimed are still run. */
  close(): void {
    this.#exports.closeJob(this.#jobPtr);
  }

  /** Ends a job early; resolves when nobody works on it any more. */
  async cancel(): Promise<void> {
    this.close();
    if (this.#failure === null && !this.#disposed) {
      try {
        await this.wait(() => undefined);
        return;
      } catch {
        // a worker failed meanwhile
      }
    }
    await this.end();
  }

  /** As `cancel`, blocking. @throws {WorkerError} when it cannot be told: a worker has failed */
  cancelSync(): void {
    this.close();
    this.waitSync();
  }

  /** Ends every worker; resolves when they are gone. */
  async end(): Promise<void> {
    this.#disposed = true;
    this.#exports.stopWorkers(this.#jobPtr);
    for (const notify of this.#watchers) notify();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  get #words(): Int32Array {
    return new Int32Array(this.#memory.buffer, this.#jobPtr, JOB_BYTES / 4);
  }

  #over(): boolean {
    return this.#exports.jobOver(this.#jobPtr) !== 0;
  }

  /** Resolves when something may have changed. */
  async #change(): Promise<void> {
    const words = this.#words;
    const completed = Atomics.load(words, COMPLETED_WORD);
    if (this.#over()) return;
    const waiting = Atomics.waitAsync(words, COMPLETED_WORD, completed, WATCH_MS);
    if (!waiting.async) return;
    let notify: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      notify = resolve;
    });
    this.#watchers.add(notify);
    await Promise.race([waiting.value, told]);
    this.#watchers.delete(notify);
  }

  async #start(spawn: Spawn, { module, memory, jobPtr, workers }: PoolOptions): Promise<void> {
    new Uint8Array(memory.buffer, jobPtr, JOB_BYTES).fill(0);
    const started = Array.from({ length: workers }, async (_, index) => {
      let answer: (error: unknown) => void = () => undefined;
      const ready = new Promise<unknown>((resolve) => {
        answer = resolve;
      });
      const thread = await spawn({
        report: (message) => {
          if (message === 'ready') answer(null);
          else this.#fail(message.failed);
        },
        ended: (cause) => {
          answer(cause);
          if (!this.#disposed) this.#fail(cause);
        },
      });
      this.#threads = [...this.#threads, thread];
      thread.start({ module, memory, jobPtr, thread: index + 1 });
      const late = setTimeout(() => answer(new Error(`no answer in ${HANDSHAKE_MS} ms`)), HANDSHAKE_MS);
      const problem = await ready;
      clearTimeout(late);
      if (problem !== null) throw failure(problem);
      thread.keepAlive(false);
    });
    const results = await Promise.allSettled(started);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #fail(cause: unknown): void {
    this.#failure ??= failure(cause);
    for (const notify of this.#watchers) notify();
  }
}

function failure(cause: unknown): WorkerError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new WorkerError(`worker: expected to run, got ${what}`, { cause });
}
