/** The order of test files in Node. */

import { matchesGlob, relative } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { NODE_ONLY } from './kinds.ts';

const root = new URL('..', import.meta.url).pathname;

/**
 * Vitest begins with the files that took longest in the last run, and without one, as in CI, with the largest. Files that
 * start processes are short but take long: at the end one would run alone, while the other cores wait.
 */
export class ProcessesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isFirst = ({ moduleId }: TestSpecification): boolean =>
      NODE_ONLY.some((pattern) => matchesGlob(relative(root, moduleId), pattern));
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))];
  }
}
