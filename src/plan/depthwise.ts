/** Plans of convolutions of groups of few channels, in both directions. See assembly/conv/depthwise.ts. */

import { elementBytes } from '../core/dtype.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { Box } from './conv_gather.ts';
import { inputRanges, pitchesOf } from './conv_gather.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import { LAST_VECTOR_BYTES, growBox, reachedBox, shiftsOf, tapFields } from './depthwise_boxes.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { layoutOf } from './forward_spec.ts';
import { pointer, pointers } from './stage.ts';

/** Elements of an item in scratch memory: between a quarter and twice of these there is little difference. */
const SOURCE_ELEMENTS = { scatter: 6144, gather: 12288 } as const;
const RESULT_ELEMENTS = 32768;

/** Plan of a transposed convolution: operands as for `planConvTransposeForward`. */
export function planDepthwiseScatter(spec: ForwardSpec): ConvPlan {
  return planDepthwise(spec, 'scatter');
}

/** Plan of a convolution, which is gradInput of a transposed one: operands as for `planConvForward`. */
export function planDepthwiseGather(spec: ForwardSpec): ConvPlan {
  return planDepthwise(spec, 'gather');
}

function planDepthwise(spec: ForwardSpec, direction: 'scatter' | 'gather'): ConvPlan {
  const { dtype, geometry, weight } = spec;
  const { groups, batch, inChannels, outChannels, axes } = geometry;
  const bytes = elementBytes(dtype);
  const gather = direction === 'gather';
  const layout = layoutOf(geometry, false);
  const shifts = shiftsOf(layout.phases[2]);
  const { stride } = axes[2];
  const [repeat, fold] = dtype === 'float64' ? [1, 1] : gather ? [1, stride] : [stride, 1];
  const [sourceChannels, resultChannels] = gather ? [outChannels, inChannels] : [inChannels, outChannels];

  // a scatter cuts ⌊uncropped output coordinate ÷ stride⌋
  const ranges = gather
    ? inputRanges(geometry)
    : axes.map(({ crop, output, stride: step }) => ({
        begin: Math.floor(crop / step),
        end: Math.ceil((crop + output) / step),
      }));
  const [shiftD, shiftH, shiftW] = layout.phases.map(({ maxShift }) => maxShift);
  const sourceOf = (box: Box) =>
    gather
      ? reachedBox(geometry, layout, box, 4)
      : pitchesOf(box[0] + shiftD, box[1] + shiftH, (box[2] + shiftW) * repeat + 3);
  const resultOf = ([d, h, w]: Box) =>
    gather ? pitchesOf(d, h, w * fold) : pitchesOf(d * axes[0].stride, h * axes[1].stride, w * stride);
  const box = growBox(
    ranges,
    (next) => sourceChannels * sourceOf(next)[2] <= SOURCE_ELEMENTS[direction] && resultOf(next)[2] <= RESULT_ELEMENTS,
  );
  const [planeRow, planeSlice, planeSize] = sourceOf(box);
  const [paddedRow, paddedSlice, resultSize] = resultOf(box);

  const rows = sourceChannels * axes[0].kernel * axes[1].kernel;
  const depth = rows * shifts.length * (stride + 3);
  const workspace = workspaceFields(LAST_VECTOR_BYTES + sourceChannels * planeSize * bytes, {
    panels: resultSize * bytes + 32,
    rowBuffer: planeRow * bytes,
    aPanels: rows * shifts.length * 4,
    tile: depth * bytes,
  });
  const { fields: common, boxes } = convFields(spec, layout.phases, ranges, box);
  const fields = {
    ...common,
    ...tapFields(spec, shifts),
    gather: Number(gather),
    depth,
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packDepthwise',
        items: groups * resultChannels,
        block: 'conv',
        fields: { ...fields, ...pointers('weight') },
      },
    ],
    stages: [
      {
        entry: 'depthwise',
        items: groups * resultChannels * batch * boxes,
        flops: 2 * directFlops(geometry), // a FLOP takes longer than in a GEMM
        block: 'conv',
        fields: {
          ...fields,
          ...workspace,
          ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])),
          planeRow,
          planeSlice,
          planeSize,
          paddedRow,
          paddedSlice,
          repeat,
          fold,
          holes: Number(shifts.length * stride > axes[2].kernel),
        },
      },
    ],
    packedWeightBytes: groups * resultChannels * depth * bytes,
    workspaceBytes: { shared: 0, perThread: workspace.threadBytes },
    packKey: [
      'depthwise',
      direction,
      dtype,
      groups,
      inChannels,
      outChannels,
      weight.inChannel,
      weight.outChannel,
      ...weight.spatial,
      ...axes.flatMap(({ kernel, stride: step, dilation }) => [kernel, step, dilation]),
    ].join(),
  };
}
