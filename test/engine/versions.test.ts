/** What a write in JavaScript or through the API means for packed weights and for saved tensors. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Adam,
  Conv2d,
  ConvTranspose1d,
  convTranspose1dBackwardSync,
  convTranspose1dSync,
  createEngine,
  full,
  initializers,
  matmulSync,
  PReLU,
  Sequential,
  SGD,
  Sigmoid,
  SiLU,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, Module, Tensor } from '../../src/index.ts';
import { codeOf, random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

/** weight · 1, as (1, 1, k). */
function forward(w: Tensor): number[] {
  return [...own(convTranspose1dSync(own(full([1, w.shape[0], 1], 1, { engine })), w)).toTypedArray()];
}

describe('a view of a weight in JavaScript', () => {
  test('forward sees what is written through it, at any time', () => {
    const w = own(tensor([1, 2, 3, 4, 5, 6], [2, 1, 3], { engine }));
    expect(forward(w)).toEqual([5, 7, 9]); // packs it
    const { data } = w;
    data[1] = 3;
    expect(forward(w)).toEqual([5, 8, 9]);
    data[1] = 2;
    expect(forward(w)).toEqual([5, 7, 9]);
    data[0] = 9;
    expect(forward(w)).toEqual([13, 7, 9]);
    data[5] = 0;
    expect(forward(w)).toEqual([13, 7, 3]);
    own(w.narrow(2, 0, 1)); // views share the exposure
    data[1] = 10;
    expect(forward(w)).toEqual([13, 15, 3]);
  });

  test('after commit packed copies are kept again, and what was written before counts', () => {
    const w = own(tensor([1, 2, 3, 4, 5, 6], [2, 1, 3], { engine }));
    expect(forward(w)).toEqual([5, 7, 9]);
    expect(engine.memory.bytesPacked).toBeGreaterThan(0);
    w.data[0] = 9;
    w.commit();
    expect(engine.memory.bytesPacked).toBe(0);
    expect(forward(w)).toEqual([13, 7, 9]);
    expect(engine.memory.bytesPacked).toBeGreaterThan(0);
  });

  test('the view of a view exposes all of the storage', () => {
    const w = own(tensor([1, 2, 3, 4, 5, 6], [2, 1, 3], { engine }));
    const { data } = own(w.narrow(0, 1, 1));
    expect(forward(w)).toEqual([5, 7, 9]);
    data[2] = -6;
    expect(forward(w)).toEqual([5, 7, -3]);
  });
});

describe('writes through the API renew packed copies', () => {
  const writes: [string, (w: Tensor) => void][] = [
    ['copyFrom', (w) => w.copyFrom(new Float32Array(w.size).fill(2))],
    ['copyFrom of a view', (w) => own(w.narrow(0, 0, 1)).copyFrom([2, 2, 2])],
    [
      'out',
      (w) => matmulSync(own(zeros([2, 1], { engine })), own(zeros([1, 3], { engine })), { out: own(w.reshape(2, 3)) }),
    ],
    ['an initialiser', (w) => initializers.constant_(w, 3)],
    [
      'accumulation',
      (w) => {
        const x = own(full([1, 2, 2], 1, { engine }));
        const g = own(full([1, 1, 4], 1, { engine }));
        convTranspose1dBackwardSync(g, x, own(zeros(w.shape, { engine })), {
          outputMask: [false, true, false],
          outGradWeight: w,
          accumulate: true,
        });
      },
    ],
    [
      'an optimizer',
      (w) => {
        w.grad = own(full(w.shape, 1, { engine }));
        own(new SGD([w], { lr: 1 })).stepSync();
      },
    ],
  ];
  test.each(writes)('%s', (_name, write) => {
    const w = own(tensor([1, 2, 3, 4, 5, 6], [2, 1, 3], { engine }));
    expect(forward(w)).toEqual([5, 7, 9]);
    write(w);
    const values = [...w.toTypedArray()];
    expect(forward(w)).toEqual([0, 1, 2].map((k) => values[k] + values[3 + k]));
    expect(forward(w)).not.toEqual([5, 7, 9]);
  });

  test('loadStateDict, resetParameters, Adam', () => {
    const m = own(new ConvTranspose1d(2, 1, 3, { bias: false, engine })).eval();
    const x = own(full([1, 2, 1], 1, { engine }));
    const check = (): void => {
      const v = m.weight.toTypedArray();
      const sums = [0, 1, 2].map((k) => Math.fround(v[k] + v[3 + k]));
      expect([...own(m.forwardSync(x)).toTypedArray()]).toEqual(sums);
    };
    check();
    m.loadStateDict({ weight: { data: [1, 2, 3, 4, 5, 6], shape: [2, 1, 3] } });
    check();
    m.resetParameters();
    check();
    m.weight.grad = full(m.weight.shape, 1, { engine });
    own(new Adam(m.parameters())).stepSync();
    check();
  });
});

