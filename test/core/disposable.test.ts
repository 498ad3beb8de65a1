import { afterEach, expect, test, vi } from 'vitest';
import type * as disposable from '../../src/core/disposable.ts';
import { Adam, ConvTranspose1d, createEngine, packWeight, ReLU, Sequential, Tensor, zeros } from '../../src/index.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Where it is missing, "without Symbol.dispose" is the test. */
const HAS_DISPOSE = 'dispose' in Symbol;

test.runIf(HAS_DISPOSE)('using frees engines, tensors, modules, optimizers and packed weights', async () => {
  const engine = await createEngine();
  {
    using t = zeros([1, 2, 3], { engine });
    using m = new ConvTranspose1d(2, 3, 4, { engine });
    using optimizer = new Adam(m.parameters());
    using packed = packWeight(m.weight);
    m.weight.grad = zeros(m.weight.shape, { engine });
    optimizer.stepSync();
    expect([t.disposed, m.disposed, packed.disposed]).toEqual([false, false, false]);
    expect(engine.memory.tensors).toBe(6);
  }
  expect(engine.memory).toMatchObject({ tensors: 0, bytesInUse: 0, bytesPacked: 0 });
  {
    using borrowed = engine;
    expect(borrowed.disposed).toBe(false);
  }
  expect(engine.disposed).toBe(true);
  expect(Object.keys(Tensor.prototype)).not.toContain('undefined');
});

test('dispose twice is once, for all of them', async () => {
  const engine = await createEngine();
  const parameter = zeros([2, 3, 4], { engine });
  parameter.grad = zeros([2, 3, 4], { engine });
  const optimizer = new Adam([parameter]);
  optimizer.stepSync(); // makes its state
  const kept = zeros([5], { engine });
  for (const item of [
    optimizer,
    packWeight(parameter),
    new ConvTranspose1d(2, 3, 4, { engine }),
    new Sequential(new ReLU(), new ConvTranspose1d(2, 3, 4, { engine })),
    parameter.narrow(0, 0, 1),
    parameter.grad,
    parameter,
  ]) {
    item.dispose();
    const { tensors, bytesInUse, bytesPacked } = engine.memory;
    item.dispose();
    expect(engine.memory).toMatchObject({ tensors, bytesInUse, bytesPacked });
  }
  expect(engine.memory).toMatchObject({ tensors: 1, bytesInUse: 20, bytesPacked: 0 });
  engine.dispose();
  engine.dispose();
  for (const item of [engine, optimizer, kept, parameter]) expect(() => item.dispose()).not.toThrow();
});

test('without Symbol.dispose there is dispose() alone', async () => {
  // Symbol.dispose cannot be deleted, so Symbol gets a stand-in
  const real = Symbol;
  const withoutDispose = new Proxy((description?: string) => real(description), {
    get: (_target, key) => (key === 'dispose' ? undefined : (Reflect.get(real, key) as unknown)),
  });
  vi.stubGlobal('Symbol', withoutDispose);
  const anew = '../../src/core/disposable.ts?without-symbol-dispose'; // a module of its own: that one is loaded
  const { DisposableBase } = (await import(/* @vite-ignore */ anew)) as typeof disposable;
  expect(Reflect.ownKeys(DisposableBase.prototype)).toEqual(['constructor']);
});
