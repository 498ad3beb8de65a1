/** Micro-kernels that the default engine has, by the names that force them. */

import { createEngine } from '../../src/index.ts';
import { microkernels } from '../../src/plan/blocking.ts';

const engine = await createEngine({ threads: 1 });
const heightOf = (name: string): number => Number.parseInt(name, 10);
const heights = new Set(microkernels(engine.kernelSet).map(heightOf));
export const MICROKERNELS: readonly string[] = microkernels('relaxed').filter((name) => heights.has(heightOf(name)));
engine.dispose();
