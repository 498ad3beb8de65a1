/**
 * Runs the tests in Cloudflare's runtime, which it installs.
 *
 *   node test/workers/run.ts [option of Vitest …]
 */

import { readFileSync } from 'node:fs';
import { installPackages } from '../../scripts/install.ts';
import { runProjects } from '../../scripts/run_project.ts';
import { writeRow } from '../runtimes/rows.ts';

const given = process.argv.slice(2);

installPackages('test/workers');
installPackages('examples/cloudflare-worker', ['--omit=dev']);
if (!(await runProjects(['workers'], given))) {
  process.exitCode = 1;
} else if (given.length === 0) {
  const manifest = readFileSync(new URL('node_modules/workerd/package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  // requests.test.ts says so
  const engine = { threads: 'no', relaxedSimd: true };
  writeRow('workers', { runtime: 'Cloudflare Workers', version: `workerd ${version}`, ...engine });
}
