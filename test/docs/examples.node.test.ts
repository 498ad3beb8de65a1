/** Every example of the documentation runs, alone, with the built package, and prints what its comments say. */

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { CodeBlock } from './code_blocks.ts';
import { guideBlocks, root, sourceBlocks } from './code_blocks.ts';

/** In a process of its own, in which `upconv` is this package by its own `exports`. */
function checkRuns({ code, prints }: CodeBlock): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module'], {
    cwd: root,
    input: code,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\n').slice(0, -1)).toEqual(prints);
}

const guides = guideBlocks();
const sources = sourceBlocks();

test('there are examples', () => {
  expect(guides.length).toBeGreaterThan(25);
  expect(sources.length).toBeGreaterThan(10);
});
test.each(guides)('$name', checkRuns);
test.each(sources)('$name', checkRuns);
