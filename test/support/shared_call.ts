/** An engine of three threads and a call that they share, set up before each test of a file that calls `useSharedCall`. */

import { afterEach, beforeEach, expect } from 'vitest';
import { convTranspose2d, convTranspose2dSync, createEngine } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { sameBytes } from './bytes.ts';
import { random } from './in_flight.ts';
import { releaseAll } from './leaks.ts';
import { own } from './owned.ts';
import { untilWorkers } from './workers.ts';

const OPTIONS = { stride: 2, padding: 1 };
const INPUT = [1, 64, 48, 48];
const WEIGHT = [64, 64, 4, 4];

export let engine: Engine;
let x: Tensor;
let w: Tensor;
let expected: Uint8Array;

const bitsOf = (t: Tensor): Uint8Array => new Uint8Array(t.toTypedArray().buffer);
const operandsOf = (owner: Engine): [Tensor, Tensor] => [random(owner, INPUT, 1), random(owner, WEIGHT, 2)];

export function useSharedCall(): void {
  beforeEach(async () => {
    engine = await createEngine({ threads: 3 });
    [x, w] = operandsOf(engine);
    own(x);
    own(w);
    const one = await createEngine({ threads: 1 });
    expected = bitsOf(convTranspose2dSync(...operandsOf(one), null, OPTIONS));
    one.dispose();
  });
  afterEach(async () => {
    if (!engine.disposed) releaseAll(engine);
    engine.dispose();
    await untilWorkers(0);
  });
}

export const expectRight = (t: Tensor): void => expect(sameBytes(bitsOf(t), expected)).toBe(true);
export const compute = (signal?: AbortSignal): Promise<Tensor> => convTranspose2d(x, w, null, { ...OPTIONS, signal });
export const computeSync = (): Tensor => convTranspose2dSync(x, w, null, OPTIONS);

/** The same call on an engine of the test's own, again and again. */
export function callOn(other: Engine): () => Promise<Tensor> {
  const [input, weight] = operandsOf(other);
  return () => convTranspose2d(input, weight, null, OPTIONS);
}

/** The same call on an engine of the test's own, at once. */
export const computeSyncOn = (other: Engine): Tensor => convTranspose2dSync(...operandsOf(other), null, OPTIONS);
