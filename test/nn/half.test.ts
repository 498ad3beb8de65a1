/** Modules with float16 parameters: they compute in float32 and round once. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Activation, Engine, Module, Tensor } from '../../src/index.ts';
import { codeOf } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await upconv.init();
});
beforeEach(() => void upconv.manualSeed(11));
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

function half(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  return own(own(upconv.tensor(randomFloat32(count, seed), shape)).to('float16'));
}

const float = (t: Tensor): Tensor => own(t.to('float32'));
/** What a float32 result is in float16. */
const rounded = (t: Tensor): ArrayLike<number> => own(own(t).to('float16')).toTypedArray();
const bits = (t: Tensor | null): ArrayLike<number> => own(t as Tensor).toTypedArray();

/** The twin in float32 with the same parameters. */
function twin<M extends Module>(m: M, make: (dtype: 'float32') => M): M {
  const other = make('float32');
  other.loadStateDict(m.stateDict());
  return other;
}

const KINDS: [string, (options: object) => Module, number[]][] = [
  ['ConvTranspose1d', (o) => new upconv.ConvTranspose1d(3, 2, 4, { stride: 2, padding: 1, ...o }), [2, 3, 9]],
  ['ConvTranspose2d', (o) => new upconv.ConvTranspose2d(3, 4, 3, { stride: 2, ...o }), [3, 4, 5]],
  ['ConvTranspose3d', (o) => new upconv.ConvTranspose3d(2, 2, 2, { groups: 2, bias: false, ...o }), [1, 2, 2, 3, 4]],
  ['Conv1d', (o) => new upconv.Conv1d(3, 2, 4, { stride: 2, ...o }), [2, 3, 9]],
  ['Conv2d', (o) => new upconv.Conv2d(3, 5, 3, { padding: 'same', ...o }), [2, 3, 5, 6]],
  ['Conv3d', (o) => new upconv.Conv3d(2, 2, 2, { dilation: 2, ...o }), [1, 2, 3, 4, 5]],
];
/** Those whose gradient is the same function of the output in float16 as in float32, or of their input. */
const ACTIVATIONS: Activation[] = ['none', 'relu', 'silu', 'gelu', { leakyRelu: 0.2 }, { clamp: [-0.25, 0.25] }];

describe.each(KINDS)('%s', (_, construct, shape) => {
  test.each(
    ACTIVATIONS.flatMap((activation) => (['none', 'silu'] as const).map((inner) => [activation, inner] as const)),
  )(
    'activation %j, inputActivation %j: all results are those of float32, rounded',
    async (activation, inputActivation) => {
      const make = (dtype: 'float16' | 'float32') => own(construct({ dtype, activation, inputActivation }));
      const m = make('float16');
      const wide = twin(m, make);
      const x = half(shape, 1);
      const y = own(await m.forward(x));
      expect(y.dtype).toBe('float16');
      expect(y.toTypedArray()).toEqual(rounded(wide.forwardSync(float(x))));
      const gradOutput = half(y.shape, 2);
      const gradInput = await m.backward(gradOutput);
      expect(gradInput.dtype).toBe('float16');
      expect(own(gradInput).toTypedArray()).toEqual(rounded(wide.backwardSync(float(gradOutput))));
      m.parameters().forEach(({ grad }, index) => {
        expect(grad!.dtype).toBe('float16');
        expect(grad!.toTypedArray()).toEqual(bits(wide.parameters()[index].grad!.to('float16')));
      });
      const first = gradInput.toTypedArray();
      expect(bits(m.forwardSync(x))).toEqual(y.toTypedArray());
      expect(bits(m.backwardSync(gradOutput))).toEqual(first);
    },
  );

  test('evaluation, out, prepare and freeze give the same bits', async () => {
    const m = own(construct({ dtype: 'float16', activation: 'gelu' }));
    const x = half(shape, 1);
    const y = own(m.forwardSync(x));
    m.eval();
    expect(bits(await m.forward(x))).toEqual(y.toTypedArray());
    const wider = y.shape.map((length, axis) => (axis === 1 ? length + 3 : length));
    const out = own(own(upconv.zeros(wider, { dtype: 'float16' })).narrow(1, 1, y.shape[1]));
    expect(m.forwardSync(x, { out })).toBe(out);
    expect(out.toTypedArray()).toEqual(y.toTypedArray());
    await m.prepare(shape);
    m.freeze();
    expect(bits(m.forwardSync(x))).toEqual(y.toTypedArray());
    expect(codeOf(() => m.parameters())).toBe('ERR_FROZEN');
    expect(() => m.forwardSync(float(x))).toThrow(upconv.DtypeError);
  });
});

