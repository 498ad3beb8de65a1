/** The job that threads share: the twin of assembly/worker_loop.ts. */

/** What the variants with threads export beside the stages. */
export interface JobExports {
  openJob(jobPtr: number, entry: number, paramsPtr: number, items: number, grain: number, wake: number): void;
  closeJob(jobPtr: number): void;
  /** 1 when every item is completed. */
  jobOver(jobPtr: number): number;
  /** As `jobOver`, after waiting at most so long. Blocks. */
  awaitJob(jobPtr: number, milliseconds: number): number;
  /** How many items it ran. */
  workOnJob(jobPtr: number, thread: number, claims: number): number;
  workerLoop(jobPtr: number, thread: number): void;
  stopWorkers(jobPtr: number): void;
  readonly table: WebAssembly.Table;
}

/** Size of the job in memory, on cache lines of its own. */
export const JOB_BYTES = 64;
/** Index of the count of completed items among the job's 32-bit words: what a coordinator waits for. */
export const COMPLETED_WORD = 6;
/** Index of the word that a worker sets when a kernel throws. */
export const FAILED_WORD = 9;

/**
 * Puts every stage of an instance into its table, in the order of the exports: the same numbers in every thread.
 * @returns the number of each stage
 */
export function installEntries(exports: WebAssembly.Exports): Map<string, number> {
  const { table } = exports as unknown as JobExports;
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function');
  const first = table.grow(functions.length);
  return new Map(
    functions.map(([name, entry], position) => {
      table.set(first + position, entry);
      return [name, first + position];
    }),
  );
}
