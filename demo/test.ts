/**
 * Runs the demo page's test from end to end in Chromium; its screenshots go to build/demo-screenshots.
 *
 *   node demo/test.ts [option of Vitest …]
 *
 * Without Chromium it is left out with a word; where CI is set, that is a failure.
 */

import { installPackages } from '../scripts/install.ts';
import { runProjects } from '../scripts/run_project.ts';
import { BROWSERS, isInstalled } from '../test/browsers/browsers.ts';

if (isInstalled('chromium')) {
  installPackages('demo');
  if (!(await runProjects(['demo'], process.argv.slice(2)))) process.exitCode = 1;
} else {
  const packages = BROWSERS.chromium.packages.join(' ');
  console.error(`chromium is not installed: apt-get install --no-install-recommends ${packages}`);
  if (process.env.CI) process.exitCode = 1;
}
