import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Conv1d,
  Conv2d,
  Conv3d,
  convTranspose2d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  createEngine,
  createGenerator,
  manualSeed,
  randn,
  tensor,
} from '../../src/index.ts';
import type { ConvTransposeModuleOptions, Engine, Module, Tensor } from '../../src/index.ts';
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

const MODULES = { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Conv1d, Conv2d, Conv3d };

type Activation = ConvTransposeModuleOptions['activation'];
const ACTIVATIONS: Activation[] = [
  'none',
  'relu',
  'tanh',
  'sigmoid',
  'silu',
  'gelu',
  'leakyRelu',
  { leakyRelu: -0.5 },
  { clamp: [-0.4, 0.3] },
];

/** Compares every gradient with central differences of Σ probe · forward(x). */
async function expectGradients(module: Module, input: Tensor): Promise<void> {
  const output = own(await module.forward(input));
  const probe = own(randn(output.shape, { dtype: 'float64', engine, generator: createGenerator(5) }));
  const weights = probe.toTypedArray();
  module.zeroGrad();
  const gradInput = own(await module.backward(probe));
  const value = (): number => {
    const pass = module.vjpSync(input);
    const sum = [...pass.output.toTypedArray()].reduce((total, y, i) => total + y * weights[i], 0);
    pass.output.dispose();
    pass.dispose();
    return sum;
  };
  const targets: [string, Tensor, Tensor][] = [['input', input, gradInput]];
  for (const [name, parameter] of module.namedParameters()) targets.push([name, parameter, parameter.grad!]);
  for (const [name, variable, gradient] of targets) {
    const at = variable.toTypedArray();
    const got = gradient.toTypedArray();
    for (let i = 0; i < at.length; i += Math.max(1, Math.floor(at.length / 7))) {
      const h = 1e-5;
      const center = at[i];
      at[i] = center + h;
      variable.copyFrom(at);
      const above = value();
      at[i] = center - h;
      variable.copyFrom(at);
      const below = value();
      at[i] = center;
      variable.copyFrom(at);
      expect(Math.abs(got[i] - (above - below) / (2 * h)), `${name}[${i}]`).toBeLessThan(1e-6);
    }
  }
}

describe('gradients are the derivatives', () => {
  const shapes: Readonly<Record<keyof typeof MODULES, number[]>> = {
    ConvTranspose1d: [2, 4, 5],
    ConvTranspose2d: [2, 4, 3, 4],
    ConvTranspose3d: [1, 4, 2, 3, 2],
    Conv1d: [2, 4, 9],
    Conv2d: [2, 4, 7, 6],
    Conv3d: [1, 4, 5, 4, 5],
  };
  test.each(Object.keys(MODULES) as (keyof typeof MODULES)[])('%s, strided and grouped', async (name) => {
    expect.hasAssertions();
    const options = { stride: 2, padding: 1, groups: 2, dtype: 'float64', engine } as const;
    const module = own(new MODULES[name](4, 6, 3, { ...options, generator: createGenerator(1) }));
    const input = own(randn(shapes[name], { dtype: 'float64', engine, generator: createGenerator(2) }));
    await expectGradients(module, input);
  });

  test.each(ACTIVATIONS)('activation %j', async (activation) => {
    expect.hasAssertions();
    const options = { stride: 2, dtype: 'float64', engine, activation, generator: createGenerator(3) } as const;
    const input = own(randn([2, 3, 5], { dtype: 'float64', engine, generator: createGenerator(4) }));
    await expectGradients(own(new ConvTranspose1d(3, 2, 4, options)), input);
    await expectGradients(own(new Conv1d(3, 2, 2, options)), input);
  });

  test.each(ACTIVATIONS)('inputActivation %j', async (inputActivation) => {
    expect.hasAssertions();
    const options = { stride: 2, dtype: 'float64', engine, inputActivation, generator: createGenerator(3) } as const;
    const input = own(randn([2, 3, 5], { dtype: 'float64', engine, generator: createGenerator(4) }));
    await expectGradients(own(new ConvTranspose1d(3, 2, 4, { ...options, activation: 'silu' })), input);
    await expectGradients(own(new Conv1d(3, 2, 2, { ...options, activation: 'tanh' })), input);
  });
});

test('forward is the functional operation; Sync gives the same bits; evaluation too', async () => {
  const options = { stride: 2, padding: 1, outputPadding: 1, groups: 2 };
  const m = own(new ConvTranspose2d(4, 6, [3, 4], { ...options, engine }));
  const x = own(randn([2, 4, 5, 3], { engine }));
  const expected = own(await convTranspose2d(x, m.weight, m.bias, options)).toTypedArray();
  expect(own(await m.forward(x)).toTypedArray()).toEqual(expected);
  expect(own(m.forwardSync(x)).toTypedArray()).toEqual(expected);
  expect(own(m.eval().forwardSync(x)).toTypedArray()).toEqual(expected);
});

test('every activation is applied alike in training and in evaluation', () => {
  const x = own(randn([2, 3, 9], { engine, generator: createGenerator(8) }));
  for (const activation of ACTIVATIONS) {
    for (const inputActivation of ACTIVATIONS) {
      const m = own(new ConvTranspose1d(3, 4, 3, { engine, activation, inputActivation }));
      const training = own(m.forwardSync(x)).toTypedArray();
      const evaluation = own(m.eval().forwardSync(x)).toTypedArray();
      training.forEach((y, i) => expect(Math.abs(y - evaluation[i])).toBeLessThanOrEqual(1e-6));
    }
  }
});

