/** Constructor options of the six convolution modules: what they default to, where they go, what is refused. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  createEngine,
  createGenerator,
  randn,
  zeros,
} from '../../src/index.ts';
import type { ConvTransposeModuleOptions, Engine } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(() => releaseAll(engine));

type Options = ConvTransposeModuleOptions;
/** What the six have in common. */
type ConvModule = ConvTranspose2d;
type Constructor = new (inChannels: number, outChannels: number, kernelSize: unknown, options?: object) => ConvModule;

const KINDS = (['ConvTranspose', 'Conv'] as const).flatMap((base) =>
  ([1, 2, 3] as const).map((axes) => ({ base, axes, name: `${base}${axes}d` as const })),
);
const MODULES = { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Conv1d, Conv2d, Conv3d };
const constructorOf = (name: keyof typeof MODULES): Constructor => MODULES[name] as unknown as Constructor;

describe.each(KINDS)('$name', ({ base, axes, name }) => {
  const transposed = base === 'ConvTranspose';
  const make = (inChannels: number, outChannels: number, kernelSize: unknown, options: object = {}): ConvModule =>
    own(new (constructorOf(name))(inChannels, outChannels, kernelSize, { engine, ...options }));
  const each = <T>(value: T): T[] => Array.from({ length: axes }, () => value);

  test('defaults, as PyTorch has them, and properties', () => {
    const m = make(4, 6, 3);
    expect(m).toMatchObject({
      inChannels: 4,
      outChannels: 6,
      kernelSize: each(3),
      stride: each(1),
      padding: each(0),
      outputPadding: each(0),
      groups: 1,
      dilation: each(1),
      paddingMode: 'zeros',
      activation: 'none',
      inputActivation: 'none',
      training: true,
    });
    expect(m.weight.shape).toEqual([...(transposed ? [4, 6] : [6, 4]), ...each(3)]);
    expect(m.bias!.shape).toEqual([6]);
    expect([m.weight.dtype, m.weight.engine, m.weight.grad]).toEqual(['float32', engine, null]);
    const given = make(4, 6, each(2), {
      stride: each(3),
      padding: [1],
      groups: 2,
      dilation: 2,
      bias: false,
      dtype: 'float64',
      activation: 'relu',
      inputActivation: { leakyRelu: 0.5 },
      ...(transposed ? { outputPadding: each(1) } : {}),
    });
    expect(given).toMatchObject({
      kernelSize: each(2),
      stride: each(3),
      padding: each(1),
      outputPadding: each(transposed ? 1 : 0),
      groups: 2,
      dilation: each(2),
      activation: 'relu',
      inputActivation: { leakyRelu: 0.5 },
      bias: null,
    });
    expect(given.weight.shape).toEqual([...(transposed ? [4, 3] : [6, 2]), ...each(2)]);
    expect(given.weight.dtype).toBe('float64');
    expect(Object.keys(given.stateDict())).toEqual(['weight']);
    const undefinedOptions = Object.fromEntries(
      ['stride', 'padding', 'groups', 'bias', 'dilation', 'paddingMode', 'activation', 'dtype', 'generator'].map(
        (option) => [option, undefined],
      ),
    );
    expect(String(make(4, 6, 3, undefinedOptions))).toBe(String(m));
  });

  const uneven = Array.from({ length: axes }, (_, axis): [number, number] => [1 + axis, 2]);
  const OPTIONS: Options[] = [
    { stride: 2, dilation: 3, padding: 2, groups: 2 },
    { padding: uneven, bias: false, stride: [3] },
    { activation: 'tanh', inputActivation: { clamp: [-0.5, 1] }, stride: 2 },
    { dtype: 'float64', groups: 4 },
    ...(transposed ? [{ stride: 3, outputPadding: 2, dilation: 2 }] : [{ padding: 'same', dilation: 2 } as never]),
  ];

  test.each(OPTIONS)('what the constructor is given goes to the operation: %j', async (options) => {
    const m = make(4, 8, 3, { ...options, generator: createGenerator(3) });
    const { bias: _, dtype, ...functional } = options;
    const x = own(randn([2, 4, ...each(9)], { engine, dtype, generator: createGenerator(4) }));
    const { forward } = (transposed ? CONV_TRANSPOSE : CONV)[axes];
    const expected = own(await forward(x, m.weight, m.bias, functional as never));
    expect(own(m.eval().forwardSync(x)).toTypedArray()).toEqual(expected.toTypedArray());
    const out = own(zeros(expected.shape, { engine, dtype }));
    expect(await m.forward(x, { out })).toBe(out);
    expect(out.toTypedArray()).toEqual(expected.toTypedArray());
  });

  test.each<[string, unknown[]]>([
    ['inChannels 0', [0, 4, 3]],
    ['inChannels 1.5', [1.5, 4, 3]],
    ['outChannels NaN', [4, Number.NaN, 3]],
    ['outChannels 0', [4, 0, 3]],
    ['kernelSize 0', [4, 4, 0]],
    ['kernelSize with too many axes', [4, 4, [1, 1, 1, 1]]],
    ['groups that do not divide inChannels', [3, 4, 3, { groups: 2 }]],
    ['groups that do not divide outChannels', [4, 3, 3, { groups: 2 }]],
    ['groups 0', [4, 4, 3, { groups: 0 }]],
    ['stride 0', [4, 4, 3, { stride: 0 }]],
    ['stride 1.5', [4, 4, 3, { stride: 1.5 }]],
    ['padding -1', [4, 4, 3, { padding: -1 }]],
    ['dilation 0', [4, 4, 3, { dilation: 0 }]],
    ['paddingMode', [4, 4, 3, { paddingMode: 'reflect' }]],
    ['activation', [4, 4, 3, { activation: 'swish' }]],
    ['inputActivation', [4, 4, 3, { inputActivation: { clamp: [2, 1] } }]],
    ['an unknown option', [4, 4, 3, { strides: 1 }]],
  ])('%s: ArgumentError', (_, values) => {
    const [inChannels, outChannels, kernelSize, options] = values as [number, number, unknown, object?];
    expect(() => make(inChannels, outChannels, kernelSize, options)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(`${name}: `) as string }),
    );
  });

  test.each<[string, unknown[]]>([
    ['inChannels as string', ['4', 4, 3]],
    ['kernelSize missing', [4, 4, undefined]],
    ['kernelSize as string', [4, 4, '3']],
    ['options in place of the kernel', [4, 4, { stride: 2 }]],
    ['options as number', [4, 4, 3, 2]],
    ['bias as tensor', [4, 4, 3, { bias: {} }]],
    ['engine', [4, 4, 3, { engine: {} }]],
    ['generator', [4, 4, 3, { generator: 7 }]],
  ])('%s: TypeError', (_, values) => {
    const [inChannels, outChannels, kernelSize, options] = values as [number, number, unknown, object?];
    const constructor = constructorOf(name);
    const all = typeof options === 'number' ? options : { engine, ...options };
    expect(() => new constructor(inChannels, outChannels, kernelSize, all as object)).toThrow(TypeError);
  });
});

