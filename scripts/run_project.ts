/** Runs a project of Vitest in a process of its own. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));

/**
 * @param args names of projects, and what else Vitest takes
 * @returns whether all tests have passed
 */
export function runProjects(projects: readonly string[], args: readonly string[]): boolean {
  const named = projects.flatMap((project) => ['--project', project]);
  return spawnSync(process.execPath, [vitest, 'run', ...named, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}
