/**
 * One call of an operation, ready to run: arguments are checked, outputs allocated.
 * Operations build a Call once; the Promise and the Sync form differ only in who runs it.
 */

import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { Pointers } from '../kernels/bind.ts';
import type { Engine } from './engine.ts';
import type { Storage } from './storage.ts';

/** What `Engine.plan` caches. Stage arrays are bound once and then only get new addresses. */
export interface CacheablePlan {
  readonly stages: readonly Stage[];
  readonly pack?: readonly Stage[];
}

/** Stages with the addresses of their operands. */
export interface Step {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
  readonly pointers: Pointers;
  /** The operand `packedWeight`: found in the cache or packed when the step runs, not before. */
  readonly packedWeight?: PackedWeightRequest;
}

/** A weight in the layout that micro-kernels read. */
export interface PackedWeightRequest {
  /** Of the raw weight. */
  readonly storage: Storage;
  /** Equal for packed copies of `storage` that are interchangeable. */
  readonly key: string;
  readonly bytes: number;
  /** Fills the operand `packedWeight`. */
  readonly fill: Step;
}

/** For stages that need no scratch memory. */
export const NO_WORKSPACE: WorkspaceBytes = { shared: 0, perThread: 0 };

/** Storages that a call uses until it has settled. */
export interface Uses {
  readonly reads: readonly Storage[];
  /** Their version rises when the call has run. */
  readonly writes: readonly Storage[];
}

export interface Call<T> extends Uses {
  readonly engine: Engine;
  readonly operation: string;
  readonly steps: readonly Step[];
  /** Makes the result from what the steps left in memory. */
  finish(): T;
  /** Frees what the call allocated for its result, after a failure or an abort. */
  abandon(): void;
  /** Frees temporaries, whatever happened. */
  release(): void;
}

/** Work without stages, in its turn. */
export function immediate<T>(operation: string, engine: Engine, finish: () => T): Call<T> {
  const nothing = (): void => undefined;
  return { engine, operation, reads: [], writes: [], steps: [], finish, abandon: nothing, release: nothing };
}

/** Work that is not a call of an engine, awaited between two calls: a module that defines its own `forward`. */
export interface Foreign {
  promise(): Promise<unknown>;
  sync(): unknown;
}

/**
 * Several calls that belong together, each made when the one before has run:
 *
 *   function* forward(): Procedure<Tensor> {
 *     const hidden = yield* perform(beginConvTranspose(…));
 *     return yield* perform(beginActivation(…, hidden));
 *   }
 */
export type Procedure<T> = Generator<Call<unknown> | Foreign, T, unknown>;

export function isForeign(work: Call<unknown> | Foreign): work is Foreign {
  return 'promise' in work;
}

/** Runs one call and gives its result. */
export function* perform<T>(call: Call<T>): Procedure<T> {
  return (yield call) as T;
}

/** Runs foreign work and gives its result. */
export function* performForeign<T>(promise: () => Promise<T>, sync: () => T): Procedure<T> {
  return (yield { promise, sync }) as T;
}
