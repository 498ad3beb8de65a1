/** A plan: all there is to know about an operation before its addresses are known. Plain, cloneable data. */

import type { Dtype } from '../core/dtype.ts';
import type { Stage, WorkspaceBytes } from '../plan/stage.ts';
import { paramsBytes } from './stage_params.ts';
import { PLAN_BLOCKS } from '../memory/blocks.ts';

export interface Plan {
  readonly dtype: Dtype;
  /** Of the operation; of a backward plan the shape of gradOutput. */
  readonly outputShape: readonly number[];
  /** 0 when there is nothing to pack. */
  readonly packedWeightBytes: number;
  /**
   * Scratch memory: shared + threads · perThread. The shared part holds the packed weight when `bind` is given the raw
   * one; a caller that brings `packedWeight` needs less by its size.
   */
  readonly workspaceBytes: WorkspaceBytes;
  /** Enough for `bind`, and for `bindPack`, at any address. */
  readonly paramsBytes: number;
  /** Fill `packedWeight` from `weight`. */
  readonly pack: readonly Stage[];
  readonly stages: readonly Stage[];
  /** Equal for plans whose packed weights are interchangeable. */
  readonly packKey: string;
  /** Bytes between the first and the last element of each operand that `bind` takes. */
  readonly operands: Readonly<Record<string, number>>;
  /** Results that `bind` leaves out when they have no address. */
  readonly optional: readonly string[];
}

/** What one product of an operation contributes to its plan. */
export interface Part {
  readonly stages: readonly Stage[];
  readonly workspaceBytes?: WorkspaceBytes;
  readonly pack?: readonly Stage[];
  readonly packedWeightBytes?: number;
  readonly packKey?: string;
}

/** Parts run one after another in the same scratch memory; at most one has a packed weight. */
export function makePlan(
  parts: readonly Part[],
  about: Pick<Plan, 'dtype' | 'outputShape' | 'operands' | 'optional'>,
): Plan {
  const stages = parts.flatMap((part) => part.stages);
  const packing = parts.find(({ pack }) => pack !== undefined);
  const pack = packing?.pack ?? [];
  const packedWeightBytes = packing?.packedWeightBytes ?? 0;
  const most = (kind: keyof WorkspaceBytes): number =>
    Math.max(0, ...parts.map(({ workspaceBytes }) => workspaceBytes?.[kind] ?? 0));
  return {
    ...about,
    packedWeightBytes,
    workspaceBytes: {
      shared: packedBytes(packedWeightBytes) + most('shared'),
      perThread: most('perThread'),
    },
    paramsBytes: paramsBytes([...pack, ...stages], PLAN_BLOCKS),
    pack,
    stages,
    packKey: packing?.packKey ?? '',
  };
}

/** Room for a packed weight in the workspace. */
function packedBytes(packedWeightBytes: number): number {
  return Math.ceil(packedWeightBytes / 64) * 64;
}

/** What the stages of a plan need beside a packed weight: they find it behind one that lies in the workspace, too. */
export function scratchOf({ packedWeightBytes, workspaceBytes }: Plan): WorkspaceBytes {
  return { ...workspaceBytes, shared: workspaceBytes.shared - packedBytes(packedWeightBytes) };
}
