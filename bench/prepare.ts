/** Makes what the benchmark needs and git does not hold: the peers, and an up-to-date dist/. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../scripts/install.ts';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

installPackages('bench');
execFileSync(process.execPath, ['scripts/build.ts', '--if-stale'], { stdio: 'inherit' });
