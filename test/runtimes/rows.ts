/** What is known of a runtime, or of pages from a bundler, after its tests have passed: a row of README's table. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface RuntimeRow {
  readonly runtime: string;
  /** Version that the tests have run in. */
  readonly version: string;
  /** 'yes', or when, or why not. */
  readonly threads: string;
  readonly relaxedSimd: boolean;
}

const folder = fileURLToPath(new URL('rows/', import.meta.url));

/** In the order of the table; also the names of the files. */
export const RUNTIMES = [
  'chromium',
  'firefox',
  'webkit',
  'node-20',
  'node-22',
  'node-24',
  'node-26',
  'deno',
  'bun',
  'workers',
  'vite-build',
  'vite-development',
  'webpack',
  'esbuild',
  'rollup',
  'parcel',
  'next-turbopack',
  'next-webpack',
  'no-bundler',
] as const;

export type RuntimeName = (typeof RUNTIMES)[number];

/** Notes that all tests of a runtime have passed. Where CI is set nothing is written: it only checks. */
export function writeRow(name: RuntimeName, row: RuntimeRow): void {
  if (process.env.CI) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(row, null, 2)}\n`);
}

/** All rows that have been written. */
export function readRows(): RuntimeRow[] {
  const written = new Set(readdirSync(folder));
  return RUNTIMES.filter((name) => written.has(`${name}.json`)).map(
    (name) => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as RuntimeRow,
  );
}
