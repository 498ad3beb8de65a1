/** All bugs that the tests must find. */

import { CONVOLUTIONS } from './convolutions.ts';
import type { Mutant } from './mutant.ts';
import { ELEMENTWISE, GEMM, THREADS } from './others.ts';
import { PLANS } from './plans.ts';

export const MUTANTS: readonly Mutant[] = [...PLANS, ...GEMM, ...CONVOLUTIONS, ...ELEMENTWISE, ...THREADS];
