import { expect, test } from 'vitest';
import { pythonNumber, pythonTuple } from '../../src/nn/python.ts';

test.each([
  [0, '0'],
  [0.2, '0.2'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [-2.5e-12, '-2.5e-12'],
  [1e-300, '1e-300'],
  [123456, '123456'],
  [1.5e16, '1.5e+16'],
  [Infinity, 'inf'],
  [-Infinity, '-inf'],
  [Number.NaN, 'nan'],
])('%d', (value, text) => {
  expect(pythonNumber(value)).toBe(text);
});

test('tuples', () => {
  expect(pythonTuple([3])).toBe('(3,)');
  expect(pythonTuple([3, 5])).toBe('(3, 5)');
  expect(pythonTuple([[1, 0]])).toBe('((1, 0),)');
});
