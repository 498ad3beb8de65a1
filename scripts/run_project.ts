/** Runs a project of Vitest in a process of its own. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));

const command = (projects: readonly string[], args: readonly string[]): string[] => {
  return [vitest, 'run', ...projects.flatMap((project) => ['--project', project]), ...args];
};

/**
 * @param args names of projects, and what else Vitest takes
 * @returns whether all tests have passed
 */
export function runProjects(projects: readonly string[], args: readonly string[]): boolean {
  return spawnSync(process.execPath, command(projects, args), { cwd: root, stdio: 'inherit' }).status === 0;
}

/** As `runProjects`, beside others. @param env added to the environment */
export async function startProjects(
  projects: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const child = spawn(process.execPath, command(projects, args), {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status === 0;
}
