/**
 * `npm run bench:page`: whether a page stays responsive while it computes, in Chromium: isolated, where workers
 * compute, and not isolated, where the page does it itself in slices. Writes bench/reports/page.{json,md}.
 *
 *   npm run bench:page [-- number of runs]
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { BROWSERS } from '../../test/browsers/browsers.ts';
import { pageReport } from '../../test/browsers/page_report.ts';
import { files } from '../../test/browsers/site.ts';
import { describeCommit, describeMachine, loadAtStart, today } from '../machine.ts';
import type { PageRun } from './page.ts';
import type { PageReport } from './report.ts';
import { pageMarkdown } from './report.ts';

const RUNS = 5;
const PATIENCE_MS = 120_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = readFileSync(new URL('page.ts', import.meta.url), 'utf8');
const script = (await transform(source, { loader: 'ts', format: 'esm', target: 'es2022' })).code;
const page = files(root, {
  '/': '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/page.js"></script>',
  '/page.js': script,
});

const openPage = (isolated: boolean): Promise<PageRun> =>
  pageReport<PageRun>('chromium', page, { isolated, patienceMs: PATIENCE_MS });

const runs = Number(process.argv[2] ?? RUNS);
const loadAverageAtStart = loadAtStart();
const [isolated, notIsolated]: [PageRun[], PageRun[]] = [[], []];
for (let run = 0; run < runs; run++) {
  isolated.push(await openPage(true));
  notIsolated.push(await openPage(false));
  console.error(JSON.stringify([isolated.at(-1), notIsolated.at(-1)]));
}
const report: PageReport = {
  date: today(),
  commit: describeCommit(),
  machine: describeMachine(),
  browser: execFileSync(BROWSERS.chromium.needs[0], ['--version'], { encoding: 'utf8' }).trim(),
  loadAverageAtStart,
  isolated,
  notIsolated,
};
const markdown = pageMarkdown(report);
if (runs >= RUNS) {
  writeFileSync(`${root}bench/reports/page.json`, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(`${root}bench/reports/page.md`, markdown);
}
console.log(markdown);
