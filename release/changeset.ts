/** Runs the tool for changesets on this package: `npm run changeset [-- status|version|…]`. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../scripts/install.ts';

installPackages('release');
const root = fileURLToPath(new URL('..', import.meta.url));
const program = fileURLToPath(new URL('node_modules/.bin/changeset', import.meta.url));
const run = (command: string, ...args: readonly string[]): number =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

const given = process.argv.slice(2);
process.exitCode = run(process.execPath, program, ...given);
// the version stands in the lock file, too
if (given[0] === 'version' && process.exitCode === 0) {
  process.exitCode = run('npm', 'install', '--package-lock-only', '--no-audit', '--no-fund');
}
