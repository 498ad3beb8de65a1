import { describe, expect, test } from 'vitest';
import {
  boundOf,
  decoderComplaints,
  isCompute,
  layerComplaints,
  losses,
  ratioTo,
  speed,
  speedUp,
  threadedRatioTo,
  trainingComplaints,
} from '../../bench/metrics.ts';
import { layerResult, peer, timing, timings } from './support/results.ts';

const layer = layerResult('a', {
  fast: peer({ endToEnd: 2 }),
  slow: peer({ endToEnd: 10, resident: 8 }),
  wrong: peer({ endToEnd: 1 }, 1.5),
  nan: peer({ endToEnd: 1 }, NaN),
  gone: { failure: 'out of memory' },
  PyTorch: peer({ endToEnd: 1, resident: 4, forwardBackward: 5 }),
});

describe('figures', () => {
  test('speed at the median time; forward and backward are three products', () => {
    expect(speed(layer, 'resident')).toBeCloseTo(50);
    expect(speed(layer, 'forwardBackward')).toBeCloseTo(50);
    expect(speed(layer, 'resident', 'slow')).toBeCloseTo(12.5);
    expect(speed(layer, 'gradInput', 'slow')).toBeUndefined();
  });

  test('ratios above 1: we are faster', () => {
    expect(ratioTo('slow', layer, 'endToEnd')).toBe(4);
    expect(ratioTo('fast', layer, 'endToEnd')).toBe(0.8);
  });

  test.each(['wrong', 'nan', 'gone', 'unknown'])('no figure of a peer that is %s', (name) => {
    expect(ratioTo(name, layer, 'endToEnd')).toBeUndefined();
    expect(speed(layer, 'endToEnd', name)).toBeUndefined();
  });

  test('the bound is arithmetic or memory, whichever is lower', () => {
    expect(boundOf(layer)).toEqual({ gflops: 60, by: 'peak' });
    expect(boundOf(layerResult('b', {}, { streamMs: 4 }))).toEqual({ gflops: 25, by: 'memory' });
  });

  test('two threads: against one, and against a library with two', () => {
    const fast = layerResult(
      'b',
      { 'web x2': peer({ endToEnd: 6 }) },
      { twoThreads: timings({ resident: 1, endToEnd: 2 }) },
    );
    expect(speedUp(fast, 'resident')).toBe(2);
    expect(speedUp(fast, 'gradInput')).toBeUndefined();
    expect(threadedRatioTo('web x2', fast, 'endToEnd')).toBe(3);
    expect(threadedRatioTo('unknown', fast, 'endToEnd')).toBeUndefined();
  });

  test('layers that are held to the peak', () => {
    expect(isCompute(layer)).toBe(true);
    for (const other of [{ cin: 63 }, { cout: 7 }, { flops: 99e6 }]) {
      expect(isCompute(layerResult('b', {}, other))).toBe(false);
    }
  });
});

test('losses, worst first: whole calls, and PyTorch with data it has', () => {
  const other = layerResult('b', { fast: peer({ endToEnd: 1 }) });
  expect(losses([layer, other])).toEqual([
    { layer: 'b', peer: 'fast', operation: 'endToEnd', ratio: 0.4 },
    { layer: 'a', peer: 'fast', operation: 'endToEnd', ratio: 0.8 },
    { layer: 'a', peer: 'PyTorch', operation: 'forwardBackward', ratio: 5 / 6 },
  ]);
});

describe('complaints', () => {
  test('of wrong and missing results', () => {
    expect(layerComplaints(layer)).toEqual([
      'a: wrong is 1.5 times the tolerance from ours',
      'a: nan is NaN times the tolerance from ours',
      'a: gone failed: out of memory',
    ]);
    expect(layerComplaints(layerResult('b', {}, { errorInBounds: NaN }))).toHaveLength(1);
    expect(layerComplaints(layerResult('b'))).toEqual([]);
  });

  test('of decoders and training', () => {
    const result = { name: 'x', source: '', flops: 1, upconv: timing(1), peer: timing(1), pytorch: null };
    expect(decoderComplaints({ ...result, relativeDifference: 1e-6 })).toEqual([]);
    expect(decoderComplaints({ ...result, relativeDifference: 1e-3 })).toHaveLength(1);
    expect(trainingComplaints({ ...result, relativeDifference: 1e-3 })).toEqual([]);
    expect(trainingComplaints({ ...result, relativeDifference: NaN })).toHaveLength(1);
  });
});

test('what was not timed has no speed', () => {
  expect(speed(layerResult('b', {}, { upconv: timings({ resident: 1 }) }), 'gradInput')).toBeUndefined();
});
