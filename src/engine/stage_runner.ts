/**
 * Makes steps ready to run: keeps plans and their bound parameter blocks, packed weights and the scratch memory.
 * A pending call may be half-way through a stage while a Sync call runs: each has its own workspace, and parameter
 * blocks that are in use get a stand-in.
 */

import type { BoundStage, BoundStages, Pointers } from '../kernels/bind.ts';
import { paramsBytes, writeConstants, writePointers } from '../kernels/bind.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { CacheEntry } from './byte_cache.ts';
import { ByteCache } from './byte_cache.ts';
import type { CacheablePlan, PackedWeightRequest, Step } from './call.ts';
import { PackedCache } from './packed_cache.ts';
import type { PackedCopy } from './storage.ts';

/** Memory of the runner's owner. */
export interface RunnerMemory {
  /** @throws {OutOfMemoryError} */
  allocate(operation: string, bytes: number): number;
  free(ptr: number): void;
  /** See `Heap`. */
  poison(ptr: number, bytes: number): void;
  trespass(): string | null;
}

/** Who runs: the caller at once, or the queue in slices. Each runs one step at a time. */
export type Lane = 'sync' | 'queue';

/** Parameter blocks of stages, in memory. */
interface Binding extends CacheEntry {
  readonly bound: BoundStages;
}

/** Memory that grows to what was needed most. */
interface Scratch {
  ptr: number;
  capacity: number;
  /** Bytes of what runs now. */
  inUse: number;
}

/** A stage with its addresses in place: call the entry for ranges of items. */
export interface ReadyStage {
  readonly stage: Stage;
  readonly bound: BoundStage;
}

/** Plans kept; the least recently used one goes. */
const PLAN_CACHE_ENTRIES = 256;

/** Workspace whose shared part is larger holds copies of operands: it is not kept for the next step. */
const KEPT_SHARED_BYTES = 4 * 2 ** 20;

const emptyScratch = (): Scratch => ({ ptr: 0, capacity: 0, inUse: 0 });

export class StageRunner {
  readonly kernels: Kernels;
  readonly packed: PackedCache;
  readonly #memory: RunnerMemory;
  /** Scratch memories per workspace: one for each thread that may run a stage. */
  readonly #lanes: number;
  readonly #cache: ByteCache;
  readonly #plans = new Map<string, CacheablePlan>(); // in order of last use
  /** Of the stages of cached plans; null until first used. */
  readonly #bindings = new Map<readonly Stage[], Binding | null>();
  readonly #workspaces: Record<Lane, Scratch> = { sync: emptyScratch(), queue: emptyScratch() };
  /** Parameter blocks of stages that are not cached. */
  readonly #parameters: Record<Lane, Scratch> = { sync: emptyScratch(), queue: emptyScratch() };
  #bytesWorkspace = 0;

