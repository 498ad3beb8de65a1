/** Convolutions that are valid, with every option, layout and kind of engine, against the definition in float64. */

import { afterAll, beforeAll, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { checkConv } from '../support/conv_check.ts';
import { convProblems } from '../support/conv_problem.ts';
import { ENGINES, everyEngine } from '../support/engines.ts';
import { disposeOwned } from '../support/owned.ts';
import { campaign } from './campaign.ts';

let engines: Engine[];
beforeAll(async () => {
  engines = await everyEngine();
});
afterAll(() => engines.forEach((engine) => engine.dispose()));

test('convolutions', async () => {
  await campaign('convolutions', convProblems(ENGINES.length), (problem) => {
    const { tensors } = engines[problem.engine].memory;
    try {
      checkConv(problem, engines);
    } finally {
      disposeOwned();
    }
    const left = engines[problem.engine].memory.tensors - tensors;
    if (left !== 0) throw new Error(`${left} tensors are left`);
  });
});
