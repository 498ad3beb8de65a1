/** Plan of the forward pass as an implicit GEMM. See assembly/conv/implicit_forward.ts. */

import { elementBytes } from '../core/dtype.ts';
import { ceilDiv, vectorSpeed } from './blocking.ts';
import { workspaceFields } from './conv_fields.ts';
import type { ConvPlan } from './conv_plan.ts';
import { forwardPlan } from './forward_plan.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { layoutOf, rowBufferBytes } from './forward_spec.ts';
import { implicitBoxes } from './implicit_boxes.ts';
import { implicitTables, TILE_ROWS } from './implicit_runs.ts';

/** Cycles, see `ConvPlan`: of a row of C at the end of a tile, to pack a row of lines and each element of it. */
const END_ROW = 4;
const PACK_ROW = 16;
const PACK_ELEMENT = 0.5;

/** The packed weight serves every size. */
export function planImplicitForward(spec: ForwardSpec): ConvPlan {
  const { batch, inChannels, outChannels, axes } = spec.geometry;
  const bytes = elementBytes(spec.dtype);
  const layout = layoutOf(spec.geometry, false);
  const boxes = implicitBoxes(spec, layout);
  const { box, counts, flat, inPlace, kc, period, slabChannels, width } = boxes;
  const { runs, panels, rows, pack, pointers } = implicitTables(spec, layout, boxes);

  const [shiftD, shiftH] = layout.phases.map(({ maxShift }) => maxShift);
  const strips = box[0] * ceilDiv(flat ? box[1] * period : box[2], width);
  const lineRows = inPlace ? 0 : (box[0] + shiftD) * (box[1] + shiftH);
  const cycles =
    strips *
      ((panels * inChannels * ((width * bytes) / 16)) / vectorSpeed(spec.kernelSet) +
        END_ROW * rows * ceilDiv(inChannels, kc)) +
    lineRows * inChannels * (PACK_ROW + PACK_ELEMENT * period);

  return forwardPlan(
    'implicitForward',
    spec,
    layout,
    layout.phases,
    box,
    { mr: TILE_ROWS, kc, slabChannels, tiles: panels },
    {
      ...workspaceFields(boxes.planesBytes, { panels: boxes.linesBytes, rowBuffer: rowBufferBytes(spec, bytes) }),
      planeRow: period,
      planeSlice: boxes.planeSlice,
      planeSize: boxes.planeSize,
      paddedSlice: boxes.lineSlice,
      linePeriod: period,
      stripStep: boxes.line,
      lineChannels: boxes.lineChannels,
      flat: Number(flat),
      dense: Number(inPlace),
      blocks: runs,
    },
    pack,
    pointers,
    axes.map(({ kernel }) => kernel),
    batch * counts * ceilDiv(outChannels, slabChannels) * cycles,
  );
}
