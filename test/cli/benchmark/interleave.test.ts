import { describe, expect, test } from 'vitest';
import { interleave, timeOf, timesFaster } from '../../../src/cli/benchmark/interleave.ts';
import { geometricMean, median } from '../../../src/cli/benchmark/statistics.ts';

describe('statistics', () => {
  test('median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('geometric mean', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4);
    expect(geometricMean([])).toBeNaN();
  });
});

/** Subjects that say how long they took, and a record of who was called. */
function record(times: Readonly<Record<string, readonly number[]>>, repetitions = 3) {
  const called: string[] = [];
  const subjects = Object.entries(times).map(([name, values]) => {
    let call = 0;
    return {
      name,
      repetitions,
      time: () => {
        called.push(name);
        return values[Math.min(call++, values.length - 1)];
      },
    };
  });
  return { called, subjects };
}

describe('interleave', () => {
  test('subjects take turns; the first call warms up', async () => {
    const { called, subjects } = record({ a: [190, 10], b: [180, 20] });
    const timings = await interleave(subjects, 0);
    expect(called.join('')).toBe('ab' + 'ab'.repeat(3));
    expect(timings.get('a')).toEqual({ medianMs: 10, bestMs: 10, calls: 3, turnMs: [10, 10, 10] });
    expect(timings.get('b')).toEqual({ medianMs: 20, bestMs: 20, calls: 3, turnMs: [20, 20, 20] });
  });

  test('a first call of more than 0.2 s counts', async () => {
    const { called, subjects } = record({ a: [210, 100, 300] });
    const expected = { medianMs: 210, bestMs: 100, calls: 3, turnMs: [100, 300] };
    expect((await interleave(subjects, 0)).get('a')).toEqual(expected);
    expect(called).toHaveLength(3);
  });

  test('and is the only one where one is asked for', async () => {
    const { called, subjects } = record({ a: [2000] }, 1);
    expect((await interleave(subjects, 0)).get('a')).toEqual({ medianMs: 2000, bestMs: 2000, calls: 1, turnMs: [] });
    expect(called).toHaveLength(1);
  });

  test('short calls fill a turn', async () => {
    const { called, subjects } = record({ a: [0.5], b: [5] });
    const timings = await interleave(subjects, 0);
    expect(timings.get('a')?.calls).toBe(10);
    expect(timings.get('b')?.calls).toBe(3);
    expect(called.join('')).toMatch(/a{10}bbb$/);
  });

  test('turns go on until the budget is over', async () => {
    const subject = (name: string) => ({ name, repetitions: 1, time: () => timeOf(() => busy(2)) });
    const timings = await interleave([subject('a'), subject('b')], 100);
    const calls = ['a', 'b'].map((name) => timings.get(name)?.calls ?? 0);
    expect(calls[0]).toBeGreaterThan(5);
    expect(Math.abs(calls[0] - calls[1])).toBeLessThanOrEqual(3);
  });

  test('what a subject throws is thrown', async () => {
    const failing = { name: 'a', repetitions: 1, time: () => Promise.reject(new Error('no')) };
    await expect(interleave([failing], 0)).rejects.toThrow('no');
  });
});

describe('timesFaster', () => {
  const timing = (medianMs: number, ...turnMs: number[]) => ({ medianMs, bestMs: 1, calls: 1, turnMs });

  test('is the median of ratios within turns, whatever the machine did from turn to turn', () => {
    expect(timesFaster(timing(10, 10, 40, 10), timing(40, 20, 80, 40))).toBe(2);
  });

  test('of the turns that both have', () => {
    expect(timesFaster(timing(10, 1, 1, 1, 100, 100), timing(10, 3, 3, 3))).toBe(3);
  });

  test('and of medians where these are fewer than three', () => {
    expect(timesFaster(timing(10, 1, 1), timing(50, 3, 3, 3))).toBe(5);
  });
});

describe('timeOf', () => {
  test('synchronous calls', () => {
    expect(timeOf(() => busy(5))).toBeGreaterThanOrEqual(5);
  });

  test('promises', async () => {
    expect(await timeOf(() => new Promise((resolve) => setTimeout(resolve, 20)))).toBeGreaterThanOrEqual(19);
  });
});

function busy(milliseconds: number): void {
  for (const until = performance.now() + milliseconds; performance.now() < until;);
}
