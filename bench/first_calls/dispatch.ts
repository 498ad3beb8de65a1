/** What it costs to offer a stage to two threads and to wait until it is over: one that has nothing to do. */

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { timeOf } from '../../src/cli/benchmark/interleave.ts';
import { median } from '../../src/cli/benchmark/statistics.ts';
import type { JobExports } from '../../src/threading/job.ts';
import { installEntries, JOB_BYTES } from '../../src/threading/job.ts';
import { WorkerPool } from '../../src/threading/worker_pool.ts';

/** Its block of zeros says that there is nothing to update. */
const ENTRY = 'optimizerStep';
const ROUNDS = 100;
/** Stages of a call, one behind the other. */
const STAGES = 50;
/** After which an idle worker waits to be woken. */
const PAUSE_MS = 2;

/** Medians, in microseconds. */
export interface Dispatch {
  /** The caller takes part: as a rule it has run the empty items before the worker has seen them. */
  readonly dispatchUs: number;
  /** The caller only waits: there and back to a worker that is awake. */
  readonly handOverUs: number;
  /** The same after a pause: the worker has to be woken. */
  readonly wakeUs: number;
}

export async function measureDispatch(): Promise<Dispatch> {
  const wasm = readFileSync(new URL('../../dist/wasm/relaxed-threads.wasm', import.meta.url));
  const module = await WebAssembly.compile(wasm);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const entry = installEntries(exports).get(ENTRY);
  if (entry === undefined) throw new Error(`the module has no stage ${ENTRY}`);
  const jobPtr = JOB_BYTES;
  const pool = await WorkerPool.start({
    module,
    memory,
    exports: exports as unknown as JobExports,
    jobPtr,
    workers: 1,
    workerUrl: null,
    blocks: true,
  });
  const job = { entry, paramsPtr: 2 * JOB_BYTES, items: 2, grain: 1 };
  const dispatch = (): void => {
    pool.open(job);
    pool.work();
    pool.waitSync();
  };
  const handOver = (): void => {
    pool.open(job);
    pool.waitSync();
  };
  const [dispatches, handOvers, wakes]: number[][] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    await setTimeout(PAUSE_MS);
    wakes.push(timeOf(handOver));
    for (let stage = 0; stage < STAGES; stage++) handOvers.push(timeOf(handOver));
    for (let stage = 0; stage < STAGES; stage++) dispatches.push(timeOf(dispatch));
  }
  await pool.end();
  const [dispatchUs, handOverUs, wakeUs] = [dispatches, handOvers, wakes].map((times) => 1000 * median(times));
  return { dispatchUs, handOverUs, wakeUs };
}
