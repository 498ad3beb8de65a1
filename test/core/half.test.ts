import { describe, expect, test } from 'vitest';
import { halfBits, halfValue } from '../../src/core/half.ts';

/** Every half, from the definition: sign · 2^(exponent − 15) · 1.fraction, or · 2^−14 · 0.fraction. */
function defined(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const [exponent, fraction] = [Math.floor(bits / 1024) % 32, (bits % 1024) / 1024];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

const ALL = Array.from({ length: 65536 }, (_, bits) => bits);

test('the value of every half', () => {
  expect(ALL.filter((bits) => !Object.is(halfValue(bits), defined(bits)))).toEqual([]);
});

test('every half but NaN comes back', () => {
  const changed = ALL.filter((bits) => !Number.isNaN(defined(bits)) && halfBits(defined(bits)) !== bits);
  expect(changed).toEqual([]);
  expect(halfBits(NaN)).toBe(0x7e00);
});

describe('rounding', () => {
  test('between neighbours: to the nearer one, in the middle to the even one, from all bits of a float64', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [defined(bits), defined(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const hair = (high - low) * 2 ** -40; // lost where float32 comes between
      const rounded = [middle, middle - hair, middle + hair, -middle].map((value) => halfBits(value));
      if (String(rounded) !== String([even, bits, bits + 1, even + 0x8000])) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-65520, 0xfc00],
    [1e300, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 1],
    [-(2 ** -30), 0x8000],
    [-0, 0x8000],
    [5e-324, 0],
  ])('%d', (value, bits) => {
    expect(halfBits(value)).toBe(bits);
  });
});
