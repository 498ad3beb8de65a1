/** The report of `npm run bench:page`. */

import { median } from '../../src/cli/benchmark/statistics.ts';
import { markdownTable } from '../../src/cli/benchmark/table.ts';
import type { Machine } from '../results.ts';
import type { Frames, PageRun } from './page.ts';

export interface PageReport {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly browser: string;
  readonly loadAverageAtStart: number;
  readonly isolated: readonly PageRun[];
  readonly notIsolated: readonly PageRun[];
}

/** A gap that nobody sees: a frame, and half of the next. */
const SMOOTH_MS = 25;
/** By so much the longest gap may grow on one thread. */
const LONGER_MS = 10;

/** Each figure is the median of the runs. */
function medians(runs: readonly PageRun[], which: 'idle' | 'busy'): Frames {
  const of = (figure: keyof Frames): number => median(runs.map((run) => run[which][figure]));
  return { count: of('count'), missed: of('missed'), p99Ms: of('p99Ms'), longestMs: of('longestMs') };
}

export interface PageGoal {
  readonly name: string;
  readonly wanted: number;
  readonly found: number;
}

export function pageGoals({ isolated, notIsolated }: Pick<PageReport, 'isolated' | 'notIsolated'>): PageGoal[] {
  const idle = medians(notIsolated, 'idle');
  const busy = medians(notIsolated, 'busy');
  return [
    {
      name: 'isolated: frames missed during a call, at most as many as without',
      wanted: medians(isolated, 'idle').missed,
      found: medians(isolated, 'busy').missed,
    },
    { name: 'not isolated, one thread: 99 % of gaps, ms', wanted: SMOOTH_MS, found: busy.p99Ms },
    { name: 'not isolated, one thread: longest gap, ms', wanted: idle.longestMs + LONGER_MS, found: busy.longestMs },
  ];
}

export function pageMarkdown(report: PageReport): string {
  const { date, commit, machine, browser, loadAverageAtStart, isolated, notIsolated } = report;
  const row = (page: string, runs: readonly PageRun[], which: 'idle' | 'busy'): string[] => {
    const { count, missed, p99Ms, longestMs } = medians(runs, which);
    const threads = String(runs[0].threads);
    const what =
      which === 'idle' ? 'nothing' : `one call of ${(median(runs.map((run) => run.callMs)) / 1000).toFixed(1)} s`;
    return [page, threads, what, String(count), String(missed), p99Ms.toFixed(1), longestMs.toFixed(1)];
  };
  const goals = pageGoals(report).map(({ name, wanted, found }) => [
    name,
    `≤ ${wanted.toFixed(1)}`,
    found.toFixed(1),
    found <= wanted ? 'met' : '**missed**',
  ]);
  return [
    '# Frames of a page that computes',
    '',
    `${browser}; ${machine.cpu}, ${machine.cores} cores, ${machine.system}; ${date}, ${commit}; load average at the start ${loadAverageAtStart.toFixed(2)}.`,
    `Gaps between animation frames, in milliseconds, while the page does nothing and while one call runs; medians of ${isolated.length} runs, each in a new browser. Missed: of 60 frames a second.`,
    '',
    markdownTable(
      ['page', 'threads', 'runs', 'frames', 'missed', '99 % of gaps', 'longest'],
      [
        row('isolated', isolated, 'idle'),
        row('isolated', isolated, 'busy'),
        row('not isolated', notIsolated, 'idle'),
        row('not isolated', notIsolated, 'busy'),
      ],
    ),
    '',
    markdownTable(['goal', 'wanted', 'found', ''], goals),
    '',
  ].join('\n');
}
