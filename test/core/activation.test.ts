import { expect, test } from 'vitest';
import { ACTIVATION_KINDS, checkActivation } from '../../src/core/activation.ts';
import { ArgumentError } from '../../src/core/errors.ts';

const check = (value: unknown): unknown => checkActivation('op', 'activation', value);

test('names and parameters become the numbers that kernels read', () => {
  expect(check(undefined)).toEqual({ kind: 0, a: 0, b: 0 });
  expect(check('none')).toEqual({ kind: 0, a: 0, b: 0 });
  for (const name of ['relu', 'tanh', 'sigmoid', 'silu', 'gelu'] as const) {
    expect(check(name)).toEqual({ kind: ACTIVATION_KINDS[name], a: 0, b: 0 });
  }
  expect(check('leakyRelu')).toEqual({ kind: ACTIVATION_KINDS.leakyRelu, a: 0.01, b: 0 });
  expect(check({ leakyRelu: 0.2 })).toEqual({ kind: ACTIVATION_KINDS.leakyRelu, a: 0.2, b: 0 });
  expect(check({ clamp: [0, 6] })).toEqual({ kind: ACTIVATION_KINDS.clamp, a: 0, b: 6 });
  expect(check({ clamp: [-Infinity, Infinity] })).toEqual({ kind: ACTIVATION_KINDS.clamp, a: -Infinity, b: Infinity });
});

test.each([
  'clamp',
  'ReLU',
  'toString',
  {},
  { leakyRelu: 1, clamp: [0, 1] },
  { clamp: [1, 0] },
  { clamp: [1] },
  { leakyRelu: Infinity },
  { leakyRelu: Number.NaN },
  { clamp: [Number.NaN, 1] },
])('%j is no activation', (value) => {
  expect(() => check(value)).toThrow(ArgumentError);
  expect(() => check(value)).toThrow(/^op: activation/);
});

test.each([1, null, true, ['relu'], { leakyRelu: '0.1' }, { clamp: 3 }, { clamp: [0, '6'] }])(
  '%j has the wrong type',
  (value) => {
    expect(() => check(value)).toThrow(TypeError);
  },
);
