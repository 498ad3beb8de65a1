/** Mistakes in a call of a public function: operands and options that no, or not every, call takes. */

import * as fc from 'fast-check';

/** One mistake. `operand` and `option` are taken modulo the number that the function has. */
export type Mistake =
  | { readonly kind: 'not a tensor'; readonly operand: number; readonly value: unknown }
  | { readonly kind: 'disposed' | 'foreign' | 'dtype'; readonly operand: number }
  | { readonly kind: 'shape'; readonly operand: number; readonly axis: number; readonly length: number | null }
  | { readonly kind: 'like'; readonly operand: number; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'option'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'unknown option'; readonly name: string; readonly value: unknown };

// prettier-ignore
const OPTIONS = [
  'stride', 'padding', 'outputPadding', 'dilation', 'groups', 'outputSize', 'algorithm', 'activation',
  'inputActivation', 'memoryFormat', 'engine', 'signal', 'out', 'outGradInput', 'outGradWeight', 'outputMask',
  'accumulate', 'eps', 'momentum', 'training', 'reduction', 'dim', 'runningMean', 'runningVar',
];
/** Near misses, and names that every object has. */
const NO_OPTIONS = ['strides', 'output_padding', 'constructor', 'toString', 'hasOwnProperty', '0', ''];

const numbers = fc.oneof(
  fc.constantFrom(-1, 0, 1, 2, 3, 1.5, -0, Number.NaN, Infinity, -Infinity, 1e300, 5e-324),
  fc.constantFrom(2 ** 15, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 31)),
  fc.integer({ min: -4, max: 40 }),
);
const text = fc.constantFrom(
  '',
  '2',
  'relu',
  'same',
  'valid',
  'auto',
  'direct',
  'planes',
  'winograd',
  '__proto__',
  'ü',
);
/** Made anew for each call: typed arrays and functions have no equal. */
const others = fc.constantFrom<() => unknown>(
  () => null,
  () => true,
  () => 2n,
  () => Symbol('s'),
  () => ({}),
  () => Object.create(null),
  () => () => 2,
  () => new Date(0),
  () => Promise.resolve(2),
  () => new Float32Array(3),
  () => Object.assign([], { length: 3 }), // holes
  () => ({ clamp: [1, 0] }),
  () => ({ leakyRelu: Number.NaN }),
  () => new Proxy([], {}),
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: numbers },
  { weight: 1, arbitrary: text },
  { weight: 2, arbitrary: others.map((make) => make()) },
  { weight: 2, arbitrary: fc.array(numbers, { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.array(fc.array(numbers, { maxLength: 3 }), { maxLength: 4 }) },
);

/** No tensor and nothing like one: no `data` with a shape. */
const noTensors = fc.oneof(
  numbers,
  text.filter(Boolean),
  others.map((make) => make()).filter((value) => value !== null),
);

const fields = fc.dictionary(fc.constantFrom('data', 'shape', 'dims', 'strides', 'offset', 'type'), values, {
  minKeys: 1,
  maxKeys: 2,
});

const operand = fc.nat(5);
const mistake: fc.Arbitrary<Mistake> = fc.oneof(
  fc.record({ kind: fc.constant('not a tensor' as const), operand, value: noTensors }),
  fc.record({ kind: fc.constantFrom('disposed' as const, 'foreign' as const, 'dtype' as const), operand }),
  fc.record({
    kind: fc.constant('shape' as const),
    operand,
    axis: fc.nat(5),
    length: fc.option(fc.constantFrom(0, 1, 2, 3, 5, 8, 17)),
  }),
  fc.record({ kind: fc.constant('like' as const), operand, fields }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('option' as const), name: fc.constantFrom(...OPTIONS), value: values }) }, // prettier-ignore
  fc.record({ kind: fc.constant('unknown option' as const), name: fc.constantFrom(...NO_OPTIONS), value: values }),
);
export const mistakes: fc.Arbitrary<Mistake[]> = fc.array(mistake, { minLength: 1, maxLength: 3 });

/** Whether no call may accept it, whatever the other mistakes are. */
export function isAlwaysWrong({ kind }: Mistake): boolean {
  return kind === 'not a tensor' || kind === 'disposed' || kind === 'unknown option';
}

/** Whether no call may accept it while the other operands are as they should be. */
export function isWrongAlone({ kind }: Mistake): boolean {
  return kind === 'dtype' || kind === 'foreign';
}
