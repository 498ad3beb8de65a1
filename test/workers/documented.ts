/** What the documentation says of limits, and what a bundle takes of them. */

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { root } from './bundle.ts';

/** Numbers that a pattern captures in a file are no less than what was measured, and at most a quarter more. */
export function expectDocumented(measured: readonly number[], file: string, pattern: RegExp): void {
  const said = (pattern.exec(readFileSync(root + file, 'utf8')) ?? []).slice(1).map(Number);
  expect(said, `${file}: ${pattern}`).toHaveLength(measured.length);
  said.forEach((number, i) => {
    expect(number).toBeGreaterThanOrEqual(measured[i]);
    expect(number).toBeLessThanOrEqual(1.25 * measured[i]);
  });
}

/** Of a bundle and the wasm of both variants that come with it, as they are uploaded. */
export function compressedBytes(script: string): number {
  const wasm = ['simd', 'relaxed'].map((name) => readFileSync(`${root}dist/wasm/${name}.wasm`));
  return [script, ...wasm].reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0);
}
