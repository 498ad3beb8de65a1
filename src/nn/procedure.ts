/**
 * What a module does is written once, as a generator that yields calls; it runs in a Promise form and a Sync form.
 *
 *   function* forward(): Procedure<Tensor> {
 *     const hidden = yield* perform(beginConvTranspose(…));
 *     return yield* perform(beginActivation(…, hidden));
 *   }
 */

import type { Call } from '../engine/call.ts';

/** Work that is no call of an engine: a module that defines its own `forward` and `backward`. */
export interface Foreign {
  promise(): Promise<unknown>;
  sync(): unknown;
}

export type Procedure<T> = Generator<Call<unknown> | Foreign, T, unknown>;

/** Runs one call and gives its result. */
export function* perform<T>(call: Call<T>): Procedure<T> {
  return (yield call) as T;
}

/** Runs foreign work and gives its result. */
export function* performForeign<T>(promise: () => Promise<T>, sync: () => T): Procedure<T> {
  return (yield { promise, sync }) as T;
}

export function runSync<T>(procedure: Procedure<T>): T {
  let next = procedure.next();
  while (!next.done) {
    let value: unknown;
    try {
      value = 'promise' in next.value ? next.value.sync() : next.value.engine.execute(next.value);
    } catch (error) {
      next = procedure.throw(error);
      continue;
    }
    next = procedure.next(value);
  }
  return next.value;
}

/**
 * The engine computes on the caller's thread, so the calls of a procedure run one after another before this function
 * returns: nothing that the caller does next can come between two of them. Only foreign work is waited for.
 */
export async function runAsync<T>(procedure: Procedure<T>, signal?: AbortSignal): Promise<T> {
  let next = procedure.next();
  while (!next.done) {
    let value: unknown;
    try {
      value = 'promise' in next.value ? await next.value.promise() : execute(next.value, signal);
    } catch (error) {
      next = procedure.throw(error);
      continue;
    }
    next = procedure.next(value);
  }
  return next.value;
}

function execute(call: Call<unknown>, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) {
    call.abandon();
    call.release();
    throw signal.reason;
  }
  return call.engine.execute(call);
}
