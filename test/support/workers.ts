/** The workers that engines start, as Node sees them. */

import type { Worker } from 'node:worker_threads';

const alive = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  alive.add(worker);
  worker.on('exit', () => alive.delete(worker));
});

/** Workers of this process that have not exited, oldest first. */
export function livingWorkers(): Worker[] {
  return [...alive];
}

/** Resolves when no more than `count` workers live. */
export async function untilWorkers(count: number): Promise<void> {
  while (alive.size > count) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