test.each(['tanh', 'sigmoid'] as const)('%s: its gradient is that at the output, which is float16', (activation) => {
  const m = own(new upconv.ConvTranspose1d(1, 1, 1, { dtype: 'float16', activation, bias: false }));
  m.loadStateDict({ weight: { data: [1], shape: [1, 1, 1] } });
  const x = half([1, 1, 200], 1);
  const y = own(m.forwardSync(x));
  const gradOutput = half([1, 1, 200], 2);
  const gradInput = own(m.backwardSync(gradOutput));
  const slope = (value: number) => (activation === 'tanh' ? 1 - value ** 2 : value * (1 - value));
  const [output, grad, got] = [y, gradOutput, gradInput].map((t) => float(t).toTypedArray());
  const expected = grad.map((value, i) => value * slope(output[i]));
  got.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(2 ** -11 * 1.01 * Math.abs(expected[i]) + 2 ** -25);
  });
});

describe('activations', () => {
  /** The last two compute their gradient from the output, which float16 rounds. */
  const MODULES: [string, () => Module, number][] = [
    ['ReLU', () => new upconv.ReLU(), 0],
    ['LeakyReLU', () => new upconv.LeakyReLU(0.3), 0],
    ['SiLU', () => new upconv.SiLU(), 0],
    ['GELU', () => new upconv.GELU(), 0],
    ['Tanh', () => new upconv.Tanh(), 2 ** -9],
    ['Sigmoid', () => new upconv.Sigmoid(), 2 ** -9],
  ];

  test.each(MODULES)('%s', async (_, construct, tolerance) => {
    const m = own(construct());
    const wide = own(construct());
    const base = half([3, 4, 7], 1);
    const x = own(base.permute(2, 0, 1)); // any strides
    const y = own(await m.forward(x));
    expect([y.dtype, y.shape]).toEqual(['float16', [7, 3, 4]]);
    const output = own(wide.forwardSync(float(x)));
    expect(y.toTypedArray()).toEqual(bits(output.to('float16')));
    const gradOutput = own(half([4, 7, 3], 2).permute(1, 2, 0));
    const gradInput = own(await m.backward(gradOutput));
    expect(gradInput.dtype).toBe('float16');
    const expected = own(wide.backwardSync(float(gradOutput)));
    const wanted = float(own(expected.to('float16'))).toTypedArray();
    const difference = float(gradInput)
      .toTypedArray()
      .map((value, i) => value - wanted[i]);
    expect(Math.max(...difference.map(Math.abs))).toBeLessThanOrEqual(tolerance);
    const out = own(own(upconv.zeros([7, 3, 8], { dtype: 'float16' })).narrow(2, 3, 4));
    expect(m.forwardSync(x, { out })).toBe(out);
    expect(out.toTypedArray()).toEqual(y.toTypedArray());
  });

  test.each([1, 5])('PReLU of %i slopes', (slopes) => {
    const m = own(new upconv.PReLU(slopes, { init: 0.3, dtype: 'float16' }));
    const wide = own(new upconv.PReLU(slopes));
    wide.loadStateDict(m.stateDict());
    const [x, gradOutput] = [half([2, 5, 3, 4], 1), half([2, 5, 3, 4], 2)];
    expect(bits(m.forwardSync(x))).toEqual(rounded(wide.forwardSync(float(x))));
    expect(bits(m.backwardSync(gradOutput))).toEqual(rounded(wide.backwardSync(float(gradOutput))));
    expect(m.weight.grad!.dtype).toBe('float16');
    expect(m.weight.grad!.toTypedArray()).toEqual(bits(wide.weight.grad!.to('float16')));
    m.eval().freeze();
    expect(bits(m.forwardSync(x))).toEqual(rounded(wide.forwardSync(float(x))));
    expect(() => m.forwardSync(float(x))).toThrow(upconv.DtypeError);
  });
});

describe('gradients', () => {
  const make = () => own(new upconv.ConvTranspose2d(2, 3, 3, { dtype: 'float16', activation: 'silu' }));

  test('of several passes are added in float32 and rounded', () => {
    const m = make();
    const x = half([1, 2, 4, 4], 1);
    const gradOutput = half([1, 3, 6, 6], 2);
    const pass = (): void => {
      own(m.forwardSync(x));
      own(m.backwardSync(gradOutput));
    };
    pass();
    const once = m.weight.grad!.toTypedArray();
    pass();
    // twice a float16 number is one
    const twice = float(own(upconv.tensor(once, m.weight.shape, { dtype: 'float16' }))).toTypedArray();
    const got = float(m.weight.grad!).toTypedArray();
    const wrong = got.filter((value, i) => Math.abs(value - 2 * twice[i]) > 2 ** -10 * Math.abs(value) + 2 ** -24);
    expect([...wrong]).toEqual([]);
    m.zeroGrad();
    expect(new Set(m.weight.grad!.toTypedArray())).toEqual(new Set([0]));
  });

  test('are not computed from what was written to since', async () => {
    const m = make();
    const x = half([1, 2, 4, 4], 1);
    const gradOutput = half([1, 3, 6, 6], 2);
    const changes: (() => unknown)[] = [
      () => x.copyFrom(new Float32Array(32)),
      () => m.weight.copyFrom(m.weight.toTypedArray()),
      () => (x.data[3] ^= 1),
      () => upconv.initializers.uniform_(m.weight, -1, 1),
    ];
    for (const change of changes) {
      own(m.forwardSync(x));
      change();
      await expect(m.backward(gradOutput)).rejects.toMatchObject({ code: 'ERR_MODIFIED' });
      expect(codeOf(() => m.backwardSync(gradOutput))).toBe('ERR_MODIFIED');
    }
    m.eval();
  });

  test('of vjp, twice', async () => {
    const m = make();
    const [x, gradOutput] = [half([1, 2, 4, 4], 1), half([1, 3, 6, 6], 2)];
    const passes = await Promise.all([m.vjp(x), m.vjp(x)]);
    const results = await Promise.all(passes.map(async (pass) => pass.backward(gradOutput)));
    expect(own(results[0]).toTypedArray()).toEqual(own(results[1]).toTypedArray());
    for (const { output } of passes) expect(own(output).dtype).toBe('float16');
  });
});

