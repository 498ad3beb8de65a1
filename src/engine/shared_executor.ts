/** Running the items of a stage on the calling thread and on workers. */

import type { WorkerError } from '../core/errors.ts';
import type { Job } from '../threading/worker_pool.ts';
import type { WorkerPool } from '../threading/worker_pool.ts';
import type { Executor, Interruption } from './executor.ts';
import type { SingleThread } from './executor.ts';
import type { Slices } from './slices.ts';
import { stageFlops } from './slices.ts';
import type { ReadyStage } from './stage_runner.ts';

/** Stages below this many operations are done before a worker has woken up. */
const LEAST_FLOPS = 2e6;
/** A claim costs less than a hundredth of this many operations. */
const CLAIM_FLOPS = 5e5;
/** Claims per thread at least, where a stage has so many items: threads come late, and not all are equally fast. */
const CLAIMS_PER_THREAD = 4;
/** Failures after which the workers are not started again, unless so many stages went well since the last one. */
const MOST_RESTARTS = 3;
const STAGES_OF_TRUST = 100;

export interface SharedExecutorOptions {
  readonly single: SingleThread;
  readonly slices: Slices;
  /** Numbers of the stages' entries. */
  readonly entries: ReadonlyMap<string, number>;
  readonly pool: WorkerPool;
  /** On a page the caller only coordinates, unless a Sync function has it wait anyway. */
  readonly callerComputes: boolean;
  readonly restart: () => Promise<WorkerPool>;
}

export class SharedExecutor implements Executor {
  readonly lanes: number;
  readonly #options: SharedExecutorOptions;
  /** Null while there are no workers. */
  #pool: WorkerPool | null;
  /** Why no memory may be used: workers that failed may still run. */
  #unsafe: WorkerError | null = null;
  /** Settles when failed workers are gone and new ones started, or given up. */
  #recovery: Promise<void> | null = null;
  #restarts = 0;
  #stagesSinceRestart = 0;
  /** A job is open. */
  #busy = false;
  #reason: string | null = null;
  #disposed = false;

  constructor(options: SharedExecutorOptions) {
    this.#options = options;
    this.#pool = options.pool;
    this.lanes = options.pool.workers + 1;
  }

  get threads(): number {
    const pool = this.#pool;
    if (pool?.failure !== null) return 1;
    return pool.workers + (this.#options.callerComputes ? 1 : 0);
  }

  get reason(): string | null {
    if (this.#reason !== null || this.#pool?.failure === null) return this.#reason;
    return 'workers have ended; others take their place';
  }

  runSync(ready: ReadyStage): void {
    const pool = this.#usable();
    if (this.#unsafe !== null) throw this.#unsafe;
    if (pool === null || this.#busy || !this.#worthSharing(ready)) {
      this.#options.single.runSync(ready);
      return;
    }
    this.#busy = true;
    try {
      pool.open(this.#jobOf(ready));
      try {
        pool.work();
      } catch (error) {
        pool.cancelSync();
        throw error;
      }
      pool.waitSync();
      this.#stagesSinceRestart++;
    } catch (error) {
      this.#recover(pool, 'running');
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async run(ready: ReadyStage, interruption: Interruption): Promise<void> {
    if (this.#usable() === null && this.#recovery !== null) {
      await this.#recovery;
      interruption.check();
    }
    const pool = this.#pool;
    if (pool === null || !this.#worthSharing(ready)) return this.#options.single.run(ready, interruption);
    interruption.check();
    this.#busy = true;
    const unwatch = interruption.watch(() => pool.close());
    try {
      const job = this.#jobOf(ready);
      pool.open(job);
      if (this.#options.callerComputes) await this.#takePart(pool, ready, job.grain, interruption);
      await pool.wait(() => interruption.check());
      interruption.check(); // the job may have been closed early
      this.#stagesSinceRestart++;
    } catch (error) {
      await pool.cancel();
      this.#recover(pool, 'ended');
      throw error;
    } finally {
      unwatch();
      this.#busy = false;
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const pool = this.#pool;
    this.#pool = null;
    await Promise.all([pool?.end(), this.#recovery]);
  }

  /** Runs items beside the workers, in slices. */
  async #takePart(
    pool: WorkerPool,
    { stage, bound }: ReadyStage,
    grain: number,
    interruption: Interruption,
  ): Promise<void> {
    const { slices } = this.#options;
    for (;;) {
      if (slices.full) await slices.rest();
      interruption.check();
      slices.begin();
      const claims = Math.max(1, Math.floor(Math.min(bound.items, slices.itemsThatFit(stage)) / grain));
      const ran = pool.work(claims);
      slices.count(stage, ran);
      if (ran < claims * grain) return;
    }
  }

  #worthSharing({ stage, bound }: ReadyStage): boolean {
    return bound.items > 1 && stageFlops(stage) >= LEAST_FLOPS;
  }

  #jobOf({ stage, bound }: ReadyStage): Job {
    const { entries } = this.#options;
    const { items, paramsPtr } = bound;
    const enough = Math.ceil((CLAIM_FLOPS * items) / stageFlops(stage));
    const most = Math.ceil(items / (CLAIMS_PER_THREAD * this.lanes));
    return { entry: entries.get(bound.entry) as number, paramsPtr, items, grain: Math.min(enough, most) };
  }

  /** The pool, unless a worker has failed since it was last used: then it is replaced. */
  #usable(): WorkerPool | null {
    if (this.#pool !== null && !this.#busy) this.#recover(this.#pool, 'idle');
    return this.#pool;
  }

  /** @param workers what they do: those that run may write to memory until they are gone */
  #recover(pool: WorkerPool, workers: 'idle' | 'running' | 'ended'): void {
    if (this.#pool !== pool || pool.failure === null || this.#disposed) return;
    this.#pool = null;
    const { failure } = pool;
    if (workers === 'running') this.#unsafe = failure;
    this.#recovery = (async () => {
      await pool.end();
      this.#unsafe = null;
      if (this.#stagesSinceRestart >= STAGES_OF_TRUST) this.#restarts = 0;
      this.#stagesSinceRestart = 0;
      if (++this.#restarts > MOST_RESTARTS) throw failure;
      const fresh = await this.#options.restart();
      if (this.#disposed) await fresh.end();
      else this.#pool = fresh;
    })()
      .catch((cause: unknown) => {
        this.#reason = (cause as WorkerError).message;
      })
      .finally(() => {
        this.#recovery = null;
      });
  }
}
