/** A second call on the same shapes asks for the memory of its results alone. */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import {
  Adam,
  Conv2d,
  conv2dSync,
  ConvTranspose2d,
  convTranspose2dSync,
  createEngine,
  foldSync,
  LeakyReLU,
  matmulSync,
  mseLossSync,
  PReLU,
  Sequential,
  SGD,
  unfoldSync,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { Allocator } from '../../src/memory/allocator.ts';
import { random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => {
  vi.restoreAllMocks();
  releaseAll(engine);
});
afterAll(() => engine.dispose());

/** How often the third run asks for memory. */
async function allocations(run: () => unknown): Promise<number> {
  await run();
  await run();
  const allocate = vi.spyOn(Allocator.prototype, 'allocate');
  await run();
  return allocate.mock.calls.length;
}

test('functions with out', async () => {
  const x = own(random(engine, [2, 4, 6, 6]));
  const w = own(random(engine, [4, 3, 3, 3], 2));
  const turned = own(x.transpose(2, 3));
  const y = own(convTranspose2dSync(x, w, null, { stride: 2 }));
  const half = own(conv2dSync(y, w, null, { stride: 2 }));
  const columns = own(unfoldSync(x, 2));
  const image = own(foldSync(columns, 6, 2));
  const product = own(matmulSync(x, x));
  expect(
    await allocations(() => {
      const activation = { activation: 'gelu', inputActivation: 'silu' } as const;
      convTranspose2dSync(turned, w, null, { stride: 2, out: y, ...activation });
      conv2dSync(y, w, null, { stride: 2, out: half });
      unfoldSync(turned, 2, { out: columns });
      foldSync(columns, 6, 2, { out: image });
      matmulSync(turned, x, { out: product });
      x.copyFrom(own(turned.transpose(2, 3)));
    }),
  ).toBe(0);
});

test('a training step: outputs, gradients of inputs, the loss', async () => {
  const m = own(
    new Sequential(
      new ConvTranspose2d(3, 4, 3, { engine, activation: 'relu' }),
      new PReLU(4, { engine }),
      new LeakyReLU(),
      new Conv2d(4, 2, 3, { engine }),
    ),
  );
  const optimizers = [own(new Adam(m.parameters())), own(new SGD(m.parameters(), { lr: 0.1, momentum: 0.9 }))];
  const x = own(random(engine, [1, 3, 5, 5]));
  const target = own(random(engine, [1, 2, 5, 5]));
  const step = async (): Promise<void> => {
    const y = await m.forward(x);
    const loss = mseLossSync(y, target);
    m.zeroGrad();
    const gradInput: Tensor = await m.backward(loss.gradOutput);
    for (const optimizer of optimizers) await optimizer.step();
    for (const item of [y, loss, gradInput]) item.dispose();
  };
  // 4 outputs, gradient and partial sums of the loss, 4 gradients of inputs and one through the fused activation;
  // the weights changed, so that each of the 2 convolutions packs for forward and for backward
  expect(await allocations(step)).toBe(4 + 2 + 5 + 4);
});
