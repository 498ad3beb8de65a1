/** Stages of every kind in the engine's memory, see stage_params.ts. */

import { BLOCKS } from '../memory/params.ts';
import type { Stage } from '../plan/stage.ts';
import type { BoundStages } from './stage_params.ts';
import * as stageParams from './stage_params.ts';

export type { BoundStage, BoundStages, Pointers } from './stage_params.ts';
export { run, writePointers } from './stage_params.ts';

/** Bytes that the parameter blocks and tables of `stages` take, wherever they are placed. */
export function paramsBytes(stages: readonly Stage[]): number {
  return stageParams.paramsBytes(stages, BLOCKS);
}

/** Writes numbers and tables, which stay the same for every call of a plan. */
export function writeConstants(memory: WebAssembly.Memory, stages: readonly Stage[], paramsPtr: number): BoundStages {
  return stageParams.writeConstants(memory, stages, paramsPtr, BLOCKS);
}
