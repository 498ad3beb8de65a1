/**
 * Runs the tests in the browsers of this machine.
 *
 *   node test/browsers/run.ts [chromium|firefox|webkit …] [path …] [option of Vitest …]
 *
 * A browser that is not installed is left out with a word; where CI is set, it is a failure.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProjects } from '../../scripts/run_project.ts';
import { writeRow } from '../runtimes/rows.ts';
import type { BrowserName } from './browsers.ts';
import { BROWSER_NAMES, BROWSERS, isInstalled, versionOf } from './browsers.ts';
import { FACTS } from './facts.ts';
import type { PageReport } from './reporter.ts';
import { FINISHED_VARIABLE, REPORT_VARIABLE } from './reporter.ts';

/** Pages that a browser may open for one project: WebKitGTK's process ends by itself now and then, in JavaScriptCore. */
const MOST_PAGES = 3;

const isBrowser = (argument: string): argument is BrowserName =>
  (BROWSER_NAMES as readonly string[]).includes(argument);

const given = process.argv.slice(2);
const named = given.filter(isBrowser);
const asked = named.length > 0 ? named : BROWSER_NAMES;
const missing = asked.filter((name) => !isInstalled(name));
const present = asked.filter(isInstalled);

for (const name of missing) {
  const packages = BROWSERS[name].packages.join(' ');
  const what = process.env.CI ? 'is not installed' : 'is not installed, its tests are left out';
  console.error(`${name} ${what}: apt-get install --no-install-recommends ${packages}`);
}
if (missing.length > 0 && process.env.CI) {
  process.exitCode = 1;
} else if (present.length > 0) {
  const others = given.filter((argument) => !isBrowser(argument));
  // WebKitGTK takes as long as the other two
  const lanes = [present.filter((name) => name !== 'webkit'), present.filter((name) => name === 'webkit')];
  const busy = lanes.filter((lane) => lane.length > 0);
  const verdicts = await Promise.all(busy.map((lane) => runLane(lane, others, busy.length > 1)));
  const passed = verdicts.flat().every(Boolean);
  if (!passed) {
    process.exitCode = 1;
  } else if (others.length === 0) {
    for (const name of present) {
      const { title, threads, relaxed } = FACTS[name];
      writeRow(name, { runtime: title, version: versionOf(name), threads, relaxedSimd: relaxed });
    }
  }
}

/** Runs browsers one after another, isolated pages and others in a process each: what a browser holds on to goes with it. */
async function runLane(names: readonly BrowserName[], args: readonly string[], together: boolean): Promise<boolean[]> {
  const verdicts: boolean[] = [];
  for (const project of names.flatMap((name) => [name, `${name}-modules`, `${name}-not-isolated`])) {
    verdicts.push(await runInPages(project, args, together));
  }
  return verdicts;
}

/** Runs a project in a page; in others what was left when one has ended by itself. @returns whether all tests passed */
async function runInPages(project: string, args: readonly string[], together: boolean): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'upconv-pages-'));
  const path = join(folder, 'report.json');
  const finished: string[] = [];
  try {
    for (let page = 1; ; page++) {
      rmSync(path, { force: true });
      const variables = { [REPORT_VARIABLE]: path, [FINISHED_VARIABLE]: JSON.stringify(finished) };
      const more = page > 1 ? ['--passWithNoTests'] : []; // the last page may have ended after its last file
      if (await runProjects([project], [...args, ...more], { variables, together })) return true;
      if (!existsSync(path)) return false;
      const report = JSON.parse(readFileSync(path, 'utf8')) as PageReport;
      if (!report.pageEnded || report.failed || page === MOST_PAGES) return false;
      finished.push(...report.finished);
      console.error(
        `${project}: the browser ended its page; ${finished.length} files have run, the others run in a new one`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
