/**
 * Runs the tests in the browsers of this machine.
 *
 *   node test/browsers/run.ts [chromium|firefox|webkit …] [path …] [option of Vitest …]
 *
 * Two browsers run side by side: the tests of one leave half of two cores idle. A browser that is not installed is left
 * out with a word; where CI is set, it is a failure.
 */

import { startProjects } from '../../scripts/run_project.ts';
import { writeRow } from '../runtimes/rows.ts';
import type { BrowserName } from './browsers.ts';
import { BROWSER_NAMES, BROWSERS, isInstalled, versionOf } from './browsers.ts';
import { CACHE_VARIABLE } from './cache.ts';
import { FACTS } from './facts.ts';

const SIDE_BY_SIDE = 2;
const SLOWEST_FIRST: readonly BrowserName[] = ['webkit', 'firefox', 'chromium'];

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
  const waiting = present.toSorted((a, b) => SLOWEST_FIRST.indexOf(a) - SLOWEST_FIRST.indexOf(b));
  const failed: BrowserName[] = [];
  const runSome = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const env = { [CACHE_VARIABLE]: `node_modules/.vite/${name}` };
      if (!(await startProjects([name, `${name}-not-isolated`], others, env))) failed.push(name);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runSome));
  if (failed.length > 0) {
    console.error(`tests have failed in ${failed.join(', ')}`);
    process.exitCode = 1;
  } else if (others.length === 0) {
    for (const name of present) {
      const { title, threads, relaxed } = FACTS[name];
      writeRow(name, { runtime: title, version: versionOf(name), threads, relaxedSimd: relaxed });
    }
  }
}
