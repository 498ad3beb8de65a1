/** What differs between runtimes: giving the event loop a turn, the clock, cores, shared memory, starting workers. */

import type * as os from 'node:os';
import type * as workerThreads from 'node:worker_threads';
import type { WorkerReport, WorkerStart } from './worker.ts';

interface Platform {
  setImmediate?: (callback: () => void) => unknown;
  performance?: { now(): number };
  navigator?: { hardwareConcurrency?: number; userAgent?: string };
  process?: { versions?: { node?: string }; getBuiltinModule?: (name: string) => unknown };
  crossOriginIsolated?: boolean;
}

const platform = globalThis as unknown as Platform;

/**
 * Cloudflare Workers. Many requests share one instance of the code, but none may wait for another: a promise that a
 * request has begun is never settled once that request is aborted. So every call does its work before it returns its
 * promise there, and nothing global holds one that is pending. There are no threads, and the clock stands still.
 */
export const IN_WORKERD: boolean = platform.navigator?.userAgent === 'Cloudflare-Workers';

/** Node, Bun, Deno, Electron: they have Node's modules. Workers may have some of them, and say so. */
const hasNode = !IN_WORKERD && platform.process?.versions?.node !== undefined;

/**
 * Resolves after the event loop had a turn: input, timers and rendering are not held up by a long computation.
 * On pages by a message, which waits in line with timers and other messages; what `scheduler.yield` resolves goes ahead
 * of them, so that none would come before the end of the computation.
 */
export function yieldToEventLoop(): Promise<void> {
  if (platform.setImmediate !== undefined) {
    return new Promise((resolve) => {
      platform.setImmediate?.(resolve);
    });
  }
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}

/** Milliseconds; may stand still (deployed Workers) or be coarse (pages): nothing may rely on it. */
export function now(): number {
  return platform.performance?.now() ?? 0;
}

/** A module of Node's, hidden from bundlers for pages. */
function nodeModule<T>(name: string): Promise<T> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`) as Promise<T>;
}

/** Logical cores; 1 where the runtime does not tell. */
export async function availableCores(): Promise<number> {
  if (hasNode) {
    const { availableParallelism } = await nodeModule<typeof os>('os');
    return availableParallelism();
  }
  return platform.navigator?.hardwareConcurrency ?? 1;
}

/** Why this runtime cannot share memory between threads, or null. */
export function noThreadsReason(): string | null {
  if (IN_WORKERD) return 'Cloudflare Workers compute on one thread';
  if (platform.crossOriginIsolated === false && !hasNode) {
    return 'the page is not cross-origin isolated (headers COOP and COEP)';
  }
  if (typeof SharedArrayBuffer !== 'function') return 'the runtime has no SharedArrayBuffer';
  if (typeof Atomics.waitAsync !== 'function') return 'the runtime has no Atomics.waitAsync';
  if (!hasNode && typeof Worker !== 'function') return 'the runtime has no workers';
  return null;
}

/** False on the main thread of a page: it must never wait. */
export function canBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1); // returns at once: the value is another
    return true;
  } catch {
    return false;
  }
}

/** A worker of any runtime. */
export interface Thread {
  start(message: WorkerStart): void;
  /** Resolves when it no longer runs, as far as the runtime tells. */
  terminate(): Promise<void>;
  /** Whether the process stays alive for it. */
  keepAlive(keep: boolean): void;
}

export interface ThreadEvents {
  report(report: Exclude<WorkerReport, { readonly holds: string }>): void;
  /** The worker could not be started, threw, or is gone. */
  ended(cause: unknown): void;
}

export type Spawn = (events: ThreadEvents) => Promise<Thread>;

/** Ways to start a worker, to be tried in this order. */
export function waysToSpawn(workerUrl: string | URL | null): Spawn[] {
  if (workerUrl !== null) {
    const url = String(workerUrl);
    if (hasNode) return [(events) => nodeThread(() => url, events)];
    return [(events) => wrapWorker(() => new Worker(url, { type: 'module' }), events)];
  }
  if (hasNode) {
    return [(events) => nodeThread(dataUrl, events), (events) => nodeThread(packageUrl, events)];
  }
  return [
    // spelled out: bundlers look for this form
    (events) => wrapWorker(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }), events),
    (events) => wrapWorker(blobWorker, events),
  ];
}

/** A module of its own: a page that finds the file of the worker does not download it. */
async function inlinedSource(): Promise<string> {
  const { source } = await import('./inlined/worker.ts');
  return source;
}

async function dataUrl(): Promise<string> {
  return `data:text/javascript,${encodeURIComponent(await inlinedSource())}`;
}

function packageUrl(): string {
  return new URL('./worker.js', import.meta.url).href;
}

async function nodeThread(url: () => string | Promise<string>, events: ThreadEvents): Promise<Thread> {
  const { Worker: NodeWorker } = await nodeModule<typeof workerThreads>('worker_threads');
  const target = await url();
  const worker = new NodeWorker(/^[a-z]{2,}:/.test(target) ? new URL(target) : target, {
    execArgv: [],
    name: 'upconv',
  });
  worker.on('message', (report: Parameters<ThreadEvents['report']>[0]) => events.report(report));
  worker.on('error', (cause) => events.ended(cause));
  worker.on('exit', (code) => events.ended(new Error(`the worker exited with code ${code}`)));
  return {
    start: (message) => worker.postMessage(message, []),
    terminate: async () => {
      await worker.terminate();
    },
    keepAlive: (keep) => (keep ? worker.ref() : worker.unref()),
  };
}

async function blobWorker(): Promise<Worker> {
  const url = URL.createObjectURL(new Blob([await inlinedSource()], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  for (const loaded of ['message', 'error']) {
    worker.addEventListener(loaded, () => URL.revokeObjectURL(url), { once: true });
  }
  return worker;
}

/** Time in which a terminated worker of a page is surely gone. */
const TERMINATION_MS = 50;

async function wrapWorker(make: () => Worker | Promise<Worker>, events: ThreadEvents): Promise<Thread> {
  const worker = await make(); // throws where the policy of the page forbids it
  const watch = new AbortController();
  worker.addEventListener('message', ({ data }: MessageEvent<WorkerReport>) => {
    if (typeof data === 'object' && 'holds' in data) {
      const gone = (): void => events.ended(new Error('the worker was terminated'));
      navigator.locks.request(data.holds, { signal: watch.signal }, gone).catch(() => undefined);
    } else {
      events.report(data);
    }
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    events.ended(new Error(event.message || 'the worker could not be loaded'));
  });
  return {
    start: (message) => worker.postMessage(message, []),
    terminate: () => {
      watch.abort();
      worker.terminate();
      return new Promise((resolve) => {
        setTimeout(resolve, TERMINATION_MS);
      });
    },
    keepAlive: () => undefined,
  };
}
