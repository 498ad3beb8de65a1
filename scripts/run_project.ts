/** Runs a project of Vitest in a process of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));

export interface RunOptions {
  /** Beside those of this process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Prints nothing before it ends: others run at the same time. */
  readonly together?: boolean;
}

/**
 * @param args names of projects, and what else Vitest takes
 * @returns whether all tests have passed
 */
export async function runProjects(
  projects: readonly string[],
  args: readonly string[],
  { variables = {}, together = false }: RunOptions = {},
): Promise<boolean> {
  const named = projects.flatMap((project) => ['--project', project]);
  const child = spawn(process.execPath, [vitest, 'run', ...named, ...args], {
    cwd: root,
    env: { ...process.env, ...variables },
    stdio: together ? ['ignore', 'pipe', 'pipe'] : 'inherit',
  });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => printed.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  process.stdout.write(Buffer.concat(printed));
  return code === 0;
}
