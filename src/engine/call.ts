/**
 * One call of an operation, ready to run: arguments are checked, outputs allocated.
 * Operations build a Call once; the Promise and the Sync form differ only in who runs it.
 */

import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import type { Pointers } from '../kernels/bind.ts';
import type { Engine } from './engine.ts';
import type { Storage } from './storage.ts';

/** What is the same for every call of one geometry; the engine caches it by `key`. */
export interface Program {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

/** One program with the addresses of its operands. */
export interface Step {
  /** Identifies the program in the plan cache; absent: built and bound for this call alone. */
  readonly key?: string;
  readonly program: Program;
  readonly pointers: Pointers;
}

export interface Call<T> {
  readonly engine: Engine;
  readonly steps: readonly Step[];
  /** Storages that the steps write; their version rises when the call has run. */
  readonly writes: readonly Storage[];
  /** Makes the result from what the steps left in memory. */
  finish(): T;
  /** Frees what the call allocated for its result, after a failure or an abort. */
  abandon(): void;
  /** Frees temporaries, whatever happened. */
  release(): void;
}
