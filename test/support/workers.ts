/** The workers that engines start, as the runtime sees them. */

import type { Worker as NodeWorker } from 'node:worker_threads';

interface LivingWorker {
  terminate(): unknown;
}

const alive = new Set<LivingWorker>();

if (typeof process === 'object') {
  process.on('worker', (worker: NodeWorker) => {
    alive.add(worker);
    worker.on('exit', () => alive.delete(worker));
  });
} else {
  // a page is not told of workers that are gone: those count that nobody has terminated
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      alive.add(this);
    }

    override terminate(): void {
      alive.delete(this);
      super.terminate();
    }
  };
}

/** Workers that have not ended, oldest first. */
export function livingWorkers(): LivingWorker[] {
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
