/** The engine: one wasm memory, one set of kernels, the caches, and the way calls run. */

import { ArgumentError, EngineError, OutOfMemoryError } from '../core/errors.ts';
import { isPromise } from '../core/validate.ts';
import type { BoundStage, Pointers } from '../kernels/bind.ts';
import { paramsBytes, run, writeConstants, writePointers } from '../kernels/bind.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { createKernels } from '../kernels/kernels.ts';
import { Allocator } from '../memory/allocator.ts';
import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { KernelSet, VariantDescription } from '../wasm/variants.ts';
import { chooseVariant, describeModule, loadVariant } from '../wasm/variants.ts';
import type { CacheablePlan, Call, PackedWeightRequest, Step } from './call.ts';
import { NO_WORKSPACE } from './call.ts';
import type { CheckedEngineOptions, EngineOptions } from './options.ts';
import { checkEngineOptions, MICROKERNELS } from './options.ts';
import { PackedCache } from './packed_cache.ts';
import { Storage } from './storage.ts';

export interface EngineInfo {
  readonly variant: VariantDescription['variant'];
  readonly threads: number;
  /** Why there are fewer threads than asked for. */
  readonly threadsReason?: string;
  /** Register tile of the float32 micro-kernel, `mr`x`nr`. */
  readonly microkernel: string;
  readonly wide: boolean;
  readonly numerics: 'fast' | 'portable';
  /** Multiply-add is fused (relaxed SIMD). */
  readonly relaxed: boolean;
}

export interface EngineMemory {
  /** Bytes of live tensors. */
  readonly bytesInUse: number;
  /** Largest `bytesInUse` since `resetPeak()`. */
  readonly bytesPeak: number;
  /** Size of the wasm memory. */
  readonly bytesReserved: number;
  /** Bytes of cached packed weights. */
  readonly bytesPacked: number;
  /** Largest workspace in use at once since `resetPeak()`. */
  readonly bytesWorkspace: number;
  readonly bytesCopiedIn: number;
  readonly bytesCopiedOut: number;
  /** Live tensor storages. */
  readonly tensors: number;
  readonly maximumBytes: number;
}

/** Stages whose parameter blocks lie in wasm memory. */
interface Binding {
  readonly paramsPtr: number;
  readonly bound: readonly BoundStage[];
}

/** Plans kept, with their bindings; the least recently used one goes. */
const PLAN_CACHE_ENTRIES = 256;
const PAGE_BYTES = 65536;

export class Engine {
  readonly info: EngineInfo;
  readonly kernels: Kernels;
  /** Height of the micro-kernel when an option forces one, else null: plans choose. */
  readonly forcedMr: number | null;
  readonly #allocator: Allocator;
  readonly #packed: PackedCache;
  readonly #plans = new Map<string, CacheablePlan>(); // in order of last use
  /** Of the stages of cached plans; null until first used. */
  readonly #bindings = new Map<readonly Stage[], Binding | null>();
  #workspacePtr = 0;
  #workspaceCapacity = 0;
  #disposed = false;
  #bytesInUse = 0;
  #bytesPeak = 0;
  #bytesWorkspace = 0;
  #bytesCopiedIn = 0;
  #bytesCopiedOut = 0;
  #tensors = 0;

  /** Use `createEngine`. */
  constructor(module: WebAssembly.Module, options: CheckedEngineOptions) {
    const { variant, kernelSet, threads } = describeModule(module);
    if (threads) throw new ArgumentError('createEngine', 'wasm', 'a variant without threads', `'${variant}'`);
    const memory = new WebAssembly.Memory({
      initial: Math.max(1, Math.ceil(options.initialBytes / PAGE_BYTES)),
      maximum: Math.max(1, Math.floor(options.maximumBytes / PAGE_BYTES)),
    });
    this.kernels = createKernels(module, memory);
    this.#allocator = new Allocator(memory, options.maximumBytes);
    this.#packed = new PackedCache(options.cacheBytes, (ptr) => this.#allocator.free(ptr));
    this.forcedMr = options.microkernel === null ? null : Number.parseInt(options.microkernel, 10);
    this.info = {
      variant,
      threads: 1,
      ...(options.threads === 1 ? {} : { threadsReason: 'this version computes on one thread' }),
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
      bytesReserved: this.kernels.memory.buffer.byteLength,
      bytesPacked: this.#packed.bytes,
      bytesWorkspace: this.#bytesWorkspace,
      bytesCopiedIn: this.#bytesCopiedIn,
      bytesCopiedOut: this.#bytesCopiedOut,
      tensors: this.#tensors,
      maximumBytes: this.#allocator.maximumBytes,
    };
  }

