/** Promise calls take effect in call order, awaited or not. */

import { expect, test } from 'vitest';
import {
  Adam,
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  full,
  initializers,
  Module,
  mseLoss,
  ReLU,
  Sequential,
  SGD,
  SiLU,
  zeros,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { codeOf, random, SLOW, turns } from '../support/in_flight.ts';
import { own } from '../support/owned.ts';
import { engine, out, slow, w, x, useSlowCall } from '../support/slow_call.ts';

useSlowCall();

test('a later call reads what an earlier one writes', async () => {
  const kernel = own(random(engine, [64, 3, 1, 1], 5));
  const pending = [slow(), convTranspose2d(out, kernel), mseLoss(out, out)];
  const [, second, loss] = await Promise.all(pending);
  own(second as Tensor);
  own(loss);
  const first = own(convTranspose2dSync(x, w, null, SLOW.options));
  expect((second as Tensor).toTypedArray()).toEqual(own(convTranspose2dSync(first, kernel)).toTypedArray());
  expect(loss).toMatchObject({ value: 0 });
});

test('several accumulate into one gradient, to the bit as Sync calls do', async () => {
  const inputs = [1, 2, 3].map((seed) => own(random(engine, [1, 8, 9, 9], seed)));
  const weight = own(random(engine, [8, 4, 3, 3], 9));
  const grads = [4, 5, 6].map((seed) => own(random(engine, [1, 4, 11, 11], seed)));
  const [together, alone] = [0, 1].map(() => own(zeros(weight.shape, { engine })));
  const optionsOf = (outGradWeight: Tensor) =>
    ({ outputMask: [false, true, false], outGradWeight, accumulate: true }) as const;
  await Promise.all(inputs.map((input, i) => convTranspose2dBackward(grads[i], input, weight, optionsOf(together))));
  inputs.forEach((input, i) => convTranspose2dBackwardSync(grads[i], input, weight, optionsOf(alone)));
  expect(together.toTypedArray()).toEqual(alone.toTypedArray());
});

test('steps of an optimizer, backward before its forward has settled', async () => {
  const run = async (awaited: boolean): Promise<Float32Array> => {
    const m = new ConvTranspose2d(3, 2, 3, { engine });
    for (const p of m.parameters()) initializers.constant_(p, 0.25);
    const optimizer = new Adam(m.parameters(), { lr: 0.1 });
    const input = random(engine, [1, 3, 4, 4], 4);
    const grad = random(engine, [1, 2, 6, 6], 5);
    const settled: unknown[] = [];
    const after = async (promise: Promise<unknown>): Promise<void> => {
      if (awaited) settled.push(await promise);
      else settled.push(promise);
    };
    const pass = await m.vjp(input);
    const other = await m.vjp(input);
    await after(pass.backward(grad));
    await after(optimizer.step());
    optimizer.paramGroups[0].lr = 0.01;
    await after(optimizer.step());
    for (const each of await Promise.all(settled)) (each as Tensor | undefined)?.dispose();
    other.dispose();
    const result = m.weight.toTypedArray() as Float32Array;
    for (const item of [m, optimizer, input, grad, pass, pass.output, other.output]) item.dispose();
    return result;
  };
  expect(await run(false)).toEqual(await run(true));
});

test('training steps of which nothing is awaited', async () => {
  const run = async (awaited: boolean): Promise<Float32Array[]> => {
    const m = own(
      new Sequential(
        new ConvTranspose2d(3, 2, 3, { engine, inputActivation: 'silu' }),
        new SiLU(),
        new ConvTranspose2d(2, 2, 2, { engine, activation: 'gelu' }),
      ),
    );
    for (const p of m.parameters()) initializers.constant_(p, 0.25);
    const optimizer = own(new Adam(m.parameters(), { lr: 0.1 }));
    const grad = own(random(engine, [1, 2, 7, 7], 5));
    const settled: Promise<unknown>[] = [];
    for (let step = 0; step < 3; step++) {
      const input = own(random(engine, [1, 3, 4, 4], step));
      for (const work of [() => m.forward(input), () => m.backward(grad), () => optimizer.step()]) {
        settled.push(work());
        if (awaited) await settled.at(-1);
      }
    }
    for (const each of await Promise.all(settled)) if (each !== undefined) own(each as Tensor);
    return m.parameters().map((p) => p.toTypedArray() as Float32Array);
  };
  expect(await run(false)).toEqual(await run(true));
});

test('a backward whose forward fails gives up its place', async () => {
  const m = own(new ConvTranspose2d(3, 2, 3, { engine }));
  const input = own(random(engine, [1, 3, 4, 4]));
  const grad = own(random(engine, [1, 2, 6, 6]));
  const optimizer = own(new SGD(m.parameters(), { lr: 0.1 }));
  const before = m.weight.toTypedArray();
  const calls = [m.forward(input, { signal: AbortSignal.abort('no') }), m.backward(grad), optimizer.step()];
  const last = m.forward(input);
  expect(await Promise.allSettled(calls)).toMatchObject([
    { status: 'rejected', reason: 'no' },
    { status: 'rejected', reason: { code: 'ERR_NO_FORWARD' } },
    { status: 'fulfilled' },
  ]);
  own(await last);
  expect(m.weight.toTypedArray()).toEqual(before); // a step with a gradient of 0
});

test('a queued backward writes gradients: they are neither zeroed nor read before', async () => {
  const m = own(new ConvTranspose2d(3, 2, 3, { engine }));
  const pending = [m.forward(own(random(engine, [1, 3, 4, 4]))), m.backward(own(random(engine, [1, 2, 6, 6])))];
  expect([() => m.zeroGrad(), () => m.weight.grad!.toTypedArray()].map(codeOf)).toEqual(['ERR_IN_USE', 'ERR_IN_USE']);
  (await Promise.all(pending)).forEach(own);
  m.zeroGrad();
});

test('steps do not overtake a backward through a module of the user', async () => {
  class Own extends Module {
    readonly up = new ConvTranspose2d(3, 2, 3, { engine });
    override forward(input: Tensor): Promise<Tensor> {
      return this.up.forward(input);
    }
    override async backward(gradOutput: Tensor): Promise<Tensor> {
      await turns(2);
      return this.up.backward(gradOutput);
    }
  }
  const m = own(new Sequential(new Own()));
  const optimizer = own(new SGD(m.parameters(), { lr: 0.1 }));
  const grad = own(random(engine, [1, 2, 6, 6]));
  own(await m.forward(own(random(engine, [1, 3, 4, 4]))));
  const pending = m.backward(grad);
  await expect(optimizer.step()).rejects.toMatchObject({ code: 'ERR_IN_USE' });
  expect(codeOf(() => optimizer.zeroGrad())).toBe('ERR_IN_USE');
  own(await pending);
  await optimizer.step();
  optimizer.zeroGrad();
});

test('forward, backward, forward, backward without waiting: each backward is of its forward', async () => {
  const m = own(new Sequential(new SiLU(), new ReLU()));
  const [a, b] = [own(random(engine, [5], 1)), own(random(engine, [5], 2))];
  const g = own(full([5], 1, { engine }));
  const outputs = [m.forward(a), m.backward(g), m.forward(b), m.backward(g)];
  const [, gradA, , gradB] = (await Promise.all(outputs)).map(own);
  own(m.forwardSync(a));
  expect(gradA.toTypedArray()).toEqual(own(m.backwardSync(g)).toTypedArray());
  own(m.forwardSync(b));
  expect(gradB.toTypedArray()).toEqual(own(m.backwardSync(g)).toTypedArray());
  await expect(m.backward(g)).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
});

test('two backwards of one forward: the second has none', async () => {
  const m = own(new ConvTranspose2d(2, 2, 2, { engine }));
  const input = own(random(engine, [1, 2, 3, 3]));
  const y = own(await m.forward(input));
  const [first, second] = await Promise.allSettled([m.backward(y), m.backward(y)]);
  own((first as PromiseFulfilledResult<Tensor>).value);
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NO_FORWARD' } });
  const once = m.weight.grad!.toTypedArray();
  m.zeroGrad();
  own(m.forwardSync(input));
  own(m.backwardSync(y));
  expect(m.weight.grad!.toTypedArray()).toEqual(once);
  const pass = await m.vjp(input);
  const both = await Promise.allSettled([pass.backward(y), pass.backward(y)]);
  own(pass.output);
  own((both[0] as PromiseFulfilledResult<Tensor>).value);
  expect(both[1]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NO_FORWARD' } });
});

test('a Sync forward does not take away what a pending backward reads', async () => {
  const m = own(new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine, activation: 'gelu' }));
  const y = own(await m.forward(x));
  const pending = m.backward(y);
  await turns(3);
  const other = random(engine, SLOW.input, 7);
  own(m.forwardSync(other));
  other.dispose();
  const got = own(await pending).toTypedArray();
  m.eval().train();
  own(m.forwardSync(x));
  expect(own(m.backwardSync(y)).toTypedArray()).toEqual(got);
});
