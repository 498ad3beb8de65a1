/** Puts a forward product together: the stage that packs its weight, and the stage that runs its items. */

import { elementBytes } from '../core/dtype.ts';
import { ceilDiv, roundUp } from './blocking.ts';
import type { Range } from './conv_fields.ts';
import { convFields } from './conv_fields.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { ForwardSpec, Layout } from './forward_spec.ts';
import type { FieldValue } from './stage.ts';
import { pointer, pointers } from './stage.ts';

/** How a product is blocked: rows of a tile of A, channels of a block of K, of a slab, and micro-panels per channel. */
export interface Blocks {
  readonly mr: number;
  readonly kc: number;
  readonly slabChannels: number;
  readonly tiles: number;
}

/**
 * Operands: `input`, `bias` (one number per output channel) and `weight` or `packedWeight` are read, `output` is written.
 *
 * @param fields what the entry asks for beside geometry and blocks
 * @param packTablePtr see assembly/conv/forward_weight.ts
 * @param tables what the entry reads beside `fields`
 * @param signature what the order of the packed weight depends on beside `blocks`
 * @param cycles see `ConvPlan`
 */
export function forwardPlan(
  entry: 'convTransposeForward' | 'implicitForward',
  spec: ForwardSpec,
  { phases, taps }: Layout,
  ranges: readonly Range[],
  box: readonly number[],
  { mr, kc, slabChannels, tiles }: Blocks,
  fields: Readonly<Record<string, number>> & { readonly threadBytes: number },
  packTablePtr: Int32Array,
  tables: Readonly<Record<string, Int32Array>>,
  signature: readonly (number | string)[],
  cycles: number,
): ConvPlan {
  const { dtype, geometry, weight } = spec;
  const { batch, groups, inChannels: depth, outChannels, axes } = geometry;
  const slabs = ceilDiv(outChannels, slabChannels);
  const parts = groups * slabs;
  const packs = parts * ceilDiv(depth, kc);
  const { fields: common, boxes } = convFields(spec, phases, ranges, box);
  const all: Record<string, FieldValue> = {
    ...common,
    ...fields,
    mr,
    kc,
    depth,
    tiles,
    slabs,
    slabChannels,
    taps,
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packForwardWeight',
        items: packs,
        block: 'conv',
        fields: { ...all, ...pointers('weight'), packTablePtr },
      },
    ],
    stages: [
      {
        entry,
        items: parts * batch * boxes,
        flops: directFlops(geometry),
        block: 'conv',
        fields: { ...all, ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])), ...tables },
      },
    ],
    packedWeightBytes: roundUp(packs * 4, 64) + parts * depth * tiles * mr * elementBytes(dtype),
    workspaceBytes: { shared: 0, perThread: fields.threadBytes },
    cycles,
    packKey: [
      entry,
      dtype,
      mr,
      kc,
      slabChannels,
      groups,
      depth,
      outChannels,
      weight.inChannel,
      weight.outChannel,
      ...weight.spatial,
      ...axes.flatMap(({ stride, dilation }) => [stride, dilation]),
      ...signature,
    ].join(','),
  };
}
