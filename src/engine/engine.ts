/** The engine: one wasm memory, one set of kernels, the caches, and the ways in which calls run. */

import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, EngineError, OutOfMemoryError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { createKernels } from '../kernels/kernels.ts';
import type { Heap } from '../memory/heap.ts';
import { createHeap } from '../memory/heap.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { describeModule } from '../wasm/variants.ts';
import type { CacheablePlan, Call, Foreign, Procedure } from './call.ts';
import { CallQueue } from './call_queue.ts';
import type { EngineInfo, EngineMemory, Leak } from './engine_info.ts';
import type { CheckedEngineOptions } from './options.ts';
import { MICROKERNELS } from './options.ts';
import { Slices } from './slices.ts';
import { StageRunner } from './stage_runner.ts';
import { Storage } from './storage.ts';
import type { WrappedTensor } from './wrap.ts';
import { wrapMemory } from './wrap.ts';

export class Engine {
  readonly info: EngineInfo;
  readonly kernels: Kernels;
  /** Height of the micro-kernel when an option forces one, else null: plans choose. */
  readonly forcedMr: number | null;
  readonly #heap: Heap;
  readonly #runner: StageRunner;
  readonly #queue: CallQueue;
  /** Live storages with the stack of their creation, when the option `debug` is set. */
  readonly #stacks: Map<Storage, string> | null;
  #disposed = false;
  #bytesInUse = 0;
  #bytesPeak = 0;
  #bytesCopiedIn = 0;
  #bytesCopiedOut = 0;
  #tensors = 0;