test('a Sequential learns as in float32, and freezes', async () => {
  const make = (dtype: 'float16' | 'float32') =>
    own(
      new upconv.Sequential(
        new upconv.ConvTranspose2d(3, 4, 4, { stride: 2, padding: 1, dtype, activation: 'gelu' }),
        new upconv.PReLU(4, { dtype }),
        new upconv.Tanh(),
        new upconv.Conv2d(4, 2, 3, { padding: 1, dtype, inputActivation: 'relu' }),
      ),
    );
  const m = make('float16');
  const [x, target] = [half([2, 3, 5, 5], 1), half([2, 2, 10, 10], 2)];
  const learn = async (network: Module, input: Tensor, wanted: Tensor): Promise<number[]> => {
    const optimizer = own(new upconv.Adam(network.parameters(), { lr: 0.02 }));
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      const y = own(await network.forward(input));
      const loss = own(await upconv.mseLoss(y, wanted));
      losses.push(loss.value);
      network.zeroGrad();
      const settled = [network.backward(loss.gradOutput), optimizer.step()] as const; // in call order
      own(await settled[0]);
      await settled[1];
    }
    return losses;
  };
  const expected = await learn(twin(m, make), float(x), float(target));
  const losses = await learn(m, x, target);
  losses.forEach((loss, step) => expect(Math.abs(loss / expected[step] - 1)).toBeLessThan(0.02));
  expect(losses[11]).toBeLessThan(0.95 * losses[0]);
  m.eval();
  const y = own(await m.forward(x));
  await m.prepare(x.shape);
  m.freeze();
  expect(bits(m.forwardSync(x))).toEqual(y.toTypedArray());
  expect(bits(m.forwardSync({ data: x.toTypedArray(), shape: x.shape, type: 'float16' }))).toEqual(y.toTypedArray());
});

test('state goes in from float32 and comes out as float16', () => {
  const wide = own(new upconv.ConvTranspose1d(2, 2, 3));
  const m = own(new upconv.ConvTranspose1d(2, 2, 3, { dtype: 'float16' }));
  m.loadStateDict(wide.stateDict());
  expect(m.weight.dtype).toBe('float16');
  expect(m.weight.toTypedArray()).toEqual(bits(wide.weight.to('float16')));
  expect(Object.values(m.stateDict()).map(({ dtype }) => dtype)).toEqual(['float16', 'float16']);
});

test('mixed dtypes are refused, and nothing is left', async () => {
  const float16 = half([1, 1, 3, 3], 1);
  const float32 = float(float16);
  for (const activation of ['none', 'silu'] as const) {
    const m = own(new upconv.ConvTranspose2d(1, 1, 2, { dtype: 'float16', activation }));
    const { tensors } = engine.memory;
    expect(() => m.forwardSync(float32)).toThrow('input expected float16, got float32');
    await expect(m.forward(float32)).rejects.toThrow(upconv.DtypeError);
    const y = m.forwardSync(float16);
    const wide = y.to('float32');
    expect(() => m.backwardSync(wide)).toThrow('gradOutput expected float16, got float32');
    wide.dispose();
    y.dispose();
    m.eval();
    expect(engine.memory.tensors).toBe(tensors);
    const wideModule = own(new upconv.ConvTranspose2d(1, 1, 2, { activation }));
    expect(() => wideModule.forwardSync(float16)).toThrow('input expected float32, got float16');
  }
  expect(() => new upconv.ConvTranspose2d(1, 1, 2, { dtype: 'bfloat16' as never })).toThrow(upconv.DtypeError);
  expect(() => new upconv.PReLU(1, { dtype: 'half' as never })).toThrow(upconv.DtypeError);
});
