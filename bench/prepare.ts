/** Makes what the benchmark needs and git does not hold: the peers, and an up-to-date dist/. */

import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** npm leaves its own lock file in what it installs. */
const installed = statSync('bench/node_modules/.package-lock.json', { throwIfNoEntry: false });
if (installed === undefined || installed.mtimeMs < statSync('bench/package-lock.json').mtimeMs) {
  execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund'], { stdio: 'inherit' });
}
execFileSync(process.execPath, ['scripts/build.ts', '--if-stale'], { stdio: 'inherit' });
