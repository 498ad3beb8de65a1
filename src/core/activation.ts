/** Activation functions: what users write, and the numbers that kernels read. */

import { ArgumentError } from './errors.ts';
import { checkNumber, describe, wrongType } from './validate.ts';

export type ActivationName = 'none' | 'relu' | 'tanh' | 'sigmoid' | 'silu' | 'gelu' | 'leakyRelu';

/** A name ('leakyRelu' has slope 0.01), or an activation with parameters. */
export type Activation =
  | ActivationName
  | { readonly leakyRelu: number }
  | { readonly clamp: readonly [number, number] };

/** Kinds of assembly/elementwise/activation.ts. */
export const ACTIVATION_KINDS: Readonly<Record<ActivationName | 'clamp', number>> = {
  none: 0,
  relu: 1,
  tanh: 2,
  sigmoid: 3,
  silu: 4,
  gelu: 5,
  leakyRelu: 6,
  clamp: 7,
};

/** Parameters of a kind: `a` is the slope of leakyRelu or the minimum of clamp, `b` the maximum of clamp. */
export interface CheckedActivation {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

export const NO_ACTIVATION: CheckedActivation = { kind: 0, a: 0, b: 0 };

const DEFAULT_SLOPE = 0.01;
const EXPECTED =
  "'none' | 'relu' | 'tanh' | 'sigmoid' | 'silu' | 'gelu' | 'leakyRelu' | { leakyRelu: slope } | { clamp: [min, max] }";

/**
 * @param value what the user gave; undefined means 'none'
 * @throws {TypeError} when `value` is neither a string nor an object, or a parameter is not a number.
 * @throws {ArgumentError} for an unknown name or key, NaN, an infinite slope, or min > max.
 */
export function checkActivation(operation: string, argument: string, value: unknown): CheckedActivation {
  if (value === undefined || value === 'none') return NO_ACTIVATION;
  if (typeof value === 'string') {
    if (!(Object.hasOwn(ACTIVATION_KINDS, value) && value !== 'clamp')) {
      throw new ArgumentError(operation, argument, EXPECTED, describe(value));
    }
    return { kind: ACTIVATION_KINDS[value as ActivationName], a: value === 'leakyRelu' ? DEFAULT_SLOPE : 0, b: 0 };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(operation, argument, 'a string or an object', value);
  }
  const keys = Object.keys(value);
  if (keys.length === 1 && 'leakyRelu' in value) {
    const slope = checkNumber(operation, `${argument}.leakyRelu`, value.leakyRelu);
    if (!Number.isFinite(slope)) {
      throw new ArgumentError(operation, `${argument}.leakyRelu`, 'a finite slope', String(slope));
    }
    return { kind: ACTIVATION_KINDS.leakyRelu, a: slope, b: 0 };
  }
  if (keys.length === 1 && 'clamp' in value) return checkClamp(operation, `${argument}.clamp`, value.clamp);
  throw new ArgumentError(operation, argument, EXPECTED, `an object with ${keys.join(', ') || 'no keys'}`);
}

function checkClamp(operation: string, argument: string, range: unknown): CheckedActivation {
  if (!Array.isArray(range)) throw wrongType(operation, argument, '[min, max]', range);
  if (range.length !== 2) throw new ArgumentError(operation, argument, '[min, max]', describe(range));
  const [a, b] = Array.from(range, (bound) => checkNumber(operation, argument, bound));
  if (a > b) throw new ArgumentError(operation, argument, '[min, max] with min ≤ max', describe(range));
  return { kind: ACTIVATION_KINDS.clamp, a, b };
}