  /** Starts `bytesPeak` and `bytesWorkspace` afresh. */
  resetPeak(): void {
    this.#bytesPeak = this.#bytesInUse;
    this.#bytesWorkspace = 0;
  }

  /** Drops cached plans, packed weights and the workspace. */
  trim(): void {
    this.#checkAlive('trim');
    this.#packed.clear();
    while (this.#plans.size > 0) this.#dropOldestPlan();
    this.#freeWorkspace();
  }

  /** Ends the engine: its tensors can no longer be read. Idempotent. */
  dispose(): void {
    this.#disposed = true;
    this.#plans.clear();
    this.#bindings.clear();
  }

  /** The raw bytes, valid until the next allocation. */
  get buffer(): ArrayBufferLike {
    return this.kernels.memory.buffer;
  }

  /**
   * A storage of `bytes` bytes, content undefined.
   * @throws {OutOfMemoryError} when the memory cannot hold it, after the caches were dropped.
   */
  allocateStorage(operation: string, bytes: number): Storage {
    this.#checkAlive(operation);
    const storage = new Storage(this, this.#allocate(operation, bytes), bytes);
    this.#tensors++;
    this.#bytesInUse += bytes;
    this.#bytesPeak = Math.max(this.#bytesPeak, this.#bytesInUse);
    return storage;
  }

  /** Called by the last reference to a storage. */
  freeStorage(storage: Storage): void {
    this.#packed.dropAllOf(storage);
    this.#allocator.free(storage.ptr);
    this.#tensors--;
    this.#bytesInUse -= storage.bytes;
  }

  countCopiedIn(bytes: number): void {
    this.#bytesCopiedIn += bytes;
  }

  countCopiedOut(bytes: number): void {
    this.#bytesCopiedOut += bytes;
  }

  /** Runs a call on this thread, now. */
  execute<T>(call: Call<T>): T {
    try {
      this.#checkAlive('call');
      for (const step of call.steps) this.#runStep(step);
      for (const storage of call.writes) storage.version++;
    } catch (error) {
      call.abandon();
      throw error;
    } finally {
      call.release();
    }
    return call.finish();
  }

  /**
   * Runs a call for the Promise form.
   * @throws the signal's reason when it was aborted before the call began.
   */
  async submit<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) {
      call.abandon();
      call.release();
      throw signal.reason;
    }
    return this.execute(call);
  }

  /** The plan for `key`: the cached one, or what `make` returns. */
  plan<T extends CacheablePlan>(key: string, make: () => T): T {
    const found = this.#plans.get(key);
    if (found !== undefined) {
      this.#plans.delete(key);
      this.#plans.set(key, found);
      return found as T;
    }
    const plan = make();
    this.#plans.set(key, plan);
    this.#bindings.set(plan.stages, null);
    if (plan.pack !== undefined) this.#bindings.set(plan.pack, null);
    if (this.#plans.size > PLAN_CACHE_ENTRIES) this.#dropOldestPlan();
    return plan;
  }

  #dropOldestPlan(): void {
    for (const [key, { stages, pack }] of this.#plans) {
      this.#plans.delete(key);
      this.#dropBinding(stages);
      if (pack !== undefined) this.#dropBinding(pack);
      return;
    }
  }

