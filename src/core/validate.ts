/** Checks of option objects, numbers and tuples, shared by every operation. */

import { ArgumentError } from './errors.ts';

/** A number for every axis, or one number per axis; a one-element tuple stands for every axis. */
export type PerAxis = number | readonly number[];

/** What a received value looks like in a message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (isPromise(value)) return 'a Promise (missing await)';
  if (typeof value === 'function') return 'a function';
  const name = value.constructor?.name;
  return name && name !== 'Object' ? `a ${name}` : 'an object';
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** For a value that is not of a type that the argument has, in the words of the other errors. */
export function wrongType(operation: string, argument: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${operation}: ${argument} expected ${expected}, got ${describe(value)}`);
}

/** Sizes and offsets are i32 in the kernels. */
const MAXIMUM_INTEGER = 2 ** 31 - 1;

/**
 * @throws {TypeError} when `value` is not a number.
 * @throws {ArgumentError} when it is not an integer from `minimum` to 2³¹ − 1.
 */
export function checkInteger(operation: string, argument: string, value: unknown, minimum: number): number {
  if (typeof value !== 'number') {
    throw wrongType(operation, argument, 'a number', value);
  }
  if (!Number.isInteger(value) || value < minimum || value > MAXIMUM_INTEGER) {
    const expected = Number.isInteger(value) && value > minimum ? `at most ${MAXIMUM_INTEGER}` : `at least ${minimum}`;
    throw new ArgumentError(operation, argument, `an integer of ${expected}`, String(value));
  }
  return value;
}

/**
 * One integer per axis.
 * @throws {TypeError} when `value` is neither a number nor an array of numbers.
 * @throws {ArgumentError} when an entry is not an integer ≥ `minimum`, or the length does not fit.
 */
export function checkPerAxis(
  operation: string,
  argument: string,
  value: unknown,
  axes: number,
  minimum: number,
): number[] {
  if (typeof value !== 'number' && !Array.isArray(value)) {
    throw wrongType(operation, argument, 'a number or an array of numbers', value);
  }
  const entries: unknown[] = typeof value === 'number' ? [value] : value;
  if (entries.length !== axes && entries.length !== 1) {
    throw new ArgumentError(operation, argument, `a number or ${axes} values`, describe(value));
  }
  const checked = checkEach(operation, argument, entries, minimum);
  while (checked.length < axes) checked.push(checked[0]);
  return checked;
}

/** Every call comes here several times: `Array.from` takes three times as long, and `map` would skip holes. */
function checkEach(operation: string, argument: string, entries: readonly unknown[], minimum: number): number[] {
  const checked: number[] = [];
  for (const entry of entries) checked.push(checkInteger(operation, argument, entry, minimum));
  return checked;
}

/**
 * A shape, or sizes of axes.
 * @throws {TypeError} when `value` is not an array of numbers.
 * @throws {ArgumentError} when an entry is not an integer of at least 0.
 */
export function checkSizes(operation: string, argument: string, value: unknown): number[] {
  if (!Array.isArray(value)) {
    throw wrongType(operation, argument, 'an array of numbers', value);
  }
  return checkEach(operation, argument, value, 0);
}

/** @throws {TypeError} when `value` is not a finite or infinite number (NaN: ArgumentError). */
export function checkNumber(operation: string, argument: string, value: unknown, minimum: number = -Infinity): number {
  if (typeof value !== 'number') {
    throw wrongType(operation, argument, 'a number', value);
  }
  if (Number.isNaN(value) || value < minimum) {
    const expected = minimum === -Infinity ? 'a number' : `a number of at least ${minimum}`;
    throw new ArgumentError(operation, argument, expected, String(value));
  }
  return value;
}

/** @throws {TypeError} when `value` is not a number; {ArgumentError} when it is infinite or NaN, or below `minimum`. */
export function checkFinite(operation: string, argument: string, value: unknown, minimum: number = -Infinity): number {
  const number = checkNumber(operation, argument, value, minimum);
  if (Number.isFinite(number)) return number;
  throw new ArgumentError(operation, argument, 'a finite number', String(number));
}

/** @throws {ArgumentError} when `value` is none of `choices`. */
export function checkChoice<T extends string>(
  operation: string,
  argument: string,
  value: unknown,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new ArgumentError(operation, argument, choices.map((choice) => `'${choice}'`).join(' | '), describe(value));
}

/** @throws {TypeError} when `value` is not a boolean. */
export function checkBoolean(operation: string, argument: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType(operation, argument, 'true or false', value);
}

/**
 * For calls that can be aborted, before they begin.
 * @throws {TypeError} when `signal` is not an AbortSignal.
 * @throws its reason when it is aborted.
 */
export function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || signal === null) return;
  const given = signal as Partial<AbortSignal>;
  if (typeof given.addEventListener !== 'function') {
    throw wrongType(operation, 'signal', 'an AbortSignal', signal);
  }
  if (given.aborted) throw given.reason;
}

/**
 * Rejects options that the operation does not know, so that a misspelt one is never ignored.
 * @throws {TypeError} when `options` is not a plain object.
 * @throws {ArgumentError} for an unknown key, naming the camelCase one when PyTorch's name was used.
 */
export function checkOptions(operation: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrongType(operation, 'options', 'an object', options);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const camelCase = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const expected = known.includes(camelCase)
      ? `a known option (did you mean ${camelCase}?)`
      : `one of ${known.join(', ')}`;
    throw new ArgumentError(operation, 'options', expected, `'${key}'`);
  }
}
