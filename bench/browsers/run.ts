/**
 * `npm run bench:browsers`: the demo page's layers against onnxruntime-web in every browser of this machine, one after
 * another. Writes bench/reports/browsers.{json,md} when all of them are there.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildDemo } from '../../demo/build.ts';
import { installPackages } from '../../scripts/install.ts';
import { BROWSER_NAMES, isInstalled, versionOf } from '../../test/browsers/browsers.ts';
import { FACTS } from '../../test/browsers/facts.ts';
import { pageReport } from '../../test/browsers/page_report.ts';
import { files } from '../../test/browsers/site.ts';
import { describeCommit, describeMachine, loadAtStart, today } from '../machine.ts';
import type { BrowserRun } from './page.ts';
import { browsersMarkdown, type BrowsersReport } from './report.ts';

const PATIENCE_MS = 600_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

installPackages('demo');
const loadAverageAtStart = loadAtStart();
const folder = await buildDemo({ figures: `${root}bench/browsers/page.ts` });
const page = '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/figures.js"></script>';
const site = files(folder, { '/': page });
const runs: BrowsersReport['runs'][number][] = [];
for (const name of BROWSER_NAMES.filter(isInstalled)) {
  runs.push({
    browser: `${FACTS[name].title} ${versionOf(name)}`,
    ...(await pageReport<BrowserRun>(name, site, { isolated: true, patienceMs: PATIENCE_MS })),
  });
}
const report: BrowsersReport = {
  date: today(),
  commit: describeCommit(),
  machine: describeMachine(),
  loadAverageAtStart,
  runs,
};
const markdown = browsersMarkdown(report);
if (runs.length === BROWSER_NAMES.length) {
  writeFileSync(`${root}bench/reports/browsers.json`, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(`${root}bench/reports/browsers.md`, markdown);
}
console.log(markdown);
