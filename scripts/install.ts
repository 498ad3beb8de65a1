/** Installs the packages of a folder that has its own, unless they are there: benchmarks, tests in other runtimes. */

import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param folder with a package.json and a lock file, from the root of the repository
 * @param options of `npm ci`
 */
export function installPackages(folder: string, options: readonly string[] = []): void {
  const path = root + folder;
  // npm leaves its own lock file in what it installs
  const installed = statSync(`${path}/node_modules/.package-lock.json`, { throwIfNoEntry: false });
  if (installed !== undefined && installed.mtimeMs >= statSync(`${path}/package-lock.json`).mtimeMs) return;
  execFileSync('npm', ['ci', '--prefix', path, '--no-audit', '--no-fund', ...options], { stdio: ['ignore', 2, 2] });
}
