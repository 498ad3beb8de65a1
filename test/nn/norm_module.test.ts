/** Modules of normalisation: their state, modes, places in other modules. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await upconv.createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const random = (shape: readonly number[], seed = 1): Tensor =>
  own(upconv.randn(shape, { engine, generator: upconv.createGenerator(seed) }));
const code = (name: string): unknown => expect.objectContaining({ code: name });

test('running statistics are state, not parameters; they go with the module', () => {
  const before = engine.memory.tensors;
  const module = new upconv.BatchNorm2d(3, { engine });
  expect(module.namedParameters().map(([name]) => name)).toEqual(['weight', 'bias']);
  expect(module.namedBuffers().map(([name]) => name)).toEqual(['running_mean', 'running_var', 'num_batches_tracked']);
  const [mean, variance, batches] = module.buffers();
  expect([module.runningMean, module.runningVar, module.numBatchesTracked]).toEqual([mean, variance, batches]);
  expect([batches.shape, batches.dtype]).toEqual([[], 'float64']);
  const net = new upconv.Sequential({ norm: module });
  expect(Object.keys(net.stateDict())).toEqual(['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((name) => `norm.${name}`)); // prettier-ignore
  net.dispose();
  expect(engine.memory.tensors).toBe(before);
});

test('a state dict is loaded with its statistics; the count of batches may be missing', async () => {
  const [from, to] = [own(new upconv.BatchNorm1d(2, { engine })), own(new upconv.BatchNorm1d(2, { engine }))];
  own(await from.forward(random([4, 2, 3])));
  expect(String(to.loadStateDict(from.stateDict()))).toBe('<All keys matched successfully>');
  expect(to.runningMean!.toArray()).toEqual(from.runningMean!.toArray());
  expect(to.numBatchesTracked!.item()).toBe(1);
  const { num_batches_tracked: _, ...rest } = from.stateDict();
  expect(to.loadStateDict(rest).missingKeys).toEqual([]);
  const { running_mean: __, ...less } = rest;
  expect(() => to.loadStateDict(less)).toThrow('Missing key(s) in state_dict: "running_mean".');
  const one = own(upconv.tensor([41], [1], { engine }));
  for (const num_batches_tracked of [{ data: [41], shape: [] }, { data: [41], shape: [1] }, one]) {
    to.loadStateDict({ ...rest, num_batches_tracked });
    own(await to.forward(random([4, 2, 3])));
    expect(to.numBatchesTracked!.item()).toBe(42);
  }
  const two = { ...rest, num_batches_tracked: { data: [1, 2], shape: [2] } };
  expect(() => to.loadStateDict(two)).toThrow('size mismatch for num_batches_tracked');
});

test('evaluation uses running statistics and changes nothing; vjp differentiates through them', async () => {
  const module = own(new upconv.BatchNorm2d(2, { engine })).eval();
  module.runningMean!.copyFrom([1, 2]);
  module.runningVar!.copyFrom([4, 0.25]);
  const x = own(upconv.full([1, 2, 2, 2], 3, { engine }));
  const pass = await module.vjp(x);
  const y = own(pass.output).toTypedArray();
  expect(y[0]).toBeCloseTo(1, 5);
  expect(y[7]).toBeCloseTo(2, 4);
  const gradInput = own(await pass.backward(own(upconv.full([1, 2, 2, 2], 1, { engine })))).toTypedArray();
  expect([gradInput[0], gradInput[7]].map((value) => Math.round(value * 1000) / 1000)).toEqual([0.5, 2]);
  expect(module.numBatchesTracked!.item()).toBe(0);
  const changed = own(module.vjpSync(x));
  own(changed.output);
  module.runningVar!.copyFrom([1, 1]);
  expect(() => changed.backwardSync(x)).toThrow(code('ERR_MODIFIED'));
});

test('Promise passes of one module count batches in call order', async () => {
  const module = own(new upconv.BatchNorm2d(1, { engine, momentum: null }));
  const inputs = [1, 2, 3, 4].map((seed) => random([2, 1, 3, 3], seed));
  const pending = inputs.map((x) => module.forward(x));
  expect(() => module.runningMean!.toTypedArray()).toThrow(code('ERR_IN_USE'));
  expect(() => module.resetRunningStats()).toThrow(code('ERR_IN_USE'));
  for (const output of await Promise.all(pending)) own(output);
  const mean = inputs.reduce((sum, x) => sum + Array.from(x.toTypedArray()).reduce((a, b) => a + b, 0) / 18, 0) / 4;
  expect(module.runningMean!.item()).toBeCloseTo(mean, 5);
  expect(module.numBatchesTracked!.item()).toBe(4);
});

test('Sync and Promise passes give the same bits and statistics', async () => {
  const [a, b] = [own(new upconv.BatchNorm2d(3, { engine })), own(new upconv.BatchNorm2d(3, { engine }))];
  const [x, g] = [random([2, 3, 4, 4]), random([2, 3, 4, 4], 2)];
  expect(own(a.forwardSync(x)).toTypedArray()).toEqual(own(await b.forward(x)).toTypedArray());
  expect(own(a.backwardSync(g)).toTypedArray()).toEqual(own(await b.backward(g)).toTypedArray());
  expect(a.weight!.grad!.toTypedArray()).toEqual(b.weight!.grad!.toTypedArray());
  expect(a.buffers().map((t) => t.toTypedArray())).toEqual(b.buffers().map((t) => t.toTypedArray()));
});

test('in a Sequential: as the modules one after another; preparing it is no batch', async () => {
  const net = own(
    new upconv.Sequential(
      new upconv.ConvTranspose2d(2, 4, 2, { stride: 2, engine }),
      new upconv.BatchNorm2d(4, { engine }),
      new upconv.ReLU(),
      new upconv.InstanceNorm2d(4, { engine, affine: true }),
      new upconv.LayerNorm2d(4, { engine }),
    ),
  );
  await net.prepare([1, 2, 3, 3]);
  const norm = net.get(1) as upconv.BatchNorm2d;
  expect(norm.numBatchesTracked!.item()).toBe(0);
  const [x, g] = [random([2, 2, 3, 3]), random([2, 4, 6, 6], 2)];
  const y = own(await net.forward(x));
  own(await net.backward(g));
  expect(norm.numBatchesTracked!.item()).toBe(1);
  const gradients = net.parameters().map(({ grad }) => grad!.toTypedArray());
  net.zeroGrad();
  let current = x;
  for (const module of net) current = own(await module.forward(current));
  expect(current.toTypedArray()).toEqual(y.toTypedArray());
  let grad = g;
  for (const module of [...net].toReversed()) grad = own(await module.backward(grad));
  expect(net.parameters().map(({ grad: each }) => each!.toTypedArray())).toEqual(gradients);
});

test('frozen, it computes the same', async () => {
  const net = own(new upconv.Sequential(new upconv.Conv2d(2, 2, 1, { engine }), new upconv.BatchNorm2d(2, { engine })));
  const x = random([1, 2, 3, 3]);
  own(await net.forward(x));
  net.eval();
  const y = own(await net.forward(x)).toTypedArray();
  net.freeze();
  expect(own(await net.forward(x)).toTypedArray()).toEqual(y);
  expect(() => (net.get(1) as upconv.BatchNorm2d).weight).toThrow(code('ERR_FROZEN'));
});

test('an optimiser learns weight and bias, and leaves statistics alone', async () => {
  const module = own(new upconv.BatchNorm1d(2, { engine }));
  const sgd = own(new upconv.SGD(module.parameters(), { lr: 0.5 }));
  const x = random([5, 2]);
  own(await module.forward(x));
  const mean = module.runningMean!.toArray();
  await module.backward(own(upconv.full([5, 2], 1, { engine })), { gradInput: false });
  await sgd.step();
  expect(module.bias!.toArray()).toEqual([-2.5, -2.5]);
  expect(module.runningMean!.toArray()).toEqual(mean);
});

describe('mistakes', () => {
  test('ranks and channels, before a batch is counted', async () => {
    const module = own(new upconv.BatchNorm2d(3, { engine }));
    await expect(module.forward(random([2, 3, 4]))).rejects.toThrow(
      'BatchNorm2d.forward: input expected 4 axes, got [2, 3, 4]',
    );
    await expect(module.forward(random([2, 2, 4, 4]))).rejects.toThrow('3 channels in axis 1, got [2, 2, 4, 4]');
    await expect(module.forward(own(random([2, 3, 4, 4]).to('float64')))).rejects.toMatchObject({ code: 'ERR_DTYPE' });
    expect(module.numBatchesTracked!.item()).toBe(0);
    await expect(module.forward(random([1, 3, 1, 1]))).rejects.toThrow('more than 1 value per channel when training');
    const free = own(new upconv.InstanceNorm2d(3, { engine }));
    own(await free.forward(random([2, 5, 4, 4]))); // as in PyTorch: without weights channels do not count
    await expect(free.forward(random([4, 4]))).rejects.toThrow('3 or 4 axes');
    const layer = own(new upconv.LayerNorm2d(3, { engine }));
    await expect(layer.forward(random([2, 4, 3]))).rejects.toThrow('3 channels in axis 0');
  });

  test('constructor arguments leave nothing behind', () => {
    const before = engine.memory.tensors;
    const wrong = [
      () => new upconv.BatchNorm2d(0, { engine }),
      () => new upconv.BatchNorm2d(2, { engine, momentum: Number.NaN }),
      () => new upconv.BatchNorm2d(2, { engine, eps: -1 }),
      () => new upconv.InstanceNorm2d(2, { engine, momentum: null as never }),
      () => new upconv.BatchNorm2d(2, { engine, affine: 1 as never }),
      () => new upconv.BatchNorm2d(2, { engine, track_running_stats: false } as never),
      () => new upconv.LayerNorm2d(2, { engine, affine: false } as never),
    ];
    for (const build of wrong) expect(build).toThrow(/^(BatchNorm2d|InstanceNorm2d|LayerNorm2d): /);
    expect(engine.memory.tensors).toBe(before);
  });

  test('upscaleImage takes no normalisation', async () => {
    const net = own(
      new upconv.Sequential(new upconv.Conv2d(3, 3, 1, { engine }), new upconv.BatchNorm2d(3, { engine })),
    );
    const pixels = { data: new Uint8ClampedArray(16), width: 2, height: 2 };
    await expect(upconv.upscaleImage(net.eval(), pixels)).rejects.toThrow(/activations, got BatchNorm2d/);
  });
});

test.each(['float16', 'float64'] as const)('%s', async (dtype) => {
  const [module, reference] = [
    own(new upconv.BatchNorm2d(2, { engine, dtype })),
    own(new upconv.BatchNorm2d(2, { engine })),
  ];
  const [x, g] = [own(random([3, 2, 4, 4]).to('float16')), own(random([3, 2, 4, 4], 2).to('float16'))];
  const as = (t: Tensor, to: 'float16' | 'float32' | 'float64'): Tensor => own(t.to(to));
  const y = own(await module.forward(as(x, dtype)));
  const expected = own(await reference.forward(as(x, 'float32')));
  const tolerance = dtype === 'float16' ? 2 ** -9 : 1e-5;
  const close = (a: Tensor, b: Tensor): void => {
    const [p, q] = [as(a, 'float32').toTypedArray(), as(b, 'float32').toTypedArray()];
    const worst = Math.max(...p.map((value, i) => Math.abs(value - q[i]) / (1 + Math.abs(q[i]))));
    expect(worst).toBeLessThan(tolerance * 4);
  };
  close(y, expected);
  close(own(await module.backward(as(g, dtype))), own(await reference.backward(as(g, 'float32'))));
  expect(module.weight!.grad!.dtype).toBe(dtype);
  close(module.weight!.grad!, reference.weight!.grad!);
  close(module.runningVar!, reference.runningVar!);
});
