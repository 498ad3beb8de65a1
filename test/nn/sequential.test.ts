import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  Adam,
  Conv2d,
  ConvTranspose2d,
  createEngine,
  createGenerator,
  GELU,
  manualSeed,
  mseLoss,
  randn,
  ReLU,
  Sequential,
  SGD,
  Sigmoid,
  Tanh,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(() => {
  disposeOwned();
  expectNothingLeft();
});

function expectNothingLeft(): void {
  expect(engine.memory.tensors).toBe(0);
  expect(engine.memory.bytesInUse).toBe(0);
}

function network(): Sequential {
  const generator = createGenerator(1);
  return own(
    new Sequential(
      new ConvTranspose2d(3, 4, 4, { stride: 2, padding: 1, engine, generator }),
      new ReLU(),
      new Sequential(new Conv2d(4, 2, 3, { padding: 1, engine, generator }), new Tanh()),
    ),
  );
}

const input = (): Tensor => own(randn([2, 3, 4, 4], { engine, generator: createGenerator(2) }));

test('is the modules one after another, forward and backward', async () => {
  const net = network();
  const x = input();
  const [up, act, tail] = [...net];
  const a = own(await up.forward(x));
  const b = own(await act.forward(a));
  const c = own(await tail.forward(b));
  const y = own(await net.forward(x));
  expect(y.toTypedArray()).toEqual(c.toTypedArray());
  const g = own(randn(y.shape, { engine }));
  const step = own(await act.backward(own(await tail.backward(g))));
  const expected = own(await up.backward(step)).toTypedArray();
  const gradients = net.parameters().map((parameter) => parameter.grad!.toTypedArray());
  net.zeroGrad();
  expect(own(await net.backward(g)).toTypedArray()).toEqual(expected);
  expect(net.parameters().map((parameter) => parameter.grad!.toTypedArray())).toEqual(gradients);
  net.zeroGrad();
  own(net.forwardSync(x));
  expect(own(net.backwardSync(g)).toTypedArray()).toEqual(expected);
});

test('frees what lies between: at once in evaluation, after backward in training', async () => {
  const net = network().eval();
  const x = input();
  const before = engine.memory.tensors;
  const y = await net.forward(x);
  expect(engine.memory.tensors).toBe(before + 1);
  y.dispose();
  net.train();
  const z = await net.forward(x);
  expect(engine.memory.tensors).toBeGreaterThan(before + 1);
  own(await net.backward(z));
  z.dispose();
  expect(engine.memory.tensors).toBe(before + 1 + net.parameters().length); // gradInput and gradients
  (await net.forward(x)).dispose();
  net.eval();
  expect(engine.memory.tensors).toBe(before + 1 + net.parameters().length);
});

test('in evaluation a tensor in between goes as soon as it has been read', async () => {
  const chain = own(new Sequential(...Array.from({ length: 6 }, () => new Sigmoid())));
  const x = own(randn([4096], { engine }));
  /** Tensors beyond the input that live at once. */
  const peak = async (run: () => Promise<Tensor> | Tensor): Promise<number> => {
    const before = engine.memory.bytesInUse;
    engine.resetPeak();
    (await run()).dispose();
    return Math.round((engine.memory.bytesPeak - before) / x.byteLength);
  };
  chain.eval();
  expect(await peak(() => chain.forward(x))).toBe(2);
  expect(await peak(() => chain.forwardSync(x))).toBe(2);
  chain.train();
  expect(await peak(() => chain.forward(x))).toBe(6);
});

test('a module that fails leaves nothing behind', async () => {
  const net = own(new Sequential(new Sigmoid(), new Conv2d(5, 1, 1, { engine })));
  const x = input();
  const before = engine.memory.tensors;
  await expect(net.forward(x)).rejects.toThrow(/Sequential\.forward\(1\): /);
  expect(engine.memory.tensors).toBe(before);
  expect(() => net.backwardSync(x)).toThrow(expect.objectContaining({ code: 'ERR_NO_FORWARD' }));
});

test('gradInput: false stops at the first parameters', async () => {
  const generator = createGenerator(3);
  const net = own(new Sequential(new Sigmoid(), new Conv2d(3, 1, 1, { engine, generator }), new ReLU()));
  const x = input();
  const y = own(await net.forward(x));
  own(await net.backward(y));
  const gradients = net.parameters().map((parameter) => parameter.grad!.toTypedArray());
  net.zeroGrad();
  own(await net.forward(x));
  expect(await net.backward(y, { gradInput: false })).toBeNull();
  expect(net.parameters().map((parameter) => parameter.grad!.toTypedArray())).toEqual(gradients);
});

test('the same module twice in one sequence', async () => {
  const conv = new Conv2d(3, 3, 1, { engine, generator: createGenerator(4) });
  const net = own(new Sequential(conv, conv));
  const x = input();
  const inner = own(await conv.vjp(x));
  own(inner.output);
  const outer = own(await conv.vjp(inner.output));
  const g = own(outer.output);
  const expected = own(await inner.backward(own(await outer.backward(g)))).toTypedArray();
  const gradient = conv.weight.grad!.toTypedArray();
  net.zeroGrad();
  own(await net.forward(x));
  expect(own(await net.backward(g)).toTypedArray()).toEqual(expected);
  expect(conv.weight.grad!.toTypedArray()).toEqual(gradient);
});

test('out is written by the last module; without modules the input passes through', async () => {
  const net = network();
  const x = input();
  const y = own(await net.forward(x));
  const out = own(randn(y.shape, { engine }));
  expect(await net.forward(x, { out })).toBe(out);
  expect(out.toTypedArray()).toEqual(y.toTypedArray());
  const none = own(new Sequential());
  expect(own(await none.forward(x)).toTypedArray()).toEqual(x.toTypedArray());
  expect(own(await none.backward(x)).toTypedArray()).toEqual(x.toTypedArray());
});

test('arguments', () => {
  expect(() => new Sequential(3 as never)).toThrow(TypeError);
  expect(() => new Sequential(null as never)).toThrow(TypeError);
  expect(() => new Sequential(own(new ReLU()), ...([{}] as never[]))).toThrow(/got an object at 1/);
  expect(() => new Sequential({ a: 1 as never })).toThrow(/got 1 at a/);
});

test('Adam and SGD train it, and a training step leaves no memory behind', async () => {
  manualSeed(5);
  const net = own(
    new Sequential(
      new ConvTranspose2d(3, 4, 4, { stride: 2, padding: 1, engine }),
      new GELU(),
      new Conv2d(4, 1, 3, { padding: 1, activation: 'tanh', engine }),
    ),
  );
  const x = input();
  const target = own(
    own(new Sigmoid())
      .eval()
      .forwardSync(own(randn([2, 1, 8, 8], { engine }))),
  );
  for (const optimizer of [
    own(new Adam(net.parameters(), { lr: 1e-2 })),
    own(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 })),
  ]) {
    const losses: number[] = [];
    let bytes = 0;
    for (let step = 0; step < 30; step++) {
      const y = await net.forward(x);
      const loss = await mseLoss(y, target);
      net.zeroGrad();
      (await net.backward(loss.gradOutput)).dispose();
      await optimizer.step();
      losses.push(loss.value);
      loss.dispose();
      y.dispose();
      if (step === 0) bytes = engine.memory.bytesInUse;
      expect(engine.memory.bytesInUse).toBe(bytes);
    }
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]);
  }
});
