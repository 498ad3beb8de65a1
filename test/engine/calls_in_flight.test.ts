/** Promise calls half-way through: what the caller may do to tensors meanwhile. */

import { describe, expect, test } from 'vitest';
import {
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  empty,
  initializers,
  matmulSync,
  SGD,
  zeros,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { codeOf, random, SLOW, slicingEngine, turns, watch } from '../support/in_flight.ts';
import { own } from '../support/owned.ts';
import { engine, halfWay, out, slow, w, x, useSlowCall } from '../support/slow_call.ts';

useSlowCall();

describe('tensors of a pending call', () => {
  test('may not be written, nor what it writes be read', async () => {
    const { promise } = await halfWay();
    const small = own(zeros([1], { engine }));
    const view = own(out.narrow(1, 0, 1));
    const line = own(view.narrow(2, 0, 1));
    const one = own(line.narrow(3, 0, 1));
    const writesOf = (t: Tensor): (() => unknown)[] => [
      () => t.data,
      () => t.commit(),
      () => t.copyFrom(new Float32Array(t.size)),
      () => t.copyFrom(t),
      () => initializers.constant_(t, 1),
      () => initializers.uniform_(t),
      () => initializers.normal_(t),
      () => initializers.kaimingUniform_(t),
    ];
    const reads: (() => unknown)[] = [
      () => out.toTypedArray(),
      () => out.toArray(),
      () => out.copyTo(new Float32Array(out.size)),
      () => out.clone(),
      () => out.to('float64'),
      () => view.toTypedArray(),
      () => own(out.narrow(3, 0, 2)).contiguous(),
      () => one.item(),
      () => small.copyFrom(own(one.reshape(1))),
    ];
    const uses = [...writesOf(out), ...writesOf(x), ...writesOf(w), ...reads];
    expect(uses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    // reading what it reads is no harm
    expect(x.toTypedArray().length).toBe(x.size);
    expect(own(w.clone()).size).toBe(w.size);
    expect(await promise).toBe(out);
    expect(out.data.some(Number.isNaN)).toBe(false);
    expect(x.copyFrom(new Float32Array(x.size))).toBe(x);
  });

  test('are not free for Sync calls that would clash', async () => {
    const { promise } = await halfWay();
    const kernel = own(zeros([64, 1, 1, 1], { engine }));
    const result = own(empty([1, 1, 33, 33], { engine }));
    const columns = own(x.reshape(128, 1024));
    const product = own(empty([128, 128], { engine }));
    const uses: (() => unknown)[] = [
      () => convTranspose2dSync(out, kernel), // reads what is written
      () => convTranspose2dSync(out, kernel, null, { out: result }),
      () => convTranspose2dSync(x, w, null, { ...SLOW.options, out }), // writes what is written
      () => matmulSync(product, columns, { out: columns }), // overlaps anyway
      () => matmulSync(product, own(zeros([128, 1024], { engine })), { out: columns }), // writes what is read
      () => convTranspose2dBackwardSync(out, x, w, SLOW.options),
    ];
    const codes = uses.map(codeOf);
    expect(codes).toEqual(uses.map((_, index) => (index === 3 ? 'ERR_ARGUMENT' : 'ERR_IN_USE')));
    await promise;
    expect(codeOf(() => own(convTranspose2dSync(out, kernel)))).toBeUndefined();
  });

  test('of a module: parameters, gradients, state of the optimizer', async () => {
    const m = own(new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine, activation: 'silu' }));
    const state = m.stateDict();
    const copies = Object.fromEntries(Object.entries(state).map(([name, t]) => [name, own(t.clone())]));
    const bias = [...m.bias!.toTypedArray()];
    const forward = m.forward(x);
    const fly = watch(forward);
    await turns(4);
    const uses = [() => m.resetParameters(), () => m.loadStateDict(copies), () => m.weight.data, () => x.data];
    expect(uses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    expect(fly.settled).toBe(false);
    const y = own(await forward);
    expect([...m.bias!.toTypedArray()]).toEqual(bias); // all or nothing

    const backward = m.backward(y);
    const flyBack = watch(backward);
    await turns(4);
    const gradUses = [
      () => m.zeroGrad(),
      () => m.weight.grad!.data,
      () => m.bias!.grad!.toTypedArray(),
      () => x.copyFrom(new Float32Array(x.size)), // saved by the forward
      () => m.weight.copyFrom(copies.weight),
      () => y.data,
      () => new SGD(m.parameters(), { lr: 1 }).stepSync(),
      () => m.backwardSync(y),
    ];
    expect(gradUses.filter((use) => codeOf(use) !== 'ERR_IN_USE').map(String)).toEqual([]);
    expect(flyBack.settled).toBe(false);
    own(await backward);
    expect(codeOf(() => m.zeroGrad())).toBeUndefined();
  });
});

describe('a Sync call overtakes', () => {
  test('with the same weight and plan, and others: all results are right', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    engine.trim();
    const first = await halfWay();
    const here = own(convTranspose2dSync(x, w, null, SLOW.options)); // same plan, same weight
    expect(first.state.settled).toBe(false);
    expect(here.toTypedArray()).toEqual(expected);
    const a = own(random(engine, [300, 200], 3));
    const b = own(random(engine, [200, 100], 4));
    const product = own(matmulSync(a, b)).toTypedArray();
    const gradients = convTranspose2dBackwardSync(here, x, w, SLOW.options);
    for (const gradient of Object.values(gradients)) own(gradient);
    engine.trim(); // what is in use stays
    expect(first.state.settled).toBe(false);
    own(convTranspose2dSync(x, w, null, SLOW.options));
    await first.promise;
    expect(out.toTypedArray()).toEqual(expected);
    expect(own(matmulSync(a, b)).toTypedArray()).toEqual(product);
  });

  test('while the pending one still packs the weight', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    engine.trim();
    const promise = slow();
    for (let overtaken = 0; overtaken < 8; overtaken++) {
      if (overtaken % 3 === 2) engine.trim();
      expect(own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray()).toEqual(expected);
      await turns(1);
    }
    await promise;
    expect(out.toTypedArray()).toEqual(expected);
  });

  test('and evicts nothing that is in use', async () => {
    const small = await slicingEngine({ cacheBytes: 600_000 }); // room for one packed weight of 512 KiB
    const [x2, w2] = [random(small, SLOW.input), random(small, SLOW.weight, 2)];
    const expected = convTranspose2dSync(x2, w2, null, SLOW.options).toTypedArray();
    const pending = convTranspose2d(x2, w2, null, SLOW.options);
    const state = watch(pending);
    for (let seed = 3; seed < 8; seed++) {
      await turns(1);
      const other = random(small, SLOW.weight, seed);
      convTranspose2dSync(x2, other, null, SLOW.options).dispose();
      other.dispose();
    }
    expect(state.settled).toBe(false);
    expect((await pending).toTypedArray()).toEqual(expected);
    small.dispose();
  });
});

