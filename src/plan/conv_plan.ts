/** What plans of convolutions return. */

import type { Stage, WorkspaceBytes } from './stage.ts';

export interface ConvPlan {
  /** Fill `packedWeight` from `weight`. */
  readonly pack: readonly Stage[];
  /** Need `packedWeight`. */
  readonly stages: readonly Stage[];
  readonly packedWeightBytes: number;
  readonly workspaceBytes: WorkspaceBytes;
  /**
   * What a group takes, for a comparison of paths: cycles of a core with two vector multiply-adds per cycle, without what
   * all paths have in common. Fitted to measurements, see ARCHITECTURE.md.
   */
  readonly cycles?: number;
  /** Equal for plans whose packed weights are interchangeable. */
  readonly packKey: string;
}
