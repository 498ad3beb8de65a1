/** Many random convolutions as the definition; see adjoint.test.ts. */

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

test.each([
  { runs: 20_000, scale: 1 },
  { runs: 1000, scale: 5 },
  { runs: 150, scale: 16 },
])(`$runs random configurations of scale $scale, seed ${seed}`, ({ runs, scale }) => {
  const property = fc.property(convProblems(ENGINES.length, scale), (problem) => {
    try {
      checkConv(problem, engines);
    } finally {
      disposeOwned();
    }
  });
  fc.assert(property, { seed, numRuns: runs });
});