test('gradients add up over passes until zeroGrad', async () => {
  const m = own(new ConvTranspose1d(1, 1, 1, { engine, dtype: 'float64' }));
  const x = own(tensor(Float64Array.of(1, 2), [1, 1, 2], { engine }));
  const g = own(tensor(Float64Array.of(3, 5), [1, 1, 2], { engine }));
  const pass = async (): Promise<void> => {
    own(await m.forward(x));
    own(await m.backward(g));
  };
  await pass();
  const [weightGrad] = [m.weight.grad];
  await pass();
  expect(m.weight.grad).toBe(weightGrad);
  expect([...m.weight.grad!.toTypedArray()]).toEqual([26]);
  expect([...m.bias!.grad!.toTypedArray()]).toEqual([16]);
  m.zeroGrad();
  await pass();
  expect([...m.weight.grad!.toTypedArray()]).toEqual([13]);
});

test('gradParameters: false leaves gradients alone; with both false nothing is computed', async () => {
  const m = own(new ConvTranspose1d(1, 2, 2, { engine }));
  const x = own(randn([1, 1, 3], { engine }));
  const y = own(await m.forward(x));
  own(await m.backward(y, { gradParameters: false }));
  expect(m.weight.grad).toBeNull();
  own(await m.forward(x));
  expect(await m.backward(y, { gradInput: false, gradParameters: false })).toBeNull();
  own(await m.forward(x));
  expect(await m.backward(y, { gradInput: false })).toBeNull();
  expect(m.weight.grad).not.toBeNull();
});

test('unbatched input, and an outputSize that replaces outputPadding', async () => {
  const m = own(new ConvTranspose2d(2, 3, 3, { stride: 2, outputPadding: 7, engine }));
  const x = own(randn([2, 4, 5], { engine }));
  await expect(m.forward(x)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const y = own(await m.forward(x, { outputSize: [10, 11] }));
  expect(y.shape).toEqual([3, 10, 11]);
  const g = own(await m.backward(y));
  expect(g.shape).toEqual([2, 4, 5]);
  const full = own(await m.forward(x, { outputSize: [3, 9, 12] }));
  expect(full.shape).toEqual([3, 9, 12]);
  own(await m.backward(full));
});

test('what backward needs must not change: input, weight, output of a fused activation', () => {
  const modified = expect.objectContaining({ code: 'ERR_MODIFIED' });
  const m = own(new ConvTranspose1d(1, 1, 2, { engine, activation: 'relu' }));
  const x = own(randn([1, 1, 3], { engine }));
  const forward = (): Tensor => own(m.forwardSync(x));
  const y = forward();
  x.copyFrom([1, 2, 3]);
  expect(() => m.backwardSync(y)).toThrow(modified);
  forward();
  m.resetParameters();
  expect(() => m.backwardSync(y)).toThrow(modified);
  const z = forward();
  z.copyFrom([1, 2, 3, 4]);
  expect(() => m.backwardSync(y)).toThrow(modified);
  forward();
  own(m.backwardSync(y));
});

test('evaluation and backward leave nothing; training keeps the input alone', async () => {
  const m = own(new ConvTranspose1d(2, 2, 2, { engine, activation: 'silu', inputActivation: 'tanh' })).eval();
  const x = own(randn([1, 2, 100], { engine }));
  const before = engine.memory.bytesInUse;
  for (const evaluate of [() => m.forward(x), () => m.forwardSync(x)]) {
    engine.resetPeak();
    const y = await evaluate();
    expect(engine.memory.bytesPeak).toBe(before + y.byteLength); // not even meanwhile
    y.dispose();
    expect(engine.memory.bytesInUse).toBe(before);
  }
  m.train();
  const y = await m.forward(x);
  expect(engine.memory.bytesInUse).toBe(before + 2 * y.byteLength); // y and what silu needs
  (await m.backward(y)).dispose();
  y.dispose();
  const gradients = m.weight.byteLength + m.bias!.byteLength;
  expect(engine.memory.bytesInUse).toBe(before + gradients);
});

test('a seed gives the same parameters again, whatever else draws from generators of its own', () => {
  manualSeed(11);
  const a = own(new Conv2d(3, 4, 3, { engine }));
  manualSeed(11);
  own(new Conv2d(3, 4, 3, { engine, generator: createGenerator(1) }));
  const b = own(new Conv2d(3, 4, 3, { engine }));
  expect(b.weight.toTypedArray()).toEqual(a.weight.toTypedArray());
  expect(b.bias!.toTypedArray()).toEqual(a.bias!.toTypedArray());
  const version = a.weight.storage.version;
  a.resetParameters();
  expect(a.weight.toTypedArray()).not.toEqual(b.weight.toTypedArray());
  expect(a.weight.storage.version).toBeGreaterThan(version);
});

test('toString: what PyTorch does not have comes last', () => {
  const m = own(
    new ConvTranspose1d(1, 2, 3, { engine, bias: false, activation: 'relu', inputActivation: { leakyRelu: 0.1 } }),
  );
  expect(String(m)).toBe(
    'ConvTranspose1d(1, 2, kernel_size=(3,), stride=(1,), bias=False, activation=relu, input_activation={"leakyRelu":0.1})',
  );
  const uneven = own(new ConvTranspose1d(1, 2, 3, { engine, padding: [[1, 0]] }));
  expect(String(uneven)).toBe('ConvTranspose1d(1, 2, kernel_size=(3,), stride=(1,), padding=((1, 0),))');
});
