/**
 * Runs the tests in the browsers of this machine.
 *
 *   node test/browsers/run.ts [chromium|firefox|webkit …] [path …] [option of Vitest …]
 *
 * A browser that is not installed is left out with a word; where CI is set, it is a failure.
 */

import { runProjects } from '../../scripts/run_project.ts';
import { writeRow } from '../runtimes/rows.ts';
import type { BrowserName } from './browsers.ts';
import { BROWSER_NAMES, BROWSERS, isInstalled, versionOf } from './browsers.ts';
import { FACTS } from './facts.ts';

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
  const projects = present.flatMap((name) => [name, `${name}-not-isolated`]);
  const others = given.filter((argument) => !isBrowser(argument));
  if (!runProjects(projects, others)) {
    process.exitCode = 1;
  } else if (others.length === 0) {
    for (const name of present) {
      const { title, threads, relaxed } = FACTS[name];
      writeRow(name, { runtime: title, version: versionOf(name), threads, relaxedSimd: relaxed });
    }
  }
}