describe('dispose of tensors in flight', () => {
  test('takes effect when the promise settles', async () => {
    const expected = own(convTranspose2dSync(x, w, null, SLOW.options)).toTypedArray();
    const before = engine.memory.tensors;
    const [input, weight] = [random(engine, SLOW.input), random(engine, SLOW.weight, 2)];
    const pending = convTranspose2d(input, weight, null, SLOW.options);
    input.dispose();
    weight.dispose();
    expect(codeOf(() => input.data)).toBe('ERR_DISPOSED');
    await turns(3);
    expect(engine.memory.tensors).toBe(before + 3);
    const result = own(await pending);
    expect(result.toTypedArray()).toEqual(expected);
    expect(engine.memory.tensors).toBe(before + 1);
  });

  test('of `out`: the call ends, its bytes are free', async () => {
    const { promise } = await halfWay();
    const before = engine.memory.tensors;
    out.dispose();
    expect(engine.memory.tensors).toBe(before);
    await promise;
    expect(engine.memory.tensors).toBe(before - 1);
  });

  test('of a module and its input', async () => {
    const m = new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine });
    const input = random(engine, SLOW.input);
    const pending = m.forward(input);
    m.dispose();
    input.dispose();
    own(await pending);
    await expect(m.forward(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('a disposed argument is an error, not a double free', async () => {
    const m = own(new ConvTranspose2d(2, 2, 2, { engine }));
    const gone = random(engine, [1, 2, 3, 3]);
    gone.dispose();
    await expect(m.forward(gone)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(codeOf(() => m.forwardSync(gone))).toBe('ERR_DISPOSED');
    own(await m.forward(own(random(engine, [1, 2, 3, 3]))));
    await expect(m.backward(gone)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    const again = own(random(engine, [1, 2, 3, 3], 5));
    expect(own(again.clone()).toTypedArray()).toEqual(again.toTypedArray());
  });
});