  /** Use `createEngine`. */
  constructor(module: WebAssembly.Module, options: CheckedEngineOptions) {
    const { variant, kernelSet, threads } = describeModule(module);
    if (threads) throw new ArgumentError('createEngine', 'wasm', 'a variant without threads', `'${variant}'`);
    this.#heap = createHeap(options);
    this.kernels = createKernels(module, this.#heap.memory);
    const computing = 1;
    this.#runner = new StageRunner(
      this.kernels,
      { allocate: (operation, bytes) => this.#allocate(operation, bytes), free: (ptr) => this.#heap.free(ptr) },
      computing,
      options.cacheBytes,
    );
    this.#queue = new CallQueue(this.#runner, new Slices(options.yieldEveryMs));
    this.#stacks = options.debug ? new Map() : null;
    this.forcedMr = options.microkernel === null ? null : Number.parseInt(options.microkernel, 10);
    this.info = {
      variant,
      threads: computing,
      ...(options.threads === computing ? {} : { threadsReason: 'this version computes on one thread' }),
      microkernel: options.microkernel ?? MICROKERNELS[kernelSet][0],
      wide: false,
      numerics: options.numerics,
      relaxed: kernelSet === 'relaxed',
    };
  }

  get kernelSet(): KernelSet {
    return this.kernels.kernelSet;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  get memory(): EngineMemory {
    return {
      bytesInUse: this.#bytesInUse,
      bytesPeak: this.#bytesPeak,
      bytesReserved: this.#heap.memory.buffer.byteLength,
      bytesPacked: this.#runner.packed.bytes,
      bytesWorkspace: this.#runner.bytesWorkspace,
      bytesCopiedIn: this.#bytesCopiedIn,
      bytesCopiedOut: this.#bytesCopiedOut,
      tensors: this.#tensors,
      maximumBytes: this.#heap.maximumBytes,
    };
  }

  /** Starts `bytesPeak` and `bytesWorkspace` afresh. */
  resetPeak(): void {
    this.#bytesPeak = this.#bytesInUse;
    this.#runner.resetPeak();
  }

  /** Drops cached plans, packed weights and workspaces; what a pending call uses stays. */
  trim(): void {
    this.#checkAlive('trim');
    this.#runner.trim();
  }

  /**
   * Live tensors with the stacks of their creation, oldest first.
   * @throws {EngineError} ERR_UNSUPPORTED without the option `debug`.
   */
  leaks(): Leak[] {
    if (this.#stacks === null) {
      throw new EngineError('ERR_UNSUPPORTED', 'leaks: needs an engine with the option debug: true');
    }
    return [...this.#stacks].map(([{ ptr, bytes }, stack]) => ({ ptr, bytes, stack }));
  }

  /** Ends the engine: pending calls reject, its tensors can no longer be read. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#queue.close();
  }

  /** The raw bytes, valid until the next allocation. */
  get buffer(): ArrayBufferLike {
    return this.#heap.memory.buffer;
  }

  /**
   * A tensor over bytes that somebody else owns and may write at any time.
   * @param ptr address in the engine's memory, aligned to the element size
   * @throws {ArgumentError} for an address or extent outside the memory; {ShapeError | DtypeError | TypeError}
   */
  wrap(ptr: number, shape: Shape, options: { dtype?: Dtype; strides?: readonly number[] } = {}): WrappedTensor {
    this.#checkAlive('wrap');
    return wrapMemory(this, ptr, shape, options);
  }

  /**
   * A storage of `bytes` bytes, content undefined.
   * @throws {OutOfMemoryError} when the memory cannot hold it, after cached packed weights were dropped.
   */
  allocateStorage(operation: string, bytes: number): Storage {
    this.#checkAlive(operation);
    const storage = new Storage(this, this.#allocate(operation, bytes), bytes, true);
    this.#stacks?.set(storage, new Error(operation).stack ?? '');
    this.#tensors++;
    this.#bytesInUse += bytes;
    this.#bytesPeak = Math.max(this.#bytesPeak, this.#bytesInUse);
    return storage;
  }

  /** Called by the last reference to a storage. */
  freeStorage(storage: Storage): void {
    if (this.#disposed) return;
    this.#runner.packed.dropAllOf(storage);
    if (!storage.owned) return;
    if (this.#stacks !== null) {
      this.#stacks.delete(storage);
      new Uint8Array(this.buffer, storage.ptr, storage.bytes).fill(POISON);
    }
    this.#heap.free(storage.ptr);
    this.#tensors--;
    this.#bytesInUse -= storage.bytes;
  }

  countCopiedIn(bytes: number): void {
    this.#bytesCopiedIn += bytes;
  }

  countCopiedOut(bytes: number): void {
    this.#bytesCopiedOut += bytes;
  }

  /** The plan for `key`: the cached one, or what `make` returns. */
  plan<T extends CacheablePlan>(key: string, make: () => T): T {
    return this.#runner.plan(key, make);
  }

  /**
   * Runs a call on this thread, now, ahead of pending ones.
   * @throws {EngineError} ERR_IN_USE when a pending call writes what it reads, or uses what it writes.
   */
  execute<T>(call: Call<T>): T {
    try {
      this.#checkAlive(call.operation);
      for (const storage of call.reads) storage.checkReadable(call.operation);
      for (const storage of call.writes) storage.checkWritable(call.operation);
      for (const step of call.steps) this.#runner.runSync(step);
      for (const storage of call.writes) storage.written();
      return call.finish();
    } catch (error) {
      call.abandon();
      throw error;
    } finally {
      call.release();
    }
  }

  /**
   * Runs a call in its turn after those submitted before, in slices.
   * @throws the signal's reason when it was aborted; {EngineError} ERR_DISPOSED when the engine was.
   */
  submit<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.call(call, signal);
  }

  /** As `submit`, for calls that belong together; see `runProcedure`. */
  submitUnit<T>(
    procedure: Procedure<T>,
    first: Call<unknown>,
    signal?: AbortSignal,
  ): Promise<IteratorResult<Call<unknown> | Foreign, T>> {
    return this.#queue.unit(procedure, first, signal);
  }

  #allocate(operation: string, bytes: number): number {
    for (;;) {
      const ptr = this.#heap.allocate(bytes);
      if (ptr !== null) return ptr;
      if (!this.#runner.packed.evictOne()) throw new OutOfMemoryError(operation, bytes, this.#heap.maximumBytes);
    }
  }

  #checkAlive(operation: string): void {
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the engine is disposed`);
  }
}

/** Freed memory in debug mode: NaN in every float type. */
const POISON = 0xff;