test('every write of the API raises the version, reading does not', () => {
  const m = own(new ConvTranspose1d(1, 1, 2, { engine }));
  const x = own(full([1, 1, 1], 1, { engine }));
  own(m.forwardSync(x));
  own(m.backwardSync(own(full([1, 1, 2], 1, { engine })))); // makes the gradients
  const { weight } = m;
  const grad = weight.grad!;
  const { uniform_, normal_, constant_, kaimingUniform_ } = initializers;
  const writes: [string, Tensor, () => unknown][] = [
    ['copyFrom', weight, () => weight.copyFrom([1, 2])],
    ['copyFrom of a tensor', weight, () => weight.copyFrom(grad)],
    ['copyFrom of a view', weight, () => own(weight.narrow(2, 0, 1)).copyFrom([1])],
    ['out', weight, () => convTranspose1dSync(x, grad, null, { out: weight })],
    ['constant_', weight, () => constant_(weight, 1)],
    ['uniform_', weight, () => uniform_(weight)],
    ['normal_', weight, () => normal_(weight)],
    ['kaimingUniform_', weight, () => kaimingUniform_(weight)],
    ['resetParameters', weight, () => m.resetParameters()],
    ['loadStateDict', weight, () => m.loadStateDict({ weight: grad, bias: own(zeros([1], { engine })) })],
    ['SGD', weight, () => own(new SGD([weight], { lr: 1 })).stepSync()],
    ['Adam', weight, () => own(new Adam([weight])).stepSync()],
    [
      'accumulation',
      grad,
      () => {
        own(m.forwardSync(x));
        own(m.backwardSync(own(full([1, 1, 2], 1, { engine }))));
      },
    ],
    ['zeroGrad', grad, () => m.zeroGrad()],
    ['zeroGrad of an optimizer', grad, () => own(new SGD([weight], { lr: 1 })).zeroGrad()],
  ];
  for (const [name, target, write] of writes) {
    const { version } = target.storage;
    write();
    expect({ name, raised: target.storage.version > version }).toEqual({ name, raised: true });
  }
  const { version } = weight.storage;
  for (const read of [() => weight.data, () => weight.commit(), () => weight.toArray(), () => own(weight.clone())])
    read();
  own(m.forwardSync(x));
  expect(weight.storage.version).toBe(version);
});

