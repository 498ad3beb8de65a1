/** What a run of Vitest says of a mutant: which test found it, and how. */

import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Kill } from '../trust/figures.ts';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Of a file whose tests could not begin. */
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly failureMessages?: readonly string[] }[];
  }[];
}

/**
 * @param path of the report that the run was to write; there is none when its process has crashed
 * @param root that names of tests are relative to
 */
export function killOf(path: string, root: string): Kill {
  if (!existsSync(path)) return { test: null, how: 'crash' };
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  for (const { name, message = '', assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    const text = failed?.failureMessages?.[0] ?? (failed === undefined ? message : 'Error');
    if (text !== '') return { test: relative(root, name), how: howOf(text) };
  }
  throw new Error('a run of tests failed without a test that failed');
}

/** @param text message of a failure, with its stack */
function howOf(text: string): string {
  if (/timed out in \d+ ?ms/.test(text)) return 'time limit';
  if (text.startsWith('Error: Property failed')) return 'counterexample';
  const [, name = 'Error'] = /^(?:[\w.]+\.)?(\w*Error)\b/.exec(text) ?? [];
  return name === 'AssertionError' ? 'assertion' : name;
}
