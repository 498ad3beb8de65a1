/** Modules that learn the number of their input's channels from the first input, or from a state dict. */

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

const random = (shape: readonly number[]): Tensor =>
  own(upconv.randn(shape, { engine, generator: upconv.createGenerator(1) }));
const code = (name: string): unknown => expect.objectContaining({ code: name });

const CASES = [
  ['LazyConvTranspose1d', 'ConvTranspose1d', [2, 3, 5]],
  ['LazyConvTranspose2d', 'ConvTranspose2d', [2, 3, 4, 5]],
  ['LazyConvTranspose3d', 'ConvTranspose3d', [3, 2, 3, 4]],
] as const;
const LAZY = {
  LazyConvTranspose1d: upconv.LazyConvTranspose1d,
  LazyConvTranspose2d: upconv.LazyConvTranspose2d,
  LazyConvTranspose3d: upconv.LazyConvTranspose3d,
};
const PLAIN = {
  ConvTranspose1d: upconv.ConvTranspose1d,
  ConvTranspose2d: upconv.ConvTranspose2d,
  ConvTranspose3d: upconv.ConvTranspose3d,
};

describe.each(CASES)('%s', (lazyName, name, shape) => {
  const make = (options: object = {}) => own(new LAZY[lazyName](8, 3, { engine, ...options }));

  test('the first forward makes the parameters that the module would have had', async () => {
    const generator = (): upconv.Generator => upconv.createGenerator(7);
    const [lazy, plain] = [make({ generator: generator() }), own(new PLAIN[name](3, 8, 3, { engine, generator: generator() }))]; // prettier-ignore
    expect([String(lazy), lazy.inChannels]).toEqual([
      String(plain).replace(name, lazyName).replace('(3, 8', '(0, 8'),
      0,
    ]);
    const x = random(shape);
    const [y, expected] = [own(await lazy.forward(x)), own(await plain.forward(x))];
    expect(y.toTypedArray()).toEqual(expected.toTypedArray());
    expect([String(lazy), lazy.inChannels, lazy.typeName]).toEqual([String(plain), 3, name]);
    expect(lazy).toBeInstanceOf(PLAIN[name]);
    expect(Object.keys(lazy.stateDict())).toEqual(['weight', 'bias']);
    const g = own(await lazy.backward(y));
    expect(g.toTypedArray()).toEqual(own(await plain.backward(expected)).toTypedArray());
    expect(lazy.weight.grad!.toTypedArray()).toEqual(plain.weight.grad!.toTypedArray());
    own(lazy.forwardSync(x)); // the class that it became
  });

  test('a state dict makes them, too, also one in weight normalisation', async () => {
    const plain = own(new PLAIN[name](3, 8, 3, { engine }));
    const lazy = make();
    expect(String(lazy.loadStateDict(plain.stateDict()))).toBe('<All keys matched successfully>');
    expect([lazy.typeName, lazy.inChannels]).toEqual([name, 3]);
    const x = random(shape);
    expect(own(await lazy.forward(x)).toTypedArray()).toEqual(own(await plain.forward(x)).toTypedArray());
    const { weight, bias } = plain;
    const ones = { data: [1], shape: weight.shape.map(() => 1) };
    const net = own(new upconv.Sequential({ up: new LAZY[lazyName](8, 3, { engine }) }));
    net.loadStateDict({ 'm.up.weight_g': ones, 'm.up.weight_v': weight, 'm.up.bias': bias! }, { prefix: 'm.' });
    expect((net.get('up') as upconv.ConvTranspose2d).inChannels).toBe(3);
  });

  test('before that, parameters cannot be asked for', () => {
    const lazy = make();
    const net = own(new upconv.Sequential({ up: new LAZY[lazyName](8, 3, { engine }) }));
    for (const ask of [() => lazy.weight, () => lazy.bias, () => lazy.parameters(), () => lazy.stateDict()]) {
      expect(ask).toThrow(code('ERR_NOT_INITIALIZED'));
    }
    expect(() => new upconv.SGD(net.parameters(), { lr: 1 })).toThrow(
      /Sequential.namedParameters: up.weight is not there yet/,
    );
    expect(() => net.loadStateDict({})).toThrow('Missing key(s) in state_dict: "up.weight", "up.bias".');
    expect(net.loadStateDict({}, { strict: false }).missingKeys).toEqual(['up.weight', 'up.bias']);
    expect(() => net.eval().freeze()).toThrow(code('ERR_NOT_INITIALIZED'));
    expect(make({ bias: false }).bias).toBeNull();
    net.zeroGrad(); // of nothing, as in PyTorch
    lazy.resetParameters();
    lazy.train();
    expect(String(net)).toContain(`(up): ${lazyName}(0, 8, `);
  });
});

test('in a Sequential, prepared, in training', async () => {
  const options = { stride: 2, engine, dtype: 'float16' } as const;
  const net = own(new upconv.Sequential(new upconv.LazyConvTranspose2d(4, 2, options), new upconv.ReLU(), new upconv.LazyConvTranspose2d(1, 2, options))); // prettier-ignore
  await net.prepare([1, 3, 4, 4]);
  expect(String(net)).toContain('(2): ConvTranspose2d(4, 1, ');
  const x = own(random([1, 3, 4, 4]).to('float16'));
  const y = own(await net.forward(x));
  own(await net.backward(y));
  expect(net.parameters().every(({ grad }) => grad !== null)).toBe(true);
});

test('without an engine it lives where its input does', async () => {
  const lazy = own(new upconv.LazyConvTranspose2d(2, 2));
  own(await lazy.forward(random([1, 3, 4, 4])));
  expect(lazy.weight.engine).toBe(engine);
});

test('mistakes, in the words of the module', async () => {
  const lazy = own(new upconv.LazyConvTranspose2d(8, 3, { engine, groups: 2 }));
  await expect(lazy.forward(random([3, 4]))).rejects.toThrow('LazyConvTranspose2d.forward: input expected 3 axes (unbatched) or 4 (batched), got [3, 4]'); // prettier-ignore
  await expect(lazy.forward(random([1, 3, 4, 4]))).rejects.toThrow(
    'inChannels expected a multiple of groups = 2, got 3',
  );
  expect(() => lazy.loadStateDict({ weight: { data: [1], shape: [1] } })).toThrow(code('ERR_SHAPE'));
  expect(lazy.inChannels).toBe(0);
  expect(() => new upconv.LazyConvTranspose2d(7, 3, { engine, groups: 2 })).toThrow('outChannels expected a multiple');
  expect(() => new upconv.LazyConvTranspose2d(8, 0, { engine })).toThrow(/^LazyConvTranspose2d: kernelSize/);
  own(await lazy.forward(random([1, 4, 4, 4])));
  await expect(lazy.forward(random([1, 6, 4, 4]))).rejects.toMatchObject({ code: 'ERR_SHAPE' });
  const gone = new upconv.LazyConvTranspose2d(8, 3, { engine });
  gone.dispose();
  await expect(gone.forward(random([1, 4, 4, 4]))).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('a subclass of your own stays one', async () => {
  class Up extends upconv.LazyConvTranspose2d {
    readonly scale: number = 2;
  }
  const up = own(new Up(2, 2, { engine }));
  own(await up.forward(random([1, 3, 4, 4])));
  expect(up).toBeInstanceOf(Up);
  expect([String(up), up.scale]).toEqual(['Up(3, 2, kernel_size=(2, 2), stride=(1, 1))', 2]);
  own(await up.forward(random([1, 3, 4, 4])));
});
