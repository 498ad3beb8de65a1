/**
 * What a worker runs: its own instance of the module, on the memory of all. Bundled into one file without imports, so
 * that it can be started from a URL of the package, from a Blob, or from wherever the option `workerUrl` points.
 */

import type { JobExports } from './job.ts';
import { COMPLETED_WORD, FAILED_WORD, installEntries, JOB_BYTES } from './job.ts';

/** The first and only message to a worker. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly jobPtr: number;
  /** Chooses the scratch memory. */
  readonly thread: number;
}

/** What a worker says: which lock it holds as long as it lives, that it is ready, or why it ended. */
export type WorkerReport = 'ready' | { readonly holds: string } | { readonly failed: unknown };

interface Port {
  postMessage(report: WorkerReport): void;
}

function start({ module, memory, jobPtr, thread }: WorkerStart, port: Port): void {
  const report = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      const words = new Int32Array(memory.buffer, jobPtr, JOB_BYTES / 4);
      Atomics.store(words, FAILED_WORD, 1); // for a coordinator that blocks and gets no messages
      Atomics.notify(words, COMPLETED_WORD);
      port.postMessage({ failed: error });
    }
  };
  report(() => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    installEntries(exports);
    port.postMessage('ready');
    // in a turn of its own: not every runtime sends messages of a thread that blocks in the same turn
    setTimeout(() => report(() => (exports as unknown as JobExports).workerLoop(jobPtr, thread)));
  });
}

/**
 * Takes a lock that only the end of this worker releases: a page is told nothing of a worker that somebody terminates,
 * but it can wait for a lock. Without locks there (an opaque origin, for one) it goes without.
 */
function holdLock(port: Port): Promise<void> {
  return new Promise((resolve) => {
    const name = `upconv-${crypto.randomUUID()}`;
    navigator.locks
      .request(name, () => {
        port.postMessage({ holds: name });
        resolve();
        return new Promise(() => undefined);
      })
      .catch(resolve);
  });
}

interface NodePort extends Port {
  once(event: 'message', listener: (message: WorkerStart) => void): void;
}

// No `await` here: bundlers make classic scripts of workers.
const { process } = globalThis as { process?: { versions?: { node?: string } } };
if (process?.versions?.node === undefined) {
  const scope = globalThis as unknown as Port & typeof globalThis;
  const begin = async ({ data }: MessageEvent<WorkerStart>): Promise<void> => {
    await holdLock(scope).catch(() => undefined);
    start(data, scope);
  };
  scope.addEventListener('message', (message: MessageEvent<WorkerStart>) => void begin(message), { once: true });
} else {
  // a name that bundlers for pages, and the build's minifier, cannot follow
  const threads = import(/* @vite-ignore */ /* webpackIgnore: true */ ['node', 'worker_threads'].join(':')) as Promise<{
    parentPort: NodePort;
  }>;
  void threads.then(({ parentPort }) => parentPort.once('message', (message) => start(message, parentPort)));
}
