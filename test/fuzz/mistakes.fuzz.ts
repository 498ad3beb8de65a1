/** Every public function with random mistakes in its call: an error of the package, or a result; nothing leaks. */

import * as fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { FUNCTION_CASES } from '../support/function_cases.ts';
import { disposeOwned } from '../support/owned.ts';
import { campaign } from './campaign.ts';
import { checkCall } from './check_call.ts';
import { mistakes } from './mistakes.ts';

let engines: Engine[];
beforeAll(async () => {
  const options = { threads: 1, maximumBytes: 16 << 20 };
  engines = await Promise.all([createEngine(options), createEngine(options)]);
});
afterAll(() => engines.forEach((engine) => engine.dispose()));

const names = FUNCTION_CASES.map(({ name }) => name);

test('mistakes', async () => {
  const calls = fc.record({ name: fc.constantFrom(...names), made: mistakes });
  await campaign('mistakes', calls, async ({ name, made }) => {
    const c = FUNCTION_CASES.find((each) => each.name === name)!;
    try {
      await checkCall(c, made, engines);
    } finally {
      disposeOwned();
    }
  });
});