  constructor(kernels: Kernels, memory: RunnerMemory, lanes: number, cacheBytes: number) {
    this.kernels = kernels;
    this.#memory = memory;
    this.#lanes = lanes;
    this.#cache = new ByteCache(cacheBytes);
    this.packed = new PackedCache(this.#cache, (ptr) => memory.free(ptr));
  }

  /** Largest workspace in use at once since `resetPeak`. */
  get bytesWorkspace(): number {
    return this.#bytesWorkspace;
  }

  resetPeak(): void {
    this.#bytesWorkspace = 0;
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
    for (const stages of stageArrays(plan)) if (!this.#bindings.has(stages)) this.#bindings.set(stages, null);
    if (this.#plans.size > PLAN_CACHE_ENTRIES) this.#dropPlans(1);
    return plan;
  }

  /** Drops cached plans, packed weights and scratch memory that nothing uses now. */
  trim(): void {
    this.#cache.clear();
    this.#dropPlans(this.#plans.size);
    while (this.#freeScratch());
  }

  /** Lets go of all that others may still refer to: storages know their packed copies. */
  dispose(): void {
    this.#cache.dispose();
  }

  /** Frees something that nothing uses now: the least recently used cache entry, or scratch; false if there is none. */
  giveBack(): boolean {
    return this.#cache.evictOne() || this.#freeScratch();
  }

  /**
   * Makes a step ready, turn by turn: first what packs its weight, when that is not in the cache, then its stages.
   * The stages of a turn must have run when the next turn is asked for; ending the iteration frees what it holds.
   */
  *turns(step: Step, lane: Lane): Generator<readonly ReadyStage[], void, void> {
    const { packedWeight, pointers } = step;
    if (packedWeight === undefined) {
      yield* this.#stages(step.stages, step.workspaceBytes, pointers, lane);
      return;
    }
    let copy = this.packed.find(packedWeight.storage, packedWeight.key);
    let kept = true;
    if (copy === null) {
      copy = yield* this.#pack(packedWeight, lane);
      kept = this.packed.keep(packedWeight.storage, copy);
    }
    copy.users++;
    try {
      yield* this.#stages(step.stages, step.workspaceBytes, { ...pointers, packedWeight: copy.ptr }, lane);
    } finally {
      copy.users--;
      if (!kept) this.#memory.free(copy.ptr);
    }
  }

  *#pack(
    { storage, key, bytes, fill }: PackedWeightRequest,
    lane: Lane,
  ): Generator<readonly ReadyStage[], PackedCopy, void> {
    const ptr = this.#memory.allocate('packed weight', bytes);
    let done = false;
    try {
      yield* this.#stages(fill.stages, fill.workspaceBytes, { ...fill.pointers, packedWeight: ptr }, lane);
      done = true;
    } finally {
      if (!done) this.#memory.free(ptr);
    }
    return this.packed.copyOf(storage, key, ptr, bytes);
  }

  *#stages(
    stages: readonly Stage[],
    workspaceBytes: WorkspaceBytes,
    pointers: Pointers,
    lane: Lane,
  ): Generator<readonly ReadyStage[], void, void> {
    const workspace = this.#workspaces[lane];
    try {
      this.#reserve(workspace, 'workspace', workspaceBytes.shared + this.#lanes * workspaceBytes.perThread);
      const { sync, queue } = this.#workspaces;
      this.#bytesWorkspace = Math.max(this.#bytesWorkspace, sync.inUse + queue.inUse);
      this.#memory.poison(workspace.ptr, workspace.inUse);
      const binding = this.#bind(stages, lane);
      binding.users++;
      try {
        writePointers(this.kernels.memory, binding.bound, { ...pointers, workspace: workspace.ptr });
        yield stages.map((stage, index) => ({ stage, bound: binding.bound.stages[index] }));
        const where = this.#memory.trespass();
        if (where !== null) throw new Error(`${stages.map(({ entry }) => entry).join(', ')}: wrote ${where}`);
      } finally {
        binding.users--;
        this.#parameters[lane].inUse = 0;
      }
    } finally {
      workspace.inUse = 0;
      if (workspaceBytes.shared > KEPT_SHARED_BYTES) this.#free(workspace);
    }
  }

  /** The cached parameter blocks, new ones that are cached, or blocks in scratch memory when neither can be. */
  #bind(stages: readonly Stage[], lane: Lane): Binding {
    const cached = this.#bindings.get(stages);
    if (cached?.users === 0) {
      this.#cache.touch(cached);
      return cached;
    }
    const bytes = paramsBytes(stages);
    if (cached === null) {
      const paramsPtr = this.#memory.allocate('parameters', bytes);
      const free = (): void => {
        if (this.#bindings.has(stages)) this.#bindings.set(stages, null);
        this.#memory.free(paramsPtr);
      };
      const binding = { bytes, users: 0, free, bound: writeConstants(this.kernels.memory, stages, paramsPtr) };
      if (this.#cache.add(binding)) {
        this.#bindings.set(stages, binding);
        return binding;
      }
      this.#memory.free(paramsPtr);
    }
    const scratch = this.#parameters[lane];
    this.#reserve(scratch, 'parameters', bytes);
    const bound = writeConstants(this.kernels.memory, stages, scratch.ptr);
    return { bytes, users: 0, free: () => undefined, bound };
  }

  #reserve(scratch: Scratch, name: string, bytes: number): void {
    if (bytes > scratch.capacity) {
      this.#free(scratch);
      scratch.ptr = this.#memory.allocate(name, bytes);
      scratch.capacity = bytes;
    }
    scratch.inUse = bytes;
  }

  #free(scratch: Scratch): boolean {
    if (scratch.capacity === 0 || scratch.inUse > 0) return false;
    this.#memory.free(scratch.ptr);
    Object.assign(scratch, emptyScratch());
    return true;
  }

  /** Frees one scratch memory that nothing uses. */
  #freeScratch(): boolean {
    const all = [...Object.values(this.#workspaces), ...Object.values(this.#parameters)];
    return all.some((scratch) => this.#free(scratch));
  }

  /** Drops the `count` least recently used plans; their blocks that are in use stay in the cache until it evicts them. */
  #dropPlans(count: number): void {
    for (const [key, plan] of this.#plans) {
      if (count-- <= 0) return;
      this.#plans.delete(key);
      for (const stages of stageArrays(plan)) {
        const binding = this.#bindings.get(stages);
        this.#bindings.delete(stages);
        if (binding) this.#cache.drop(binding);
      }
    }
  }
}

function stageArrays({ stages, pack }: CacheablePlan): (readonly Stage[])[] {
  return pack === undefined ? [stages] : [stages, pack];
}
