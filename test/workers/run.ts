/**
 * Runs the tests in Cloudflare's runtime, which it installs.
 *
 *   node test/workers/run.ts [option of Vitest …]
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../scripts/install.ts';
import { writeRow } from '../runtimes/rows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const given = process.argv.slice(2);

installPackages('test/workers');
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'workers', ...given], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

if (status === 0 && given.length === 0) {
  const manifest = readFileSync(new URL('node_modules/workerd/package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  // what requests.test.ts says of the engine there
  writeRow('workers', {
    runtime: 'Cloudflare Workers',
    version: `workerd ${version}`,
    threads: 'no',
    relaxedSimd: true,
  });
}
