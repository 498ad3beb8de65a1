/**
 * Runs stages: keeps plans and their bound parameter blocks, packed weights and the scratch memory.
 * A pending call may be half-way through a stage while a Sync call runs: each has its own workspace, and parameter
 * blocks that are in use get a stand-in.
 */

import type { BoundStage, BoundStages, Pointers } from '../kernels/bind.ts';
import { paramsBytes, run, writeConstants, writePointers } from '../kernels/bind.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { CacheablePlan, PackedWeightRequest, Step } from './call.ts';
import { NO_WORKSPACE } from './call.ts';
import { PackedCache } from './packed_cache.ts';
import type { PackedCopy } from './storage.ts';

/** Memory of the runner's owner. */
export interface RunnerMemory {
  /** @throws {OutOfMemoryError} */
  allocate(operation: string, bytes: number): number;
  free(ptr: number): void;
}

/** Who runs: the caller at once, or the queue in slices. */
export type Lane = 'sync' | 'queue';

interface Binding {
  readonly paramsPtr: number;
  readonly bound: BoundStages;
  busy: boolean;
}

interface Workspace {
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

/** Plans kept, with their bindings; the least recently used one goes. */
const PLAN_CACHE_ENTRIES = 256;

export class StageRunner {
  readonly kernels: Kernels;
  readonly packed: PackedCache;
  readonly #memory: RunnerMemory;
  readonly #threads: number;
  readonly #plans = new Map<string, CacheablePlan>(); // in order of last use
  /** Of the stages of cached plans; null until first used. */
  readonly #bindings = new Map<readonly Stage[], Binding | null>();
  readonly #workspaces: Record<Lane, Workspace> = {
    sync: { ptr: 0, capacity: 0, inUse: 0 },
    queue: { ptr: 0, capacity: 0, inUse: 0 },
  };
  #bytesWorkspace = 0;

  constructor(kernels: Kernels, memory: RunnerMemory, threads: number, cacheBytes: number) {
    this.kernels = kernels;
    this.#memory = memory;
    this.#threads = threads;
    this.packed = new PackedCache(cacheBytes, (ptr) => memory.free(ptr));
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
    for (const stages of stageArrays(plan)) this.#bindings.set(stages, null);
    if (this.#plans.size > PLAN_CACHE_ENTRIES) this.#dropPlans(1);
    return plan;
  }

  /** Drops cached plans, packed weights and workspaces that nothing uses now. */
  trim(): void {
    this.packed.clear();
    this.#dropPlans(this.#plans.size);
    for (const workspace of Object.values(this.#workspaces)) this.#freeWorkspace(workspace);
  }

  /** Runs a step at once. */
  runSync(step: Step): void {
    for (const turn of this.turns(step, 'sync')) for (const { bound } of turn) run(this.kernels, [bound]);
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
      kept = this.packed.add(packedWeight.storage, packedWeight.key, copy);
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
    { storage, weightPtr, bytes, stages }: PackedWeightRequest,
    lane: Lane,
  ): Generator<readonly ReadyStage[], PackedCopy, void> {
    const ptr = this.#memory.allocate('packed weight', bytes);
    let done = false;
    try {
      yield* this.#stages(stages, NO_WORKSPACE, { weight: weightPtr, packedWeight: ptr }, lane);
      done = true;
    } finally {
      if (!done) this.#memory.free(ptr);
    }
    return { ptr, bytes, version: storage.version, users: 0 };
  }

  *#stages(
    stages: readonly Stage[],
    workspaceBytes: WorkspaceBytes,
    pointers: Pointers,
    lane: Lane,
  ): Generator<readonly ReadyStage[], void, void> {
    const workspace = this.#reserve(workspaceBytes, lane);
    const cached = this.#bindings.get(stages);
    const own = cached === undefined || cached?.busy === true;
    const binding = own || cached === null ? this.#bind(stages) : cached;
    if (cached === null) this.#bindings.set(stages, binding);
    binding.busy = true;
    try {
      writePointers(this.kernels.memory, binding.bound, { ...pointers, workspace: workspace.ptr });
      yield stages.map((stage, index) => ({ stage, bound: binding.bound.stages[index] }));
    } finally {
      binding.busy = false;
      workspace.inUse = 0;
      if (own || this.#bindings.get(stages) !== binding) this.#memory.free(binding.paramsPtr);
    }
  }

  #bind(stages: readonly Stage[]): Binding {
    const paramsPtr = this.#memory.allocate('parameters', paramsBytes(stages));
    return { paramsPtr, bound: writeConstants(this.kernels.memory, stages, paramsPtr), busy: false };
  }

  #reserve(workspaceBytes: WorkspaceBytes, lane: Lane): Workspace {
    const bytes = workspaceBytes.shared + this.#threads * workspaceBytes.perThread;
    const workspace = this.#workspaces[lane];
    if (bytes > workspace.capacity) {
      this.#freeWorkspace(workspace);
      workspace.ptr = this.#memory.allocate('workspace', bytes);
      workspace.capacity = bytes;
    }
    workspace.inUse = bytes;
    const { sync, queue } = this.#workspaces;
    this.#bytesWorkspace = Math.max(this.#bytesWorkspace, sync.inUse + queue.inUse);
    return workspace;
  }

  #freeWorkspace(workspace: Workspace): void {
    if (workspace.capacity === 0 || workspace.inUse > 0) return;
    this.#memory.free(workspace.ptr);
    workspace.capacity = 0;
    workspace.ptr = 0;
  }

  /** Drops the `count` least recently used plans; bindings in use are freed by their user. */
  #dropPlans(count: number): void {
    for (const [key, plan] of this.#plans) {
      if (count-- <= 0) return;
      this.#plans.delete(key);
      for (const stages of stageArrays(plan)) {
        const binding = this.#bindings.get(stages);
        this.#bindings.delete(stages);
        if (binding && !binding.busy) this.#memory.free(binding.paramsPtr);
      }
    }
  }
}

function stageArrays({ stages, pack }: CacheablePlan): (readonly Stage[])[] {
  return pack === undefined ? [stages] : [stages, pack];
}
