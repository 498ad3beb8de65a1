/** What becomes of a run of tests in a page, from the process of Vitest to that which has started it. */

import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Environment of the run: where the report goes, and the files, as JSON, that need not run. */
export const REPORT_VARIABLE = 'UPCONV_PAGE_REPORT';
export const FINISHED_VARIABLE = 'UPCONV_PAGE_FINISHED';

export interface PageReport {
  /** The browser closed the page, or its process ended, before all tests had run. */
  readonly pageEnded: boolean;
  /** A test has failed. */
  readonly failed: boolean;
  /** Files whose tests have all run, relative to the root. */
  readonly finished: readonly string[];
}

/** Of errors that belong to no test. */
const PAGE_ENDED = 'VITEST_BROWSER_CONNECTION_CLOSED';

/** Writes the report. */
export class PageReporter implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const report: PageReport = {
      pageEnded: errors.some(({ code, cause }) => code === PAGE_ENDED || cause?.code === PAGE_ENDED),
      failed: modules.some((module) => module.state() === 'failed'),
      finished: modules
        .filter((module) => ['passed', 'failed', 'skipped'].includes(module.state()))
        .map(({ relativeModuleId }) => relativeModuleId),
    };
    writeFileSync(this.#path, JSON.stringify(report));
  }
}
