/** What the project 'wide' is worth: its engines have the wide variant, and V8 joins its vectors. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';

/** Where Linux tells what the CPU has. */
const CPU = '/proc/cpuinfo';

test('engines of these tests compute with 256 bits', async () => {
  const usual = await createEngine();
  expect(usual.info.variant).toMatch(/^wide/);
  usual.dispose();
  const checked = await createEngine({ wide: true, threads: 1 });
  expect(checked.info.wide).toBe(existsSync(CPU) && /\bavx2\b/.test(readFileSync(CPU, 'utf8')));
  checked.dispose();
});
