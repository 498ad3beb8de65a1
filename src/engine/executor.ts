/** Running the items of a stage: on the calling thread, at once or in slices. */

import { run } from '../kernels/bind.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Slices } from './slices.ts';
import type { ReadyStage } from './stage_runner.ts';

/** What may end a stage early. */
export interface Interruption {
  /** @throws when the stage is to end. */
  check(): void;
  /** Calls back when `check` would throw from now on; the returned function ends that. */
  watch(interrupted: () => void): () => void;
}

export interface Executor {
  /** Threads that compute, as far as it is known now. */
  readonly threads: number;
  /** Why there are fewer than were asked for, or null. */
  readonly reason: string | null;
  /** Scratch memories that stages may use, numbered by `thread`. */
  readonly lanes: number;
  /** Runs all items before it returns. */
  runSync(ready: ReadyStage): void;
  /** Gives the event loop its turns. Nobody works on the stage any more when the promise has settled. */
  run(ready: ReadyStage, interruption: Interruption): Promise<void>;
  /** Resolves when nobody writes to memory any more; null: that is so already. */
  dispose(): Promise<void> | null;
}

export class SingleThread implements Executor {
  readonly threads = 1;
  readonly lanes = 1;
  readonly reason: string | null;
  readonly #kernels: Kernels;
  readonly #slices: Slices;

  constructor(kernels: Kernels, slices: Slices, reason: string | null) {
    this.#kernels = kernels;
    this.#slices = slices;
    this.reason = reason;
  }

  runSync({ bound }: ReadyStage): void {
    run(this.#kernels, [bound]);
  }

  async run({ stage, bound }: ReadyStage, interruption: Interruption): Promise<void> {
    const entry = this.#kernels.exports[bound.entry];
    const slices = this.#slices;
    for (let begin = 0; begin < bound.items;) {
      if (slices.full) await slices.rest();
      interruption.check();
      slices.begin();
      const end = Math.min(bound.items, begin + slices.itemsThatFit(stage));
      entry(bound.paramsPtr, begin, end, 0);
      slices.count(stage, end - begin);
      begin = end;
    }
  }

  dispose(): null {
    return null; // nothing runs between two calls
  }
}
