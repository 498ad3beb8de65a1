/** What a report says about where it was made. */

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type as systemType } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Machine } from './results.ts';

/** Something else is running: times are not to be trusted. */
const BUSY_LOAD = 1.2;

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${systemType()} ${release()}`,
  };
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The commit that is checked out, and whether files differ from it. */
export function describeCommit(): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'commit unknown'; // an archive has no history
  }
}

/** Warns when the machine is busy. */
export function loadAtStart(): number {
  const [load] = loadavg();
  if (load > BUSY_LOAD) {
    console.error(`warning: load average ${load.toFixed(2)}; something else runs on this machine`);
  }
  return load;
}
