/** What the project 'wide' is worth: its engines have the wide variant, and V8 joins its vectors. */

import { expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { HAS_AVX2 } from '../support/cpu.ts';

test('engines of these tests compute with 256 bits', async () => {
  const usual = await createEngine();
  expect(usual.info.variant).toMatch(/^wide/);
  usual.dispose();
  const checked = await createEngine({ wide: true, threads: 1 });
  expect(checked.info.wide).toBe(HAS_AVX2);
  checked.dispose();
});
