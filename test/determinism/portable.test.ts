/** `numerics: 'portable'` gives the same bits on every engine, CPU and number of threads: those of hashes.json. */

import { expect, test } from 'vitest';
import { portableHashes } from './hashes.ts';
import expected from './hashes.json' with { type: 'json' };

test.each([1, 2])('the bits of every call with %s threads', async (threads) => {
  expect(await portableHashes(threads)).toEqual(expected);
});
