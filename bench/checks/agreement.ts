/** Whether another library computed what we computed. */

import { shapesOf, sizeOf } from '../../src/cli/benchmark/layer.ts';
import type { Layer } from '../../src/cli/benchmark/layer.ts';
import type { Results } from '../peers/peer.ts';

/**
 * Two sums of K products of numbers in [-1, 1] differ by rounding alone: partial sums stay near √K ÷ 3, and K roundings
 * add up like √K of them, so both are within about K · 2⁻²⁴ ÷ 4 of the truth. A wrong product is near 1 ÷ 3.
 */
export function toleranceFor(products: number): number {
  return 8 * products * 2 ** -24;
}

/** Most products that one element of a result adds up. */
export function productsPerElement(layer: Layer): Readonly<Record<keyof Results, number>> {
  const { kind, batch, cin, cout, groups, kernel, stride, dilation } = layer;
  const taps = sizeOf(kernel);
  // Taps that are a stride apart meet in one element of the larger image.
  const meeting = sizeOf(kernel.map((k, axis) => Math.ceil((k * gcd(stride[axis], dilation[axis])) / stride[axis])));
  const smaller = kind === 'conv' ? shapesOf(layer).output : shapesOf(layer).input;
  const gradWeight = batch * sizeOf(smaller.slice(2));
  return kind === 'conv'
    ? { output: (cin / groups) * taps, gradInput: (cout / groups) * meeting, gradWeight }
    : { output: (cin / groups) * meeting, gradInput: (cout / groups) * taps, gradWeight };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Largest difference as a multiple of the tolerance; NaN for a result of another size or with a NaN. */
export function disagreement(layer: Layer, results: Results, ours: Results): number {
  const products = productsPerElement(layer);
  const differences = (Object.keys(results) as (keyof Results)[]).map(
    (name) => largestDifference(results[name] ?? [], ours[name] ?? [NaN]) / toleranceFor(products[name]),
  );
  return Math.max(...differences);
}

/** NaN where lengths differ or a number is none. */
export function largestDifference(numbers: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (numbers.length !== expected.length) return NaN;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(numbers[i] - expected[i]));
  }
  return largest;
}

/** Norm of the difference over the norm; NaN where lengths differ or a number is none. */
export function relativeDifference(numbers: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (numbers.length !== expected.length) return NaN;
  let difference = 0;
  let square = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (numbers[i] - expected[i]) ** 2;
    square += expected[i] ** 2;
  }
  return Math.sqrt(difference / square);
}
