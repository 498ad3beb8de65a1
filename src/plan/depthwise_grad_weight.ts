/** Plan of gradWeight of groups of few channels. See assembly/conv/depthwise_grad_weight.ts. */

import { ceilDiv, ITEM_FLOPS, roundUp } from './blocking.ts';
import type { ProductSpec } from './conv_fields.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { Box } from './conv_gather.ts';
import { inputRanges, pitchesOf } from './conv_gather.ts';
import { directFlops } from './conv_geometry.ts';
import { LAST_VECTOR_BYTES, growBox, reachedBox, shiftsOf, tapFields } from './depthwise_boxes.ts';
import { layoutOf } from './forward_spec.ts';
import type { GradWeightPlan } from './grad_weight.ts';
import { cutIntoStages, MAXIMUM_STAGES, planGradWeight } from './grad_weight.ts';
import { pointers } from './stage.ts';

/** Elements of both sides that an item holds. */
const BOX_ELEMENTS = 12288;
/** Taps of one tile of sums. */
const TILE = 4;

/** Operands as for `planGradWeight`, which float64 takes. */
export function planDepthwiseGradWeight(spec: ProductSpec): GradWeightPlan {
  const { dtype, geometry } = spec;
  if (dtype === 'float64') return planGradWeight(spec);
  const { groups, batch, inChannels, outChannels, axes } = geometry;
  const layout = layoutOf(geometry, false);
  const shifts = shiftsOf(layout.phases[2]);
  const { stride } = axes[2];
  /** Cells after which residues repeat, see `cellPeriod`. */
  const period = stride % 2 === 1 ? stride : stride % 4 === 2 ? stride / 2 : stride / 4;
  const unit = 8 * period;
  const repeatedOf = ([d, h, w]: Box) => pitchesOf(d, h, roundUp(w * stride, unit));
  const ranges = inputRanges(geometry);
  const box = growBox(
    ranges,
    (next) => reachedBox(geometry, layout, next, unit)[2] + repeatedOf(next)[2] <= BOX_ELEMENTS,
  );
  const [planeRow, planeSlice, planeSize] = reachedBox(geometry, layout, box, unit);
  const [paddedRow, paddedSlice, repeatedSize] = repeatedOf(box);
  const tiles = ceilDiv(axes[0].kernel * axes[1].kernel * shifts.length, TILE);
  const { fields, boxes } = convFields(spec, layout.phases, ranges, box);
  const workspace = workspaceFields(LAST_VECTOR_BYTES + planeSize * 4, {
    panels: repeatedSize * 4 + 16,
    rowBuffer: planeRow * 4,
    aPanels: tiles * TILE * 4,
    tile: period * tiles * TILE * 16,
  });
  const steps = batch * boxes;
  const items = groups * inChannels * outChannels;
  const flops = 2 * directFlops(geometry); // a FLOP takes longer than in a GEMM
  const wanted = Math.min(MAXIMUM_STAGES, Math.max(1, Math.round(flops / items / ITEM_FLOPS)));
  return {
    stages: cutIntoStages(
      { entry: 'depthwiseGradWeight', steps, stepsPerStage: Math.max(1, ceilDiv(steps, wanted)), items, flops },
      {
        ...fields,
        ...tapFields(spec, shifts),
        ...workspace,
        ...pointers('input', 'output', 'weight', 'workspace'),
        planeRow,
        planeSlice,
        paddedRow,
        paddedSlice,
        gather: 1,
        tiles,
      },
    ),
    workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
  };
}
