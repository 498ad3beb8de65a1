/** Runs a project of Vitest in a browser of this machine: all that takes is a browser that opens the URL of the tests. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node';
import type { BrowserName } from './browsers.ts';
import { BROWSER_NAMES, BROWSERS } from './browsers.ts';

/** A browser that is asked to end has so long. */
const TERMINATION_MS = 3000;

class SpawnedBrowser implements BrowserProvider {
  readonly name = 'spawned';
  readonly supportsParallelism = false;
  readonly #project: TestProject;
  #process: ChildProcess | null = null;
  #profile: string | null = null;

  constructor(project: TestProject) {
    this.#project = project;
    // Vitest sizes the frame of each test file; nothing here depends on that
    project.browser?.registerCommand('__vitest_viewport' as never, (() => Promise.resolve()) as never);
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    await this.close();
    this.#profile = mkdtempSync(join(tmpdir(), 'upconv-browser-'));
    const name = this.#project.config.browser.name as BrowserName;
    const { command, args, env } = BROWSERS[name].launch(this.#profile, url);
    // a group of its own: a browser is many processes
    const started = spawn(command, args, { stdio: 'ignore', detached: true, env: { ...process.env, ...env } });
    this.#process = started;
    await once(started, 'spawn'); // or its error
    started.once('exit', (code) => {
      if (this.#process === started) this.#project.vitest.logger.error(`${command} ended with code ${code}`);
    });
  }

  async close(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running?.pid !== undefined) {
      const ended = running.exitCode === null ? once(running, 'exit') : Promise.resolve();
      signalGroup(running.pid, 'SIGTERM');
      await Promise.race([ended, setTimeout(TERMINATION_MS, undefined, { ref: false })]);
      signalGroup(running.pid, 'SIGKILL');
    }
    if (this.#profile !== null) rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    this.#profile = null;
  }
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody of it is left
  }
}

/** For `browser.provider` in the configuration of Vitest. */
export function spawnedBrowser(): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'spawned',
    supportedBrowser: BROWSER_NAMES,
    providerFactory: (project) => new SpawnedBrowser(project),
  });
}
