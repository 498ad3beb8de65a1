/** What forward passes keep, for how long, when passes fail, are aborted, overlap or meet frozen modules. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ConvTranspose2d,
  Module,
  OutOfMemoryError,
  PReLU,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf, countTurns, random, slicingEngine, SLOW, turns, watch } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await slicingEngine();
});
afterEach(() => {
  releaseAll(engine);
  engine.dispose();
});

const vector = (...values: number[]): Tensor => own(tensor(values, [values.length], { engine }));
const values = (t: Tensor): number[] => [...own(t).toTypedArray()];
const slowModule = (): ConvTranspose2d => own(new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine }));

describe('vjp', () => {
  test('disposed while its backward runs: that one ends well, then all is freed', async () => {
    const m = slowModule();
    const [x, g] = [own(random(engine, SLOW.input)), own(random(engine, SLOW.output, 3))];
    const alone = m.vjpSync(x);
    own(alone.output);
    const expected = values(alone.backwardSync(g));
    const weightGrad = m.weight.grad!.toTypedArray();
    m.zeroGrad();

    const input = random(engine, SLOW.input);
    const pass = await m.vjp(input);
    own(pass.output);
    input.dispose(); // the pass keeps its elements
    const { tensors } = engine.memory;
    const backward = pass.backward(g);
    const state = watch(backward);
    await turns(4);
    pass.dispose();
    pass.dispose();
    expect(state.settled).toBe(false);
    expect(values(await backward)).toEqual(expected);
    expect(m.weight.grad!.toTypedArray()).toEqual(weightGrad);
    expect(engine.memory.tensors).toBe(tensors - 1 + 1); // the input has gone, gradInput has come
    await expect(pass.backward(g)).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });

    const { bytesInUse } = engine.memory;
    const other = random(engine, SLOW.input);
    const aborted = await m.vjp(other);
    aborted.output.dispose();
    other.dispose();
    const controller = new AbortController();
    const stopped = aborted.backward(g, { signal: controller.signal });
    await turns(4);
    aborted.dispose();
    controller.abort(new Error('stop'));
    await expect(stopped).rejects.toThrow('stop');
    expect(engine.memory.bytesInUse).toBe(bytesInUse); // nobody can repeat it
  });

  test('a failed or aborted backward keeps it; success ends it', async () => {
    const m = own(new Sigmoid());
    const pass = await m.vjp(vector(0, 0));
    own(pass.output);
    await expect(pass.backward(vector(1))).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    expect(codeOf(() => pass.backwardSync(vector(1)))).toBe('ERR_SHAPE');
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(pass.backward(vector(4, 8), { signal })).rejects.toThrow('stop');
    expect(values(await pass.backward(vector(4, 8)))).toEqual([1, 2]);
    expect(codeOf(() => pass.backwardSync(vector(4, 8)))).toBe('ERR_NO_FORWARD');
  });

  test('takes the options of forward and backward, in evaluation too', async () => {
    const m = own(new ConvTranspose2d(1, 1, 2, { stride: 2, engine })).eval();
    const x = own(random(engine, [1, 1, 2, 2]));
    const out = own(zeros([1, 1, 5, 5], { engine }));
    const pass = await m.vjp(x, { out, outputSize: [5, 5] });
    expect(pass.output).toBe(out);
    expect(await pass.backward(out, { gradInput: false })).toBeNull();
    expect(m.bias!.grad).not.toBeNull();
    await expect(m.vjp(x, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    await expect(m.vjp(x, { padding: 1 } as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    const other = m.vjpSync(x, { outputSize: [4, 5] });
    expect(own(other.output).shape).toEqual([1, 1, 4, 5]);
    expect(own(other.backwardSync(own(other.output.clone()), { gradParameters: false })).shape).toEqual(x.shape);
  });

  test('of a disposed module: ERR_DISPOSED, and it can still be freed', async () => {
    const m = new SiLU();
    const x = random(engine, [3]);
    const pass = await m.vjp(x);
    own(pass.output);
    x.dispose();
    m.dispose();
    await expect(pass.backward(pass.output)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(engine.memory.tensors).toBe(2);
    pass.dispose();
    expect(engine.memory.tensors).toBe(1);
  });
});

describe('forward', () => {
  test('a Promise forward replaces the pending one when it has settled', async () => {
    const m = slowModule();
    const x = random(engine, SLOW.input);
    own(await m.forward(x));
    x.dispose();
    const other = own(random(engine, SLOW.input, 9));
    const { tensors } = engine.memory;
    const pending = m.forward(other);
    await turns(4);
    expect(engine.memory.tensors).toBe(tensors + 1); // the first input is kept still, the output has come
    own(await pending);
    expect(engine.memory.tensors).toBe(tensors);
  });

  test('aborted between slices: its memory is free, the earlier one is kept', async () => {
    const m = slowModule();
    const [x, g] = [own(random(engine, SLOW.input)), own(random(engine, SLOW.output, 3))];
    own(m.forwardSync(x));
    const expected = values(m.backwardSync(g));
    own(m.forwardSync(x));
    const { tensors, bytesInUse } = engine.memory;
    const controller = new AbortController();
    const other = random(engine, SLOW.input, 9);
    const pending = m.forward(other, { signal: controller.signal });
    await turns(4);
    controller.abort(new Error('stop'));
    await expect(pending).rejects.toThrow('stop');
    other.dispose();
    expect(engine.memory).toMatchObject({ tensors, bytesInUse });
    expect(values(m.backwardSync(g))).toEqual(expected);
  });

  test('one that fails takes the backward that waits for it along, not the earlier forward', async () => {
    const m = own(new Sigmoid());
    own(await m.forward(vector(0, 0)));
    const failing = m.forward(vector(1, 1), { signal: AbortSignal.abort(new Error('stop')) });
    const waiting = m.backward(vector(4, 8));
    await expect(failing).rejects.toThrow('stop');
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_NO_FORWARD', message: expect.stringContaining('failed') });
    expect(values(await m.backward(vector(4, 8)))).toEqual([1, 2]);
  });
});

describe('a backward that fails half-way', () => {
  const conv = (inChannels: number, outChannels: number): ConvTranspose2d =>
    new ConvTranspose2d(inChannels, outChannels, 2, { stride: 2, engine });

  test.each(['backward', 'backwardSync'] as const)('%s leaves the gradients as they were', async (method) => {
    const [first, last] = [conv(2, 3), conv(3, 1)];
    const net = own(new Sequential(first, new ReLU(), last));
    const x = own(random(engine, [1, 2, 3, 3]));
    const g = own(random(engine, [1, 1, 12, 12], 2));
    const gradients = (): number[][] => net.parameters().map(({ grad }) => Array.from(grad!.toTypedArray()));
    own(await net.forward(x));
    own(await net.backward(g));
    const once = gradients();
    const fail = async (): Promise<void> => {
      own(await net.forward(x));
      x.copyFrom(x.toTypedArray()); // what the first module has saved, so that the last one has had its backward
      const run = async (): Promise<unknown> => net[method](g);
      await expect(run()).rejects.toMatchObject({ code: 'ERR_MODIFIED' });
    };
    await fail();
    expect(gradients()).toEqual(once);
    net.zeroGrad();
    await fail();
    expect(gradients()).toEqual(once.map((values) => values.map(() => 0)));
    await fail(); // what was zeros is known to be zeros again
    own(await net.forward(x));
    own(await net[method](g));
    expect(gradients()).toEqual(once);
    // written by hand after it was set to 0: these numbers are kept, too
    net.zeroGrad();
    last.weight.grad!.data.fill(3);
    await fail();
    expect(new Set(gradients()[2])).toEqual(new Set([3]));
  });

  test('Sync, gradients that were not there are not there after it', () => {
    const net = own(new Sequential(conv(2, 3), conv(3, 1)));
    const x = own(random(engine, [1, 2, 3, 3]));
    own(net.forwardSync(x));
    x.copyFrom(x.toTypedArray());
    const { tensors } = engine.memory;
    const g = own(random(engine, [1, 1, 12, 12], 2));
    expect(codeOf(() => net.backwardSync(g))).toBe('ERR_MODIFIED');
    expect(net.parameters().map(({ grad }) => grad)).toEqual([null, null, null, null]);
    expect(engine.memory.tensors).toBe(tensors + 1);
  });

  test('memory that runs out: the same', async () => {
    const net = own(new Sequential(conv(2, 3), conv(3, 1)));
    const x = own(random(engine, [1, 2, 3, 3]));
    own(await net.forward(x));
    const g = own(random(engine, [1, 1, 12, 12], 2));
    // gradients of four parameters, gradInput of the last module, and no more
    const allocateStorage = engine.allocateStorage.bind(engine);
    let calls = 0;
    const allocate = vi.spyOn(engine, 'allocateStorage').mockImplementation((operation, bytes, ...rest) => {
      if (++calls > 5) throw new OutOfMemoryError(operation, bytes, 0);
      return allocateStorage(operation, bytes, ...rest);
    });
    await expect(net.backward(g)).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    allocate.mockRestore();
    for (const { grad } of net.parameters()) expect([...grad!.toTypedArray()].every((value) => value === 0)).toBe(true);
    own(await net.backward(g)); // it is still pending
  });
});

describe('an aborted backward', () => {
  test('leaves the gradients as they were, however far it was, and can be repeated', async () => {
    const layer = slowModule();
    const m = own(new Sequential(new SiLU(), layer, new PReLU(64, { engine })));
    const x = own(random(engine, SLOW.input));
    const g = own(random(engine, SLOW.output, 3));
    const gradients = (): number[][] => m.parameters().map(({ grad }) => Array.from(grad!.toTypedArray()));
    const pass = (): number[] => {
      own(m.forwardSync(x));
      return values(m.backwardSync(g));
    };
    pass();
    const before = gradients();
    const gradInput = pass();
    const twice = gradients();
    m.zeroGrad();
    own(m.forwardSync(x));
    const backward = m.backward(g);
    const all = await countTurns(backward);
    own(await backward);
    expect(gradients()).toEqual(before);
    own(m.forwardSync(x));
    let partial = 0;
    for (let after = 0; after < all; after += Math.ceil(all / 7)) {
      const controller = new AbortController();
      const { bytesInUse } = engine.memory;
      const pending = m.backward(g, { signal: controller.signal });
      const state = watch(pending);
      await turns(after);
      if (state.settled) break;
      const { weight } = layer;
      const seen = new Float32Array(engine.buffer, weight.grad!.ptr, weight.size);
      if (seen.some((value, index) => value !== before[0][index])) partial++;
      controller.abort(new Error('stop'));
      await expect(pending).rejects.toThrow('stop');
      expect(gradients()).toEqual(before);
      expect(engine.memory.bytesInUse).toBe(bytesInUse);
    }
    expect(partial).toBeGreaterThan(0);
    expect(values(await m.backward(g, { signal: new AbortController().signal }))).toEqual(gradInput);
    expect(gradients()).toEqual(twice);
  });
});

describe('prepare with a module of your own below', () => {
  class Twice extends Module {
    readonly inner: SiLU = new SiLU();

    override async forward(input: Tensor): Promise<Tensor> {
      return this.inner.forward(input);
    }

    override async backward(gradOutput: Tensor): Promise<Tensor> {
      return this.inner.backward(gradOutput);
    }
  }

  test('leaves its pending forward alone', async () => {
    const m = own(new Sequential(new ReLU(), new Twice()));
    const x = vector(0, 0);
    own(await m.forward(x));
    const { tensors } = engine.memory;
    await expect(m.prepare([2])).rejects.toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    const parametric = own(new Sequential(new PReLU(1, { engine }), m));
    await parametric.prepare([5]);
    expect(engine.memory.tensors).toBe(tensors + 1); // the slope
    expect(values(await m.backward(vector(2, 4)))).toEqual([0, 0]);
    own(await parametric.forward(x));
    expect(values(await parametric.backward(vector(2, 4)))).toEqual([0, 0]);
  });
});

test('a frozen module in a Sequential in training: ERR_FROZEN, and nothing is left', async () => {
  for (const make of [
    () => new ConvTranspose2d(2, 2, 2, { engine }),
    () => new ConvTranspose2d(2, 2, 2, { engine, activation: 'silu' }),
    () => new PReLU(2, { engine }),
  ]) {
    const frozen = own(make()).eval().freeze();
    const m = own(new Sequential(new SiLU(), frozen));
    expect(m.training).toBe(true);
    const x = own(random(engine, [1, 2, 3, 3]));
    const { tensors, bytesInUse } = engine.memory;
    await expect(m.forward(x)).rejects.toMatchObject({ code: 'ERR_FROZEN' });
    expect(codeOf(() => m.forwardSync(x))).toBe('ERR_FROZEN');
    expect(engine.memory).toMatchObject({ tensors, bytesInUse });
    own(m.eval().forwardSync(x));
  }
});
