/** Command lines without a process for each. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';

/** What a process leaves. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `script` in `folder` again and again, as if in a process each time: a start takes ten times as long as most
 * command lines. Tests of what only a process can do start one.
 */
export function manyTimes(script: string, folder?: string): (...args: string[]) => Promise<Outcome> {
  const runner = fileURLToPath(new URL('command_lines.ts', import.meta.url));
  const child = fork(runner, [pathToFileURL(script).href], { cwd: folder });
  afterAll(() => child.kill());
  return async (...args) => {
    const answered = once(child, 'message', { signal: AbortSignal.timeout(50_000) });
    child.send(args);
    const [outcome] = (await answered) as [Outcome];
    return outcome;
  };
}
