/** Initialisers: each overwrites a tensor and returns it. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Generator } from '../core/generator.ts';
import { generatorOrDefault } from '../core/generator.ts';
import { formatShape } from '../core/shape.ts';
import { checkChoice, checkNumber, checkOptions } from '../core/validate.ts';
import { checkTensor } from '../functional/arguments.ts';
import { fillNormal, fillUniform } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface InitializerOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export interface KaimingOptions extends InitializerOptions {
  /** Slope of the leaky ReLU behind the weight; default 0. */
  a?: number;
  /** Which side of the weight sets the scale; default 'fanIn' (axis 1 · kernel), 'fanOut' is axis 0 · kernel. */
  mode?: 'fanIn' | 'fanOut';
  nonlinearity?: 'leakyRelu' | 'relu' | 'tanh' | 'sigmoid' | 'linear';
}

/** Largest finite numbers. */
const LARGEST = { float64: Number.MAX_VALUE, float32: (2 - 2 ** -23) * 2 ** 127, float16: 65504 } as const;

/** Normal numbers. */
export function normal_(tensor: Tensor, mean = 0, std = 1, options: InitializerOptions = {}): Tensor {
  checkTensor('normal_', 'tensor', tensor);
  checkOptions('normal_', options, ['generator']);
  checkNumber('normal_', 'mean', mean);
  checkNumber('normal_', 'std', std, 0);
  return fillNormal(tensor, mean, std, generatorOrDefault('normal_', options.generator));
}

/** Numbers of [from, to). */
export function uniform_(tensor: Tensor, from = 0, to = 1, options: InitializerOptions = {}): Tensor {
  checkTensor('uniform_', 'tensor', tensor);
  checkOptions('uniform_', options, ['generator']);
  checkNumber('uniform_', 'from', from);
  checkNumber('uniform_', 'to', to);
  if (from > to) throw new ArgumentError('uniform_', 'to', `at least from = ${from}`, String(to));
  const largest = LARGEST[tensor.dtype];
  if (!(to - from <= largest)) {
    throw new ArgumentError('uniform_', 'to', `at most ${largest} above from, as ${tensor.dtype} holds`, String(to));
  }
  return fillUniform(tensor, from, to, generatorOrDefault('uniform_', options.generator));
}

/** One number everywhere. */
export function constant_(tensor: Tensor, value: number): Tensor {
  checkTensor('constant_', 'tensor', tensor);
  if (typeof value !== 'number') checkNumber('constant_', 'value', value);
  return tensor.copyFrom(new Float64Array(tensor.size).fill(value));
}

/**
 * Kaiming's uniform distribution: ±gain · √(3 / fan).
 * @throws {ShapeError} for a tensor of less than two axes.
 */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const operation = 'kaimingUniform_';
  checkTensor(operation, 'tensor', tensor);
  checkOptions(operation, options, ['a', 'mode', 'nonlinearity', 'generator']);
  const { shape, size } = tensor;
  if (shape.length < 2) throw new ShapeError(operation, 'tensor', 'at least 2 axes', formatShape(shape));
  const a = checkNumber(operation, 'a', options.a ?? 0);
  const mode = checkChoice(operation, 'mode', options.mode ?? 'fanIn', ['fanIn', 'fanOut']);
  const nonlinearity = checkChoice(operation, 'nonlinearity', options.nonlinearity ?? 'leakyRelu', [
    'leakyRelu',
    'relu',
    'tanh',
    'sigmoid',
    'linear',
  ]);
  const gains = { leakyRelu: Math.sqrt(2 / (1 + a ** 2)), relu: Math.SQRT2, tanh: 5 / 3, sigmoid: 1, linear: 1 };
  const generator = generatorOrDefault(operation, options.generator);
  if (size === 0) return tensor;
  const fan = size / shape[mode === 'fanIn' ? 0 : 1];
  // PyTorch's order of operations: the bits depend on it
  const bound = Math.sqrt(3) * (gains[nonlinearity] / Math.sqrt(fan));
  return fillUniform(tensor, -bound, bound, generator);
}

/** One object, not the namespace of this module: bundlers leave out one that is not used. */
export const initializers: {
  readonly normal_: typeof normal_;
  readonly uniform_: typeof uniform_;
  readonly constant_: typeof constant_;
  readonly kaimingUniform_: typeof kaimingUniform_;
} = { normal_, uniform_, constant_, kaimingUniform_ };