test.each([-1, 2, 7, 1.5, Number.NaN, [1, 9]])(
  'outputPadding %j waits for the call, where an outputSize replaces it',
  async (outputPadding) => {
    const m = own(new ConvTranspose2d(1, 1, 3, { stride: 2, outputPadding, engine }));
    const x = own(randn([1, 1, 4, 5], { engine }));
    await expect(m.forward(x)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('outputPadding') as string,
    });
    expect(() => m.forwardSync(x)).toThrow(ArgumentError);
    const y = own(await m.forward(x, { outputSize: [10, 11] }));
    expect(y.shape).toEqual([1, 1, 10, 11]);
    expect(own(await m.backward(y)).shape).toEqual(x.shape);
    await expect(m.forward(x, { outputSize: [8, 11] })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  },
);

test('other mistakes have words of their own', () => {
  const argument = expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error;
  const make =
    (name: 'ConvTranspose2d' | 'Conv2d', options: object, kernelSize: unknown = 3): (() => ConvModule) =>
    () =>
      new (constructorOf(name))(4, 4, kernelSize, { engine, ...options });
  expect(make('ConvTranspose2d', { output_padding: 1 })).toThrow(/did you mean outputPadding/);
  expect(make('ConvTranspose2d', { stride: Number.NaN })).toThrow(argument);
  expect(make('ConvTranspose2d', { dtype: 'int8' })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }) as Error);
  expect(make('ConvTranspose2d', { padding: 'same' })).toThrow(TypeError);
  expect(make('ConvTranspose2d', { outputPadding: '1' })).toThrow(TypeError);
  expect(make('ConvTranspose2d', { activation: 3 })).toThrow(TypeError);
  expect(make('Conv2d', { padding: 'same', stride: 2 })).toThrow(argument);
  expect(make('Conv2d', { padding: 'full' })).toThrow(argument);
  expect(make('Conv2d', { outputPadding: 1 })).toThrow(argument);
});
