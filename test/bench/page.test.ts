/** The report of `npm run bench:page`. */

import { expect, test } from 'vitest';
import type { PageRun } from '../../bench/page/page.ts';
import { pageGoals, pageMarkdown } from '../../bench/page/report.ts';

const run = (threads: number, idle: [number, number, number], busy: [number, number, number]): PageRun => {
  const frames = ([missed, p99Ms, longestMs]: [number, number, number]) => ({ count: 120, missed, p99Ms, longestMs });
  return { threads, callMs: 2000, idle: frames(idle), busy: frames(busy) };
};

/** Medians: isolated 1 and 2 missed; not isolated idle 0, 17, 20, busy 3, 24, 31. */
const RUNS = {
  isolated: [run(2, [1, 17, 18], [2, 18, 20]), run(2, [0, 17, 18], [9, 30, 90]), run(2, [5, 17, 18], [0, 17, 18])],
  notIsolated: [run(1, [0, 17, 20], [3, 24, 31]), run(1, [0, 16, 99], [1, 20, 22]), run(1, [4, 18, 19], [9, 60, 70])],
};

test('goals compare medians over the runs', () => {
  expect(pageGoals(RUNS).map(({ wanted, found }) => [wanted, found])).toEqual([
    [1, 2],
    [25, 24],
    [30, 31],
  ]);
});

test('the report names what is missed', () => {
  const machine = { cpu: 'a processor', cores: 2, memoryGib: 8, system: 'an OS' };
  const head = { date: '2026-01-02', commit: 'abc', machine, browser: 'a browser', loadAverageAtStart: 0.5 };
  const lines = pageMarkdown({ ...head, ...RUNS }).split('\n');
  expect(lines.filter((line) => line.includes('**missed**'))).toHaveLength(2);
  expect(lines.find((line) => line.startsWith('| not isolated') && line.includes('one call'))).toMatch(
    /\| +1 \| one call of 2\.0 s \| +120 \| +3 \| +24\.0 \| +31\.0 \|/,
  );
});
