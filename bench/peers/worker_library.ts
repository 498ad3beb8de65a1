/**
 * Loads a library in a worker of its own. Libraries change globals (onnxruntime-web defines `Worker`, which jax-js then
 * takes for a sign of shared memory) and have settings that hold for the whole thread.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Library, Results } from './peer.ts';
import type { Ask, Reply } from './remote_peer.ts';
import { contentOf, openRemotePeer } from './remote_peer.ts';

/** What a worker is told at its start. */
export interface WorkerSettings {
  /** Module of this folder that exports the library. */
  readonly module: string;
  /** Threads that the library may compute with. */
  readonly threads: number;
}

/** What a worker tells first. */
export type Introduction = Pick<Library, 'version' | 'isSlow'>;

/** @throws when the library cannot be loaded */
export async function loadInWorker(module: string, threads = 1): Promise<Library> {
  const workerData: WorkerSettings = { module, threads };
  const worker = new Worker(new URL('library_worker.ts', import.meta.url), { workerData });
  const next = async (): Promise<unknown> => contentOf(((await once(worker, 'message')) as [Reply])[0]);
  const ask: Ask = (request) => {
    worker.postMessage(request, []);
    return next();
  };
  const introduction = (await next()) as Introduction;
  return {
    ...introduction,
    open: (problem) => openRemotePeer(ask, problem, (reply) => reply as Results),
    close: async () => void (await worker.terminate()),
  };
}
