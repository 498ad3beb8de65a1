/** A browser of this machine, open on a page, with an empty profile. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BrowserName } from './browsers.ts';
import { BROWSERS } from './browsers.ts';

/** A browser that is asked to end has so long. */
const TERMINATION_MS = 3000;

export interface OpenBrowser {
  /** Ends it, with all its processes; resolves when they are gone. */
  close(): Promise<void>;
}

/**
 * @param ended called when it ends by itself
 * @throws when its program cannot be started
 */
export async function openBrowser(
  name: BrowserName,
  url: string,
  ended: (message: string) => void,
): Promise<OpenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'upconv-browser-'));
  const { command, args, env } = BROWSERS[name].launch(profile, url);
  // a group of its own: a browser is many processes
  const browser = spawn(command, args, { stdio: 'ignore', detached: true, env: { ...process.env, ...env } });
  await once(browser, 'spawn'); // or its error
  let closing = false;
  browser.once('exit', (code) => {
    if (!closing) ended(`${command} ended with code ${code}`);
  });
  return {
    close: async () => {
      closing = true;
      await end(browser);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

async function end(browser: ChildProcess): Promise<void> {
  const ended = browser.exitCode === null ? once(browser, 'exit') : Promise.resolve();
  signalGroup(browser, 'SIGTERM');
  await Promise.race([ended, setTimeout(TERMINATION_MS, undefined, { ref: false })]);
  signalGroup(browser, 'SIGKILL');
}

function signalGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // nobody of it is left
  }
}
