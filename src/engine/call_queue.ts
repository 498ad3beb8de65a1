/**
 * Promise calls, one after another in call order, in slices between which the event loop has its turn.
 *
 * A queued call holds its storages (`beginUse`) from the moment it was made until its promise settles, so the caller
 * cannot free or change them unseen.
 */

import { EngineError } from '../core/errors.ts';
import { checkSignal } from '../core/validate.ts';
import type { Call, Foreign, Procedure, Uses } from './call.ts';
import { isForeign } from './call.ts';
import type { Executor, Interruption } from './executor.ts';
import type { StageRunner } from './stage_runner.ts';
import type { Storage } from './storage.ts';

/** A place in the order of calls: what is queued later waits until it is given up. */
export interface Place {
  /** Settles when everything before this place is done. */
  readonly before: Promise<void>;
  /** Lets those behind have their turn, once those before have had theirs. Idempotent. */
  give(): void;
}

export class CallQueue {
  readonly #runner: StageRunner;
  readonly #executor: Executor;
  /** Settles when everything that was queued so far is done. */
  #tail: Promise<void> = Promise.resolve();
  /** Rejects what waits when the engine is disposed. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  #closed: EngineError | null = null;

  constructor(runner: StageRunner, executor: Executor) {
    this.#runner = runner;
    this.#executor = executor;
  }

  /** Rejects all that is queued or running with ERR_DISPOSED. */
  close(): void {
    this.#closed = new EngineError('ERR_DISPOSED', 'call: the engine was disposed');
    for (const reject of this.#waiting) reject(this.#closed);
    this.#waiting.clear();
  }

  /** The next place, for a call that can only be made when those before it have run. */
  reserve(): Place {
    const before = this.#tail;
    let pass: () => void = () => undefined;
    this.#tail = new Promise((resolve) => {
      pass = resolve;
    });
    return { before, give: () => void before.then(pass) };
  }

  /** Queues one call. @throws the signal's reason when it is aborted. */
  async call<T>(call: Call<T>, signal: AbortSignal | undefined): Promise<T> {
    const end = hold(call);
    let started = false;
    try {
      checkSignal(call.operation, signal);
      return await this.#inTurn(this.reserve(), signal, async () => {
        started = true;
        return this.#run(call, signal);
      });
    } catch (error) {
      if (!started) drop(call);
      throw error;
    } finally {
      end();
    }
  }

  /**
   * Runs calls of a procedure in one turn of the queue, until it ends or wants something that is no call of this
   * engine: nothing that is queued later comes between two of them.
   * @param first the call that the procedure asked for last
   * @param place where in the order of calls; default: the end
   * @returns what the procedure said last
   */
  async unit<T>(
    procedure: Procedure<T>,
    first: Call<unknown>,
    signal: AbortSignal | undefined,
    place: Place | null = null,
  ): Promise<IteratorResult<Call<unknown> | Foreign, T>> {
    let started = false;
    let end = hold(first);
    try {
      checkSignal(first.operation, signal);
      return await this.#inTurn(place ?? this.reserve(), signal, async () => {
        started = true;
        for (let call = first; ;) {
          let next: IteratorResult<Call<unknown> | Foreign, T>;
          try {
            let value: unknown;
            try {
              value = await this.#run(call, signal);
            } finally {
              end(); // what the procedure does next may use the result
            }
            next = procedure.next(value);
          } catch (error) {
            next = procedure.throw(error);
          }
          if (next.done || isForeign(next.value) || next.value.engine !== first.engine) return next;
          call = next.value;
          end = hold(call);
        }
      });
    } catch (error) {
      if (started) throw error;
      drop(first);
      return procedure.throw(error);
    } finally {
      end();
    }
  }

  /** Waits for the turn of a place, then works; gives the place up when done. */
  async #inTurn<T>(place: Place, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      await this.#turn(place.before, signal);
      return await work();
    } finally {
      place.give();
    }
  }

  /** Resolves with `before`, or rejects when the call is aborted or the engine disposed meanwhile. */
  async #turn(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw signal.reason;
    if (this.#closed !== null) throw this.#closed;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => settle(() => reject(signal?.reason));
      const close = (reason: unknown): void => settle(() => reject(reason));
      const settle = (how: () => void): void => {
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(close);
        how();
      };
      signal?.addEventListener('abort', abort);
      this.#waiting.add(close);
      void before.then(() => settle(resolve));
    });
  }

  /** Runs the steps of one call in slices. */
  async #run<T>(call: Call<T>, signal: AbortSignal | undefined): Promise<T> {
    let wrote = false;
    const interruption = this.#interruption(signal);
    try {
      for (const step of call.steps) {
        for (const turn of this.#runner.turns(step, 'queue')) {
          for (const ready of turn) {
            wrote = true;
            await this.#executor.run(ready, interruption);
          }
        }
      }
      for (const storage of call.writes) storage.written();
      return call.finish();
    } catch (error) {
      if (wrote) for (const storage of call.writes) storage.written(); // part of it is there
      call.abandon();
      throw error;
    } finally {
      call.release();
    }
  }

  /** What ends a call early: its signal, and the end of the engine. */
  #interruption(signal: AbortSignal | undefined): Interruption {
    return {
      check: () => {
        if (this.#closed !== null) throw this.#closed;
        if (signal?.aborted) throw signal.reason;
      },
      watch: (interrupted) => {
        this.#waiting.add(interrupted);
        signal?.addEventListener('abort', interrupted);
        return () => {
          this.#waiting.delete(interrupted);
          signal?.removeEventListener('abort', interrupted);
        };
      },
    };
  }
}

/** Marks the storages as used; the returned function ends that, once. */
export function hold({ reads, writes }: Uses): () => void {
  const held: [Storage, boolean][] = [
    ...reads.map((storage): [Storage, boolean] => [storage, false]),
    ...writes.map((storage): [Storage, boolean] => [storage, true]),
  ];
  for (const [storage, writing] of held) storage.beginUse(writing);
  return () => {
    for (const [storage, writing] of held.splice(0)) storage.endUse(writing);
  };
}

/** Gives up a call that never ran. */
function drop(call: Call<unknown>): void {
  call.abandon();
  call.release();
}