describe('what backward needs', () => {
  test.each([
    ['the input of an activation', 'x', () => new SiLU()],
    ['the output of an activation', 'y', () => new Sigmoid()],
    ['the input of a convolution', 'x', () => new ConvTranspose1d(1, 1, 3, { engine })],
    ['the weight of a convolution', 'w', () => new ConvTranspose1d(1, 1, 3, { engine })],
    ['the output of a fused activation', 'y', () => new ConvTranspose1d(1, 1, 3, { engine, activation: 'tanh' })],
    ['the slope of PReLU', 'w', () => new PReLU(1, { engine })],
    ['the input of a Sequential', 'x', () => new Sequential(new ConvTranspose1d(1, 1, 3, { engine }), new SiLU())],
  ])('%s', (_name, which, make) => {
    const m = own<Module>(make());
    const x = own(random(engine, [1, 1, 4]));
    const g = (y: Tensor): Tensor => own(full(y.shape, 1, { engine }));
    let y: Tensor;
    const target = (): Tensor => (which === 'x' ? x : which === 'y' ? y : m.parameters()[0]);
    const pass = (): void => {
      y = own(m.forwardSync(x));
    };
    const backward = (): string | undefined => codeOf(() => own(m.backwardSync(g(y))));

    pass();
    const gradients = own(m.backwardSync(g(y!))).toTypedArray();

    // reading is no harm, whenever it happens
    void target().data;
    pass();
    void target().data;
    expect(own(m.backwardSync(g(y!))).toTypedArray()).toEqual(gradients);

    // a write through the view is found: exposed before forward, after it, and committed
    const { data } = target();
    pass();
    data[0] += which === 'y' ? 0 : 1; // the output is another tensor after each pass
    expect(backward()).toBe(which === 'y' ? undefined : 'ERR_MODIFIED');
    data[0] -= which === 'y' ? 0 : 1;
    pass();
    const late = target().data;
    const [old] = late;
    late[0] = old + 1;
    expect(backward()).toBe('ERR_MODIFIED');
    late[0] = old;
    expect(backward()).toBeUndefined(); // as it was
    target().commit();

    pass();
    const committed = target().data;
    const [before] = committed;
    committed[0] = before + 1;
    target().commit();
    expect(backward()).toBe('ERR_MODIFIED');
    m.eval().train(); // gives the pending pass up

    // reading and committing is no write
    pass();
    void target().data;
    target().commit();
    expect(backward()).toBeUndefined();

    // a write through the API counts even when it writes the same
    pass();
    target().copyFrom(target().toTypedArray());
    expect(backward()).toBe('ERR_MODIFIED');
    // and a failed backward leaves the forward pending
    expect(backward()).toBe('ERR_MODIFIED');
    pass();
    expect(backward()).toBeUndefined();
  });

  test('what is not needed may change', () => {
    const m = own(new Sequential(new Sigmoid()));
    const x = own(random(engine, [3]));
    own(m.forwardSync(x));
    x.data[0] = 5;
    x.copyFrom([1, 2, 3]);
    expect(codeOf(() => own(m.backwardSync(own(full([3], 1, { engine })))))).toBeUndefined();
  });

  test('two live passes of one module are checked on their own', async () => {
    const m = own(new Conv2d(1, 2, 3, { engine }));
    const [a, b] = [1, 2].map((seed) => own(random(engine, [1, 1, 5, 5], seed)));
    const g = own(full([1, 2, 3, 3], 1, { engine }));
    const [first, second] = [own(await m.vjp(a)), own(await m.vjp(b))];
    own(first.output);
    own(second.output);
    a.data[3] += 1;
    await expect(first.backward(g)).rejects.toMatchObject({ code: 'ERR_MODIFIED' });
    const gradB = own(await second.backward(g));
    const alone = own(m.forwardSync(b));
    expect(alone.toTypedArray()).toEqual(second.output.toTypedArray());
    expect(own(m.backwardSync(g)).toTypedArray()).toEqual(gradB.toTypedArray());
    m.weight.copyFrom(m.weight.toTypedArray());
    await expect(first.backward(g)).rejects.toMatchObject({ code: 'ERR_MODIFIED' });
  });

  test('float64, and changes of one bit anywhere', () => {
    const m = own(new SiLU());
    const single = own(random(engine, [37]));
    const x = own(single.to('float64'));
    const { data } = x;
    const words = new Uint32Array(data.buffer, data.byteOffset, 74);
    for (let word = 0; word < 74; word++) {
      own(m.forwardSync(x));
      words[word] ^= 1 << (word % 31);
      expect(codeOf(() => m.backwardSync(x))).toBe('ERR_MODIFIED');
      words[word] ^= 1 << (word % 31);
    }
  });
});
