/** Runs a project of Vitest in a browser of this machine: all that takes is a browser that opens the URL of the tests. */

import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node';
import type { OpenBrowser } from './browser_process.ts';
import { openBrowser } from './browser_process.ts';
import type { BrowserName } from './browsers.ts';
import { BROWSER_NAMES } from './browsers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one that a test runs in, for `inject`. */
    browser: BrowserName;
  }
}

class SpawnedBrowser implements BrowserProvider {
  readonly name = 'spawned';
  readonly supportsParallelism = false;
  readonly #project: TestProject;
  #browser: OpenBrowser | null = null;

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
    const name = this.#project.config.browser.name as BrowserName;
    this.#browser = await openBrowser(name, url, (message) => this.#project.vitest.logger.error(message));
  }

  async close(): Promise<void> {
    const browser = this.#browser;
    this.#browser = null;
    await browser?.close();
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
