/** One round of mixed work: what a long-lived application does. */

import * as upconv from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { OWNING_CALLS } from '../determinism/calls.ts';
import { hashOf } from '../determinism/hashes.ts';
import { disposeOwned, own } from '../support/owned.ts';

/** Every call once, and calls that are aborted, run out of memory or go on beside others. @returns a hash of all results */
export async function round(engine: Engine, number: number): Promise<string> {
  const hashes: string[] = [];
  for (const [, subject] of OWNING_CALLS) {
    hashes.push(await hashOf(await subject(engine)()));
    disposeOwned();
  }
  hashes.push(await hashOf(await trained(engine)));
  disposeOwned();
  await interrupted(engine, number);
  if (number % 10 === 9) engine.trim();
  return hashOf(hashes);
}

/** Weights after some steps of training. */
async function trained(engine: Engine): Promise<unknown> {
  const generator = upconv.createGenerator(3);
  const m = own(
    new upconv.Sequential(
      new upconv.ConvTranspose2d(8, 16, 4, { stride: 2, padding: 1, engine, generator }),
      new upconv.BatchNorm2d(16, { engine }),
      new upconv.PReLU(16, { engine }),
      new upconv.Conv2d(16, 3, 3, { padding: 1, engine, generator, activation: 'tanh' }),
    ),
  );
  const optimizer = own(new upconv.Adam(m.parameters()));
  const x = own(upconv.rand([2, 8, 16, 16], { engine, generator }));
  const target = own(upconv.rand([2, 3, 32, 32], { engine, generator }));
  for (let step = 0; step < 3; step++) {
    const loss = own(await upconv.mseLoss(own(await m.forward(x)), target));
    m.zeroGrad();
    own(await m.backward(loss.gradOutput));
    await optimizer.step();
  }
  return m.parameters().map((p) => p.toTypedArray());
}

/** Several calls in flight, one of them aborted after some turns, one without room for its result. */
async function interrupted(engine: Engine, number: number): Promise<void> {
  const x = upconv.zeros([1, 64, 32, 32], { engine });
  const w = upconv.zeros([64, 64, 4, 4], { engine });
  const controller = new AbortController();
  const { signal } = controller;
  const settled = Promise.allSettled([
    upconv.convTranspose2d(x, w, null, { stride: 2, padding: 1, signal }),
    upconv.convTranspose2d(x, w, null, { stride: 2, padding: 1 }),
    upconv.convTranspose2d(x, w, null, { stride: 2 ** 13 }), // more than any memory
  ]);
  for (let turn = 0; turn < number % 5; turn++) await new Promise(setImmediate);
  controller.abort();
  for (const result of await settled) if (result.status === 'fulfilled') result.value.dispose();
  x.dispose();
  w.dispose();
}