  #dropBinding(stages: readonly Stage[]): void {
    const binding = this.#bindings.get(stages);
    if (binding) this.#allocator.free(binding.paramsPtr);
    this.#bindings.delete(stages);
  }

  #runStep(step: Step): void {
    const { packedWeight } = step;
    if (packedWeight === undefined) {
      this.#runStages(step.stages, step.workspaceBytes, step.pointers);
      return;
    }
    const packed = this.#pack(packedWeight);
    try {
      this.#runStages(step.stages, step.workspaceBytes, { ...step.pointers, packedWeight: packed.ptr });
    } finally {
      if (!packed.kept) this.#allocator.free(packed.ptr);
    }
  }

  /** The packed copy from the cache when it is true to the storage, else a new one. */
  #pack({ storage, weightPtr, key, bytes, stages }: PackedWeightRequest): { ptr: number; kept: boolean } {
    const found = this.#packed.find(storage, key);
    if (found !== null) return { ptr: found.ptr, kept: true };
    const ptr = this.#allocate('packed weight', bytes);
    try {
      this.#runStages(stages, NO_WORKSPACE, { weight: weightPtr, packedWeight: ptr });
    } catch (error) {
      this.#allocator.free(ptr);
      throw error;
    }
    if (storage.exposed || !this.#packed.fits(bytes)) return { ptr, kept: false };
    this.#packed.add(storage, key, ptr, bytes);
    return { ptr, kept: true };
  }

  #runStages(stages: readonly Stage[], workspaceBytes: WorkspaceBytes, pointers: Pointers): void {
    const all = { ...pointers, workspace: this.#reserveWorkspace(workspaceBytes) };
    const cached = this.#bindings.get(stages);
    const binding = cached ?? this.#bind(stages);
    if (cached === null) this.#bindings.set(stages, binding);
    try {
      writePointers(this.kernels.memory, stages, binding.bound, all);
      run(this.kernels, binding.bound);
    } finally {
      if (cached === undefined) this.#allocator.free(binding.paramsPtr); // not of a cached plan
    }
  }

  #bind(stages: readonly Stage[]): Binding {
    const paramsPtr = this.#allocate('call', paramsBytes(stages));
    return { paramsPtr, bound: writeConstants(this.kernels.memory, stages, paramsPtr) };
  }

  #reserveWorkspace(workspaceBytes: WorkspaceBytes): number {
    const bytes = workspaceBytes.shared + this.info.threads * workspaceBytes.perThread;
    this.#bytesWorkspace = Math.max(this.#bytesWorkspace, bytes);
    if (bytes > this.#workspaceCapacity) {
      this.#freeWorkspace();
      this.#workspacePtr = this.#allocate('workspace', bytes);
      this.#workspaceCapacity = bytes;
    }
    return this.#workspacePtr;
  }

  #freeWorkspace(): void {
    if (this.#workspaceCapacity === 0) return;
    this.#allocator.free(this.#workspacePtr);
    this.#workspaceCapacity = 0;
    this.#workspacePtr = 0;
  }

  #allocate(operation: string, bytes: number): number {
    for (;;) {
      const ptr = this.#allocator.allocate(bytes);
      if (ptr !== null) return ptr;
      if (!this.#packed.evictOne()) throw new OutOfMemoryError(operation, bytes, this.#allocator.maximumBytes);
    }
  }

  #checkAlive(operation: string): void {
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the engine is disposed`);
  }
}

/**
 * An engine with a memory of its own.
 * @throws {EngineError} ERR_UNSUPPORTED without WebAssembly SIMD, or when wasm may not be compiled.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const checked = checkEngineOptions('createEngine', options);
  return new Engine(checked.wasm ?? (await loadVariant(chooseVariant(checked.numerics === 'portable'))), checked);
}

/** As `createEngine`, without waiting: needs `options.wasm`, a module compiled by the caller. */
export function createEngineSync(options: EngineOptions = {}): Engine {
  const checked = checkEngineOptions('createEngineSync', options);
  if (checked.wasm === null) {
    throw new ArgumentError('createEngineSync', 'wasm', 'a compiled WebAssembly.Module', 'none');
  }
  return new Engine(checked.wasm, checked);
}

let defaultEngine: Promise<Engine> | null = null;
let readyEngine: Engine | null = null;
let defaultOptions: EngineOptions = {};

/**
 * Creates the default engine; concurrent calls share one promise. After a failure or `dispose()` it starts afresh.
 * @throws {ArgumentError} when the default engine lives with other options.
 */
export async function init(options: EngineOptions = {}): Promise<Engine> {
  if (isPromise(options)) checkEngineOptions('init', options);
  if (defaultEngine !== null && !(readyEngine?.disposed ?? false)) {
    if (!sameOptions(options, defaultOptions)) {
      throw new ArgumentError('init', 'options', 'those of the living default engine (dispose() it first)', 'others');
    }
    return defaultEngine;
  }
  readyEngine = null;
  defaultOptions = { ...options };
  const pending = createEngine(options);
  defaultEngine = pending;
  try {
    readyEngine = await pending;
    return readyEngine;
  } catch (error) {
    if (defaultEngine === pending) defaultEngine = null;
    throw error;
  }
}

function sameOptions(a: EngineOptions, b: EngineOptions): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof EngineOptions>;
  return [...keys].every((key) => a[key] === b[key]);
}

/**
 * `engine`, else the default engine.
 * @throws {EngineError} ERR_NOT_INITIALIZED when there is neither.
 */
export function engineOrDefault(operation: string, engine: Engine | undefined): Engine {
  const chosen = engine ?? readyEngine;
  if (chosen === null || (engine === undefined && chosen.disposed)) {
    throw new EngineError('ERR_NOT_INITIALIZED', `${operation}: no engine; call \`await init()\` first`);
  }
  if (!(chosen instanceof Engine)) throw new TypeError(`${operation}: engine expected an Engine`);
  return chosen;
}
