/** The engine: one wasm memory, one set of kernels, the caches, and the ways in which calls run. */

import { DisposableBase } from '../core/disposable.ts';
import type { Dtype } from '../core/dtype.ts';
import { EngineError, OutOfMemoryError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { checkSignal } from '../core/validate.ts';
import type { Heap } from '../memory/heap.ts';
import { defaultMr, microkernelName } from '../plan/blocking.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import type { CacheablePlan, Call, Foreign, Procedure } from './call.ts';
import type { Place } from './call_queue.ts';
import { CallQueue } from './call_queue.ts';
import type { EngineInfo, EngineMemory, Leak } from './engine_info.ts';
import type { Executor } from './executor.ts';
import type { CheckedEngineOptions } from './options.ts';
import { LiveStorages } from './live_storages.ts';
import type { MadeParts } from './parts.ts';
import { StageRunner } from './stage_runner.ts';
import type { Purpose } from './storage.ts';
import { Storage } from './storage.ts';
import type { WrappedTensor } from './wrap.ts';
import { wrapMemory } from './wrap.ts';

/** What goes with the engine, so that a disposed one that is still referred to holds no memory. */
interface Parts {
  readonly heap: Heap;
  readonly executor: Executor;
  readonly runner: StageRunner;
  readonly queue: CallQueue;
}

export class Engine extends DisposableBase {
  /** @internal */
  readonly kernelSet: KernelSet;
  /** Height of the micro-kernel when an option forces one, else null: plans choose. @internal */
  readonly forcedMr: number | null;
  readonly #info: Omit<EngineInfo, 'threads' | 'threadsReason'>;
  #parts: Parts | null;
  readonly #storages = new LiveStorages();
  readonly #debug: boolean;
  readonly #maximumBytes: number;
  #bytesInUse = 0;
  #bytesPeak = 0;
  #bytesCopiedIn = 0;
  #bytesCopiedOut = 0;
  #bytesOwnPacked = 0;
  #tensors = 0;
  #tensorsCollected = 0;

  /** Use `createEngine`. */
  constructor({ description, heap, kernels, executor, wideReason }: MadeParts, options: CheckedEngineOptions) {
    super();
    const { variant, kernelSet } = description;
    const runner = new StageRunner(
      kernels,
      {
        allocate: (operation, bytes) => this.#allocate(operation, bytes),
        free: (ptr) => this.#free(ptr),
        poison: (ptr, bytes) => heap.poison(ptr, bytes),
        trespass: () => heap.trespass(),
      },
      executor.lanes,
      options.cacheBytes,
    );
    this.#parts = { heap, executor, runner, queue: new CallQueue(runner, executor) };
    this.kernelSet = kernelSet;
    this.#maximumBytes = heap.maximumBytes;
    this.#debug = options.debug;
    this.forcedMr = options.mr;
    this.#info = {
      variant,
      microkernel: microkernelName(options.mr ?? defaultMr(kernelSet), kernelSet),
      wide: options.wide && wideReason === null,
      ...(wideReason === null ? {} : { wideReason }),
      numerics: options.numerics,
      relaxed: kernelSet !== 'simd',
    };
  }

  /** What was chosen; `threads` as it is now: workers may fail. */
  get info(): EngineInfo {
    const { threads, reason } = this.#parts?.executor ?? { threads: 0, reason: 'the engine is disposed' };
    return { ...this.#info, threads, ...(reason === null ? {} : { threadsReason: reason }) };
  }

  get disposed(): boolean {
    return this.#parts === null;
  }

  get memory(): EngineMemory {
    const parts = this.#parts;
    return {
      bytesInUse: this.#bytesInUse,
      bytesPeak: this.#bytesPeak,
      bytesReserved: parts?.heap.memory.buffer.byteLength ?? 0,
      bytesPacked: this.#bytesOwnPacked + (parts?.runner.packed.bytes ?? 0),
      bytesWorkspace: parts?.runner.bytesWorkspace ?? 0,
      bytesCopiedIn: this.#bytesCopiedIn,
      bytesCopiedOut: this.#bytesCopiedOut,
      tensors: this.#tensors,
      tensorsCollected: this.#tensorsCollected,
      maximumBytes: this.#maximumBytes,
    };
  }

  /** Starts `bytesPeak` and `bytesWorkspace` afresh. */
  resetPeak(): void {
    this.#bytesPeak = this.#bytesInUse;
    this.#parts?.runner.resetPeak();
  }

  /** Drops cached plans, packed weights and workspaces; what a pending call uses stays. */
  trim(): void {
    this.#alive('trim').runner.trim();
  }

  /**
   * Live tensors with the stacks of their creation, oldest first.
   * @throws {EngineError} ERR_UNSUPPORTED without the option `debug`.
   */
  leaks(): Leak[] {
    if (!this.#debug) {
      throw new EngineError('ERR_UNSUPPORTED', 'leaks: needs an engine with the option debug: true');
    }
    return [...this.#storages.stacks].map(([{ ptr, bytes }, stack]) => ({ ptr, bytes, stack }));
  }

  /**
   * Ends the engine: pending calls reject, its tensors can no longer be read, all memory goes back: at once, or with
   * threads as soon as no worker writes to it. Idempotent.
   */
  override dispose(): void {
    const parts = this.#parts;
    if (parts === null) return;
    this.#parts = null;
    parts.queue.close();
    const ended = parts.executor.dispose();
    parts.runner.dispose();
    if (ended === null) parts.heap.dispose();
    else void ended.then(() => parts.heap.dispose()); // workers may be in the middle of an item
    this.#storages.clear();
    this.#bytesInUse = 0;
    this.#bytesOwnPacked = 0;
    this.#tensors = 0;
  }

  /** The raw bytes, valid until the next allocation. @internal */
  get buffer(): ArrayBufferLike {
    return this.#alive('buffer').heap.memory.buffer;
  }

  /**
   * A tensor over bytes that somebody else owns and may write at any time.
   * @param ptr address in the engine's memory, aligned to the element size
   * @throws {ArgumentError} for an address or extent outside the memory; {ShapeError | DtypeError | TypeError}
   */
  wrap(ptr: number, shape: Shape, options: { dtype?: Dtype; strides?: readonly number[] } = {}): WrappedTensor {
    this.#alive('wrap');
    return wrapMemory(this, ptr, shape, options);
  }

  /**
   * A storage of `bytes` bytes, content undefined.
   * @throws {OutOfMemoryError} when the memory cannot hold it, after the caches were emptied.
   * @internal
   */
  allocateStorage(operation: string, bytes: number, purpose: Exclude<Purpose, 'foreign'> = 'tensor'): Storage {
    const storage = new Storage(this, this.#allocate(operation, bytes), bytes, purpose);
    this.#storages.add(storage, this.#debug ? (new Error(operation).stack ?? '') : '');
    if (purpose === 'packed weight') {
      this.#bytesOwnPacked += bytes;
      return storage;
    }
    this.#tensors++;
    this.#bytesInUse += bytes;
    this.#bytesPeak = Math.max(this.#bytesPeak, this.#bytesInUse);
    return storage;
  }

  /** A storage over bytes that somebody else owns; see `wrap`. @internal */
  foreignStorage(ptr: number, bytes: number): Storage {
    const storage = new Storage(this, ptr, bytes, 'foreign');
    this.#storages.addForeign(storage);
    return storage;
  }

  /** Called by the last reference to a storage. @internal */
  freeStorage(storage: Storage): void {
    if (this.#parts === null) return;
    this.dropPacked(storage);
    this.#storages.delete(storage);
    if (storage.purpose === 'foreign') return;
    this.#free(storage.ptr);
    if (storage.purpose === 'packed weight') {
      this.#bytesOwnPacked -= storage.bytes;
      return;
    }
    this.#tensors--;
    this.#bytesInUse -= storage.bytes;
  }

  /** Drops the reference of a tensor that was collected undisposed. @internal */
  collect(storage: Storage): void {
    if (this.#parts === null) return;
    this.#tensorsCollected++;
    storage.release();
  }

  /** Forgets what was packed from a storage. @internal */
  dropPacked(storage: Storage): void {
    this.#parts?.runner.packed.dropAllOf(storage);
  }

  /** @internal */
  countCopiedIn(bytes: number): void {
    this.#bytesCopiedIn += bytes;
  }

  /** @internal */
  countCopiedOut(bytes: number): void {
    this.#bytesCopiedOut += bytes;
  }

  /** The plan for `key`: the cached one, or what `make` returns. @internal */
  plan<T extends CacheablePlan>(key: string, make: () => T): T {
    return this.#alive('plan').runner.plan(key, make);
  }

  /**
   * Runs a call on this thread, now, ahead of pending ones.
   * @param signal only looked at before it begins: nothing can abort the call while it runs
   * @throws the signal's reason when it was aborted; {EngineError} ERR_IN_USE when a pending call writes what it reads, or uses what it writes.
   * @internal
   */
  execute<T>(call: Call<T>, signal?: AbortSignal): T {
    let wrote = false;
    try {
      checkSignal(call.operation, signal);
      const { runner, executor } = this.#alive(call.operation);
      for (const storage of call.reads) storage.checkReadable(call.operation);
      for (const storage of call.writes) storage.checkWritable(call.operation);
      for (const step of call.steps) {
        wrote = true;
        for (const turn of runner.turns(step, 'sync')) for (const ready of turn) executor.runSync(ready);
      }
      for (const storage of call.writes) storage.written();
      return call.finish();
    } catch (error) {
      if (wrote) for (const storage of call.writes) storage.written(); // part of it may be there
      call.abandon();
      throw error;
    } finally {
      call.release();
    }
  }

  /**
   * Runs a call in its turn after those submitted before, in slices; in Workers at once.
   * @throws the signal's reason when it was aborted; {EngineError} ERR_DISPOSED when the engine was.
   * @internal
   */
  submit<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    if (!IN_WORKERD) return this.#alive(call.operation).queue.call(call, signal);
    return new Promise((resolve) => {
      resolve(this.execute(call, signal));
    });
  }

  /** As `submit`, for calls that belong together; see `runProcedure`. @internal */
  submitUnit<T>(
    procedure: Procedure<T>,
    first: Call<unknown>,
    signal?: AbortSignal,
    place?: Place | null,
  ): Promise<IteratorResult<Call<unknown> | Foreign, T>> {
    return this.#alive(first.operation).queue.unit(procedure, first, signal, place);
  }

  /** Takes the next place in the order of calls; whoever takes it gives it up, whatever happens. @internal */
  reservePlace(operation: string): Place {
    return this.#alive(operation).queue.reserve();
  }

  #allocate(operation: string, bytes: number): number {
    const { heap, runner } = this.#alive(operation);
    for (;;) {
      const ptr = heap.allocate(bytes);
      if (ptr !== null) return ptr;
      if (!runner.giveBack()) throw new OutOfMemoryError(operation, bytes, heap.maximumBytes);
    }
  }

  #free(ptr: number): void {
    this.#parts?.heap.free(ptr);
  }

  #alive(operation: string): Parts {
    if (this.#parts === null) throw new EngineError('ERR_DISPOSED', `${operation}: the engine is disposed`);
    return this.#parts;
  }
}
