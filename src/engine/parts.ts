/** What an engine is made of: a memory, kernels on it, and threads that run them. */

import { ArgumentError, EngineError, WorkerError } from '../core/errors.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { run, writeConstants } from '../kernels/bind.ts';
import { createKernels } from '../kernels/kernels.ts';
import type { Heap } from '../memory/heap.ts';
import { createHeap } from '../memory/heap.ts';
import type { JobExports } from '../threading/job.ts';
import { installEntries, JOB_BYTES } from '../threading/job.ts';
import { availableCores, canBlock, noThreadsReason } from '../threading/platform.ts';
import { WorkerPool } from '../threading/worker_pool.ts';
import { compiledModule, compileModule, refused } from '../wasm/modules.ts';
import type { VariantDescription } from '../wasm/variants.ts';
import { chooseVariant, describeModule, withThreads } from '../wasm/variants.ts';
import type { Executor } from './executor.ts';
import { SingleThread } from './executor.ts';
import type { CheckedEngineOptions } from './options.ts';
import { SharedExecutor } from './shared_executor.ts';
import { Slices } from './slices.ts';

export interface EngineParts {
  readonly description: VariantDescription;
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly executor: Executor;
}

/** Parts of an engine for which vectors of 256 bits may have been asked. */
export interface MadeParts extends EngineParts {
  /** Why there are none although they were asked for. */
  readonly wideReason: string | null;
}

/** Computing threads, and why they are fewer than asked for. */
interface Threads {
  readonly count: number;
  readonly reason: string | null;
}

/**
 * Parts of an engine on one thread, made at once.
 * @throws {ArgumentError} where no module is given and none comes compiled
 */
export function makePartsSync(operation: string, options: CheckedEngineOptions): MadeParts {
  const { threads, numerics } = options;
  const module = options.wasm ?? compiledModule(chooseVariant(numerics === 'portable'));
  if (module === null) throw new ArgumentError(operation, 'wasm', 'a compiled WebAssembly.Module', 'none');
  const sync = `made by ${operation}`;
  const asked = threads === 'auto' ? null : sync;
  const parts = singleThreadParts(module, options, threads === 1 ? null : (noThreadsReason() ?? asked));
  return { ...parts, wideReason: options.wide ? sync : null }; // V8 optimises while one waits
}

/**
 * Parts of an engine that computes on the thread of its caller.
 * @param reason why on that alone
 * @throws {EngineError} ERR_UNSUPPORTED when the runtime has no memory for it
 */
function singleThreadParts(
  module: WebAssembly.Module,
  options: CheckedEngineOptions,
  reason: string | null,
): EngineParts {
  const { description, heap, kernels } = place(module, options);
  return { description, heap, kernels, executor: new SingleThread(kernels, new Slices(options.yieldEveryMs), reason) };
}

/** Parts of an engine with as many threads and as wide vectors as are asked for and can be had. */
export async function makeParts(options: CheckedEngineOptions): Promise<MadeParts> {
  const { wasm, numerics } = options;
  const plain = chooseVariant(numerics === 'portable');
  let wideReason: string | null = null;
  if (options.wide) {
    const { cannotBeWide, checkWideVectors } = await import('./wide_vectors.ts');
    const given = wasm && describeModule(wasm, 'createEngine', 'wasm');
    wideReason = cannotBeWide(numerics, given, plain);
    if (wideReason === null) {
      const parts = await partsOf('wide', options);
      wideReason = await checkWideVectors(parts, writeConstants, run);
      if (wideReason === null || wasm !== null) return { ...parts, wideReason };
      await parts.executor.dispose();
      parts.heap.dispose();
    }
  }
  return { ...(await partsOf(plain, options)), wideReason };
}

async function partsOf(plain: KernelSet, options: CheckedEngineOptions): Promise<EngineParts> {
  const { count, reason } = await wantedThreads(options);
  const { wasm } = options;
  if (count === 1) {
    const shared = options.memory !== null && isShared(options.memory);
    return singleThreadParts(wasm ?? (await compileModule(shared ? withThreads(plain) : plain)), options, reason);
  }
  try {
    return await threadedParts(wasm ?? (await compileModule(withThreads(plain))), options, count);
  } catch (error) {
    if (!(error instanceof EngineError) || wasm !== null || options.memory !== null) throw error;
    return singleThreadParts(await compileModule(plain), options, `no shared memory: ${error.message}`);
  }
}

async function threadedParts(
  module: WebAssembly.Module,
  options: CheckedEngineOptions,
  count: number,
): Promise<EngineParts> {
  const { description, heap, kernels } = place(module, options);
  const slices = new Slices(options.yieldEveryMs);
  const single = (reason: string | null): SingleThread => new SingleThread(kernels, slices, reason);
  const jobPtr = heap.allocate(JOB_BYTES);
  if (jobPtr === null) return { description, heap, kernels, executor: single('no memory for the job of the workers') };
  const entries = installEntries(kernels.exports);
  const callerComputes = canBlock();
  const start = (): Promise<WorkerPool> =>
    WorkerPool.start({
      module,
      memory: heap.memory,
      exports: kernels.exports as unknown as JobExports,
      jobPtr,
      workers: callerComputes ? count - 1 : count,
      workerUrl: options.workerUrl,
      blocks: callerComputes,
    });
  try {
    const pool = await start();
    const executor = new SharedExecutor({
      single: single(null),
      slices,
      entries,
      pool,
      callerComputes,
      restart: start,
    });
    return { description, heap, kernels, executor };
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    return { description, heap, kernels, executor: single(error.message) };
  }
}

function place(module: WebAssembly.Module, options: CheckedEngineOptions): Omit<EngineParts, 'executor'> {
  const description = describeModule(module, 'createEngine', 'wasm');
  let heap: Heap;
  try {
    heap = createHeap({ ...options, shared: description.threads });
  } catch (cause) {
    throw new EngineError('ERR_UNSUPPORTED', `createEngine: the runtime has no such memory (${String(cause)})`, {
      cause,
    });
  }
  try {
    return { description, heap, kernels: createKernels(module, heap.memory) };
  } catch (error) {
    throw error instanceof WebAssembly.CompileError ? refused(error) : error;
  }
}

async function wantedThreads({ threads, wasm, memory }: CheckedEngineOptions): Promise<Threads> {
  if (threads === 1) return { count: 1, reason: null };
  const reason =
    noThreadsReason() ??
    (wasm !== null && !describeModule(wasm, 'createEngine', 'wasm').threads
      ? 'the module given is a variant without threads'
      : null) ??
    (memory !== null && !isShared(memory) ? 'the memory given is not shared' : null);
  if (reason !== null) return { count: 1, reason };
  const count = threads === 'auto' ? await availableCores() : threads;
  return { count, reason: count === 1 ? 'the machine has one core' : null };
}

function isShared(memory: WebAssembly.Memory): boolean {
  return !(memory.buffer instanceof ArrayBuffer);
}
