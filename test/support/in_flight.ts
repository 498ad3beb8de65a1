/** A call that is half-way: one that takes long, in slices of one item. */

import { createEngine, tensor } from '../../src/index.ts';
import type { Engine, EngineOptions, Tensor } from '../../src/index.ts';
import { randomFloat32 } from './random.ts';

/** An engine that gives the event loop a turn after every item. */
export function slicingEngine(options: EngineOptions = {}): Promise<Engine> {
  return createEngine({ threads: 1, yieldEveryMs: 0, ...options });
}

/** A layer of 17 items and 268 MFLOP. */
export const SLOW = {
  input: [1, 128, 32, 32],
  weight: [128, 64, 4, 4],
  output: [1, 64, 33, 33],
  options: { stride: 1, padding: 1 },
} as const;

export function random(engine: Engine, shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  return tensor(randomFloat32(count, seed), shape, { engine });
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', () => {
        port1.close(); // in WebKit every open port makes messages slower
        resolve();
      });
      port1.start();
      port2.postMessage(null);
    }
  });
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Says whether a promise has settled; handles its rejection. */
export function watch(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false };
  const note = (): void => {
    state.settled = true;
  };
  promise.then(note, note);
  return state;
}

/** Turns of the event loop until `promise` has settled. */
export async function countTurns(promise: Promise<unknown>): Promise<number> {
  const state = watch(promise);
  let count = 0;
  for (; !state.settled; count++) await turn();
  return count;
}

/** The code of what `work` throws, or undefined. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
}
