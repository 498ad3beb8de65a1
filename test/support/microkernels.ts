/** Micro-kernels that the default engine has, by the names that force them. */

import { createEngine } from '../../src/index.ts';
import { checkMicrokernel, hasHeight, microkernels } from '../../src/plan/blocking.ts';

const engine = await createEngine({ threads: 1 });
export const MICROKERNELS: readonly string[] = microkernels('relaxed').filter((name) =>
  hasHeight(engine.kernelSet, checkMicrokernel('test', name, 'relaxed')),
);
engine.dispose();
