import { describe, expect, test } from 'vitest';
import { isComplete, parseOptions, SUITES } from '../../bench/options.ts';
import type { BenchOptions } from '../../bench/options.ts';
import { LIBRARY_NAMES } from '../../bench/peers/libraries.ts';

const parse = (...args: string[]): BenchOptions => parseOptions(args) as BenchOptions;

test('by default everything is run, and that is a complete run', () => {
  const options = parse();
  expect(options).toMatchObject({ suites: SUITES, layers: [], peers: LIBRARY_NAMES, repetitions: 3 });
  expect(isComplete(options)).toBe(true);
});

test.each([
  ['--suites', 'layers'],
  ['--layers', 'sam'],
  ['--peers', 'none'],
  ['--variant', 'simd'],
  ['--microkernel', '5x8'],
  ['--algorithm', 'planes'],
])('%s %s is no complete run', (...args) => {
  expect(isComplete(parse(...args))).toBe(false);
});

test('lists', () => {
  expect(parse('--suites', 'training,layers').suites).toEqual(['layers', 'training']);
  expect(parse('--layers', 'a,b').layers).toEqual(['a', 'b']);
  expect(parse('--peers', 'PyTorch').peers).toEqual(['PyTorch']);
  expect(parse('--peers', 'none').peers).toEqual([]);
});

test('--help', () => {
  expect(parseOptions(['--help'])).toBeNull();
});

describe('mistakes', () => {
  test.each([
    [['--suites', 'all'], /--suites expected layers, .*got all/],
    [['--peers', ''], /--peers expected .*got nothing/],
    [['--variant', 'wide'], /--variant expected relaxed, simd, got wide/],
    [['--budget', '0'], /--budget expected a number above 0, got 0/],
    [['--budget', 'x'], /--budget/],
    [['--repetitions', '1.5'], /--repetitions/],
    [['--fast'], /--fast/],
    [['more'], /more/],
  ])('%j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
