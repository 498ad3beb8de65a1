/** What plans of convolutions return. */

import type { Stage, WorkspaceBytes } from './stage.ts';

export interface ConvPlan {
  /** Fill `packedWeight` from `weight`. */
  readonly pack: readonly Stage[];
  /** Need `packedWeight`. */
  readonly stages: readonly Stage[];
  readonly packedWeightBytes: number;
  readonly workspaceBytes: WorkspaceBytes;
  /** Equal for plans whose packed weights are interchangeable. */
  readonly packKey: string;
}
