import * as fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { checkConv } from '../support/conv_check.ts';
import { convProblems } from '../support/conv_problem.ts';
import { ENGINES, everyEngine } from '../support/engines.ts';
import { disposeOwned } from '../support/owned.ts';
import { chosenSeed } from '../support/seed.ts';

let engines: Engine[];
beforeAll(async () => {
  engines = await everyEngine();
});
afterAll(() => engines.forEach((engine) => engine.dispose()));

const seed = chosenSeed();
const RUNS = Number(process.env.UPCONV_TEST_RUNS ?? 20_000);

test(`${RUNS} random configurations as the definition, seed ${seed}`, () => {
  const property = fc.property(convProblems(ENGINES.length), (problem) => {
    try {
      checkConv(problem, engines);
    } finally {
      disposeOwned();
    }
  });
  fc.assert(property, { seed, numRuns: RUNS });
});
