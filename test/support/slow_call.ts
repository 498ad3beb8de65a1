/** An engine and the tensors of a slow call, set up before each test of a file that calls `useSlowCall`, checked after it. */

import { afterEach, beforeEach, expect } from 'vitest';
import { convTranspose2d, full } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { random, SLOW, slicingEngine, turns, watch } from './in_flight.ts';
import { releaseAll } from './leaks.ts';
import { own } from './owned.ts';
import { watchUnhandled } from './unhandled.ts';

const unhandled: unknown[] = [];
let stopWatching: () => void;

export let engine: Engine;
export let x: Tensor;
export let w: Tensor;
export let out: Tensor;

export function useSlowCall(): void {
  beforeEach(async () => {
    stopWatching = watchUnhandled((reason) => unhandled.push(reason));
    engine = await slicingEngine();
    x = own(random(engine, SLOW.input));
    w = own(random(engine, SLOW.weight, 2));
    out = own(full(SLOW.output, Number.NaN, { engine }));
  });
  afterEach(async () => {
    await turns(2);
    stopWatching();
    expect(unhandled.splice(0)).toEqual([]);
    if (!engine.disposed) releaseAll(engine);
    engine.dispose();
  });
}

/** The slow call, into `out`. */
export const slow = (signal?: AbortSignal): Promise<Tensor> =>
  convTranspose2d(x, w, null, { ...SLOW.options, out, signal });

/** Elements of `out` that are written, read behind the engine's back. */
export function written(): number {
  return new Float32Array(engine.buffer, out.ptr, out.size).filter((value) => !Number.isNaN(value)).length;
}

/** A slow call that is half-way. */
export async function halfWay(
  signal?: AbortSignal,
): Promise<{ promise: Promise<Tensor>; state: { settled: boolean } }> {
  const promise = slow(signal);
  const state = watch(promise);
  for (let i = 0; i < 1000 && written() === 0; i++) await turns(1);
  expect(written()).toBeGreaterThan(0);
  expect(written()).toBeLessThan(out.size);
  expect(state.settled).toBe(false);
  return { promise, state };
}
