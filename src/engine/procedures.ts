/** Running procedures: in their turns of the queue, or at once. */

import { checkSignal } from '../core/validate.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import type { Call, Foreign, Procedure, Uses } from './call.ts';
import { isForeign } from './call.ts';
import type { Place } from './call_queue.ts';
import { hold } from './call_queue.ts';
import type { Storage } from './storage.ts';

/**
 * Runs a procedure for a Promise function. Its arguments are checked before this returns.
 *
 * @param uses storages of the whole procedure, which the caller may not change before the promise has settled, except
 *   while foreign work runs, which may use them itself
 * @param place in the order of calls, taken earlier: the calls up to the first foreign work run there. The caller gives
 *   it up when the promise has settled.
 */
export async function runProcedure<T>(
  procedure: Procedure<T>,
  uses: Uses,
  signal?: AbortSignal,
  place: Place | null = null,
): Promise<T> {
  const retained: readonly Storage[] = [...uses.reads, ...uses.writes].map((storage) => storage.retain());
  if (IN_WORKERD) {
    try {
      return await runCallsAtOnce(procedure, signal);
    } finally {
      for (const storage of retained) storage.release();
    }
  }
  let end: (() => void) | null = hold(uses);
  try {
    let next: IteratorResult<Call<unknown> | Foreign, T> = procedure.next();
    let free = place; // until the first unit has taken it
    while (!next.done) {
      const work = next.value;
      if (!isForeign(work)) {
        next = await work.engine.submitUnit(procedure, work, signal, free);
        free = null;
        continue;
      }
      place?.give(); // its own calls stand behind the place
      free = null;
      end();
      end = null;
      let value: unknown;
      try {
        if (signal?.aborted) throw signal.reason;
        value = await work.promise();
        end = hold(uses);
      } catch (error) {
        end = hold(uses);
        next = procedure.throw(error);
        continue;
      }
      next = procedure.next(value);
    }
    return next.value;
  } finally {
    end?.();
    for (const storage of retained) storage.release();
  }
}

/** Waits for foreign work alone: between two calls nobody else has a turn, so nothing has to be held. */
async function runCallsAtOnce<T>(procedure: Procedure<T>, signal: AbortSignal | undefined): Promise<T> {
  let next = procedure.next();
  while (!next.done) {
    let value: unknown;
    try {
      if (signal?.aborted) throw signal.reason;
      value = isForeign(next.value) ? await next.value.promise() : next.value.engine.execute(next.value, signal);
    } catch (error) {
      next = procedure.throw(error);
      continue;
    }
    next = procedure.next(value);
  }
  return next.value;
}

/**
 * Runs a procedure for a Sync function.
 * @param signal looked at before it begins, and before each of its calls
 * @throws the signal's reason when it was aborted
 */
export function runProcedureSync<T>(operation: string, procedure: Procedure<T>, signal?: AbortSignal): T {
  checkSignal(operation, signal);
  let next = procedure.next();
  while (!next.done) {
    let value: unknown;
    try {
      value = isForeign(next.value) ? next.value.sync() : next.value.engine.execute(next.value, signal);
    } catch (error) {
      next = procedure.throw(error);
      continue;
    }
    next = procedure.next(value);
  }
  return next.value;
}
