/** Many promises at once, aborts, disposals and workers that are killed: no wrong result, no hang, nothing left. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import {
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  UpconvError,
} from '../../src/index.ts';
import { random } from '../support/in_flight.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { chosenSeed } from '../support/seed.ts';
import { livingWorkers, untilWorkers } from '../support/workers.ts';

const CALLS = 2000;
const PROMISES = 16;
/** A worker is killed about once in so many calls. */
const CALLS_PER_KILL = 100;
const OPTIONS = { stride: 2, padding: 1 };
const SHAPES: readonly { readonly input: number[]; readonly weight: number[] }[] = [
  { input: [1, 16, 12, 12], weight: [16, 8, 4, 4] },
  { input: [2, 64, 16, 16], weight: [64, 32, 4, 4] },
  { input: [1, 128, 32, 32], weight: [128, 64, 4, 4] },
];

interface Case {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly output: Tensor;
  readonly right: { readonly output: Uint8Array; readonly gradInput: Uint8Array };
}

const bitsOf = (tensor: Tensor): Uint8Array => new Uint8Array(tensor.toTypedArray().buffer);

/** Numbers in [0, 1), the same for the same seed. */
function mulberry(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let engine: Engine;
let cases: Case[];
beforeAll(async () => {
  engine = await createEngine({ threads: 3, yieldEveryMs: 1 });
  cases = SHAPES.map(({ input: inputShape, weight: weightShape }, index) => {
    const [input, weight] = [random(engine, inputShape, index), random(engine, weightShape, index + 10)].map(own);
    const output = own(convTranspose2dSync(input, weight, null, OPTIONS));
    const mask = { ...OPTIONS, outputMask: [true, false, false] } as const;
    const gradInput = own(convTranspose2dBackwardSync(output, input, weight, mask).gradInput);
    return { input, weight, output, right: { output: bitsOf(output), gradInput: bitsOf(gradInput) } };
  });
});
afterAll(async () => {
  engine.dispose();
  await untilWorkers(0);
});

const seed = chosenSeed();

test(`${CALLS} calls from ${PROMISES} promises, seed ${seed}`, async () => {
  const chance = mulberry(seed);
  const counts = { right: 0, aborted: 0, failed: 0, wrong: 0 };
  const before = engine.memory.tensors;
  let calls = 0;

  const oneCall = async ({ input, weight, output, right }: Case): Promise<void> => {
    const controller = new AbortController();
    const { signal } = controller;
    const backward = chance() < 0.5;
    // views of their own, given up before the promise has settled
    const [a, b, g] = [input, weight, output].map((tensor) => tensor.narrow(0, 0, tensor.shape[0]));
    const pending = backward
      ? convTranspose2dBackward(g, a, b, { ...OPTIONS, outputMask: [true, false, false], signal })
      : convTranspose2d(a, b, null, { ...OPTIONS, signal });
    for (const tensor of [a, b, g]) tensor.dispose();
    if (chance() < 0.2) setTimeout(() => controller.abort('enough'), chance() * 5);
    try {
      const result = await pending;
      const tensor = 'gradInput' in result ? result.gradInput : result;
      const expected = backward ? right.gradInput : right.output;
      if (Buffer.compare(bitsOf(tensor), expected) === 0) counts.right++;
      else counts.wrong++;
      tensor.dispose();
    } catch (reason) {
      if (reason === 'enough') counts.aborted++;
      else if (reason instanceof UpconvError && reason.code === 'ERR_WORKER') counts.failed++;
      else throw reason;
    }
  };

  const promise = async (): Promise<void> => {
    while (calls++ < CALLS) {
      if (chance() < 1 / CALLS_PER_KILL) void livingWorkers()[0]?.terminate();
      await oneCall(cases[Math.floor(chance() * cases.length)]);
    }
  };
  await Promise.all(Array.from({ length: PROMISES }, promise));

  expect(counts.wrong).toBe(0);
  expect(counts.right + counts.aborted + counts.failed).toBe(CALLS);
  // whether a worker that is killed has a call in hand is chance; worker_death.node.test.ts tries until it has
  expect(Math.min(counts.right, counts.aborted)).toBeGreaterThan(0);
  expect(engine.memory.tensors).toBe(before);
  disposeOwned();
  expect(engine.memory.tensors).toBe(0);
});
