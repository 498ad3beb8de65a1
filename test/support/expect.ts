import { expect } from 'vitest';
import type { Tensor } from '../../src/index.ts';
import type { RefTensor, Sums } from '../reference/tensor.ts';

/** What a result must offer: the package's tensors do, and so does any `{ shape, values }`. */
export type Result =
  | { readonly shape: readonly number[]; toTypedArray(): ArrayLike<number> }
  | { readonly shape: readonly number[]; readonly values: ArrayLike<number> };

type Limit = (index: number, expected: number) => number;

/**
 * The error bound of a sum of K products: 4 * sqrt(K) * 2^-24 * sum(|products|) for float32, and
 * 1e-12 * sum(|products|) for float64. An element without products must be exactly 0.
 * `expected` replaces the numbers of the reference, for instance by those of PyTorch.
 */
export function expectWithinBound(got: Result, reference: Sums, expected: RefTensor = reference): void {
  const values = valuesOf(got);
  const limit: Limit =
    values instanceof Float64Array
      ? (index) => 1e-12 * reference.magnitude[index]
      : (index) => 4 * Math.sqrt(reference.terms[index]) * 2 ** -24 * reference.magnitude[index];
  expectWithin(got, expected, limit);
}

/**
 * The bound of a path that transforms tiles: errors are those of the largest sum of a tile, here of the whole result. A
 * transform adds up a few numbers more.
 * @param tiles what tiles hold where that is more than the result: sums that are cropped away
 */
export function expectWithinTransformed(
  got: Result,
  reference: Sums,
  expected: RefTensor = reference,
  tiles: Sums = reference,
): void {
  const largest = (of: 'terms' | 'magnitude'): number =>
    [reference, tiles].reduce((most, sums) => sums[of].reduce((x, y) => Math.max(x, y), most), 0);
  const bound = 8 * Math.sqrt(Math.max(4, largest('terms'))) * 2 ** -24 * largest('magnitude');
  expectWithin(got, expected, () => bound);
}

/** The check of results of an algorithm. */
export function expectOf(algorithm: string, dtype = 'float32'): typeof expectWithinTransformed {
  return algorithm === 'winograd' && dtype !== 'float64' ? expectWithinTransformed : expectWithinBound;
}

/** Shape equal, and every element within `limit` of `expected`; NaN and infinities exactly. */
export function expectWithin(got: Result, expected: RefTensor, limit: Limit): void {
  const values = valuesOf(got);
  expectShape(got, values, expected);
  const wrong: string[] = [];
  for (let index = 0; index < values.length; index++) {
    const [value, wanted] = [values[index], expected.data[index]];
    if (Object.is(value, wanted) || value === wanted) continue;
    const allowed = limit(index, wanted);
    // written so that a NaN on either side fails
    if (Number.isFinite(wanted) && Math.abs(value - wanted) <= allowed) continue;
    wrong.push(`[${index}] got ${value}, expected ${wanted} within ${allowed}`);
  }
  expectNone(wrong, values.length);
}

/** The same numbers to the last bit: NaN where NaN, and the sign of every zero. */
export function expectIdentical(got: Result, expected: RefTensor, label = ''): void {
  const values = valuesOf(got);
  expectShape(got, values, expected, label);
  const wrong: string[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!Object.is(values[index], expected.data[index])) {
      wrong.push(`[${index}] got ${text(values[index])}, expected ${text(expected.data[index])}`);
    }
  }
  expectNone(wrong, values.length, label);
}

function expectShape(got: Result, values: ArrayLike<number>, expected: RefTensor, label = ''): void {
  const describe = (shape: readonly number[], count: number): string =>
    `${label} shape [${shape.join(', ')}], ${count} elements`;
  const [is, wanted] = [describe(got.shape, values.length), describe(expected.shape, expected.data.length)];
  // most are the same, and tests compare 100,000 results: not by an assertion each
  if (is !== wanted) expect.fail(`got ${is}, expected ${wanted}`);
}

function expectNone(wrong: readonly string[], count: number, label = ''): void {
  if (wrong.length > 0)
    expect.fail(`${label} ${wrong.length} of ${count} elements differ:\n${wrong.slice(0, 6).join('\n')}`);
}

function valuesOf(result: Result): ArrayLike<number> {
  return 'toTypedArray' in result ? result.toTypedArray() : result.values;
}

const text = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Of two ways to compute the same. */
export function expectClose(got: Tensor, expected: Tensor): void {
  const [a, b] = [got, expected].map((t) => Float64Array.from(t.toTypedArray()));
  expect(got.shape).toEqual(expected.shape);
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  expect(worst / scale).toBeLessThan(2e-6);
}
