/** Plan of the forward pass by the Toom-Cook algorithm. See assembly/conv/winograd_forward.ts. */

import { ceilDiv, chooseKc, roundUp, stepCycles } from './blocking.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { AxisPhases } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { isTurned, layoutOf, neighbours, rowBufferBytes } from './forward_spec.ts';
import { spread } from './implicit_boxes.ts';
import { exchanged } from './mirrored.ts';
import { pointer, pointers } from './stage.ts';
import { chooseCut } from './winograd_cut.ts';
import { winogradRows } from './winograd_rows.ts';
import type { WinogradProblem } from './winograd_sources.ts';
import { gatherProblem, scatterProblem } from './winograd_sources.ts';
import { termTable, weightMatrix } from './winograd_terms.ts';
import { tileLength, tilePoints } from './winograd_tiles.ts';

/** Channels whose lines are packed and transformed together: as many as are read side by side, see implicit_lines.ts. */
const LINE_CHANNELS = 8;
/** Where channels are neighbours in memory and turned: several lines of it, if what is packed of them stays in L2. */
const TURNED_CHANNELS = 32;
const TURNED_BYTES = 256 * 1024;
/** Where neighbours stay neighbours: an even share of all that fits, because long pieces of memory are read faster. */
const LINES_BYTES = 768 * 1024;
/** Positions of four tiles, of four points each, between transformed and turned. The twin of `winograd.roomBytes`. */
const ROOM_TILES = 16;
/** Bytes of a tile in the table of tiles. */
const TILE_BYTES = 8;

/** Cycles, see `ConvPlan`: to transform an input, and a product, of one tile and point. */
const TRANSFORM_INPUT = 1.7;
const TRANSFORM_OUTPUT = 1.2;
/** To read an element of the packed weight, once per item: from a shared cache, from memory. */
const READ_NEAR = 0.3;
const READ_FAR = 0.6;
const NEAR_BYTES = 32 * 1024 * 1024;

/** Plan of the product to the large side. @param spec of float32, of a geometry that `acceptsWinograd` takes */
export function planWinogradForward(spec: ForwardSpec): ConvPlan {
  return planProblem(scatterProblem(spec));
}

/** Plan of the product to the small side. @param spec as for `planWinogradForward` */
export function planWinogradGather(spec: ForwardSpec): ConvPlan {
  return exchanged(planProblem(gatherProblem(spec)), 0);
}

/** The packed weight serves every size. */
function planProblem({ spec, sources, count: sourceCount, taps, groupStride }: WinogradProblem): ConvPlan {
  const { geometry, weight } = spec;
  const { batch, groups, inChannels, outChannels } = geometry;
  const depth = sourceCount * inChannels;
  const layout = layoutOf(geometry, false);
  const { phases } = layout;
  const shifts = phases.map(({ maxShift }) => maxShift);
  const lengths = shifts.map(tileLength);
  const points = shifts.reduce((product, shift) => product * tilePoints(shift), 1);

  const { slabChannels, slabs, mr, tiles, filled, tables } = winogradRows(spec, layout, points, {
    leastChannels: neighbours(spec),
  });
  const rows = slabChannels * layout.planesPerChannel;
  const flops = sourceCount * directFlops(geometry);
  const panelBytes = groups * slabs * points * tiles * mr * depth * 4;
  const cost = {
    columnBytes: points * depth * 4,
    productBytes: points * rows * 4,
    perPart: points * depth * TRANSFORM_INPUT,
    perItem: slabs * filled * mr * depth * (panelBytes > NEAR_BYTES ? READ_FAR : READ_NEAR),
    inAll: slabs * (points * rows * TRANSFORM_OUTPUT + (stepCycles(filled * mr, mr, spec.kernelSet) * depth) / 8),
  };
  const tilesOf = ({ begin, end }: AxisPhases, axis: number) => ceilDiv(end - begin, lengths[axis]);
  const total = phases.map(tilesOf) as [number, number, number];
  const { images, tiles: own, columns, parts, count } = chooseCut(total, batch, { ...cost, groups, slabs, flops });

  const box = own.map((length, axis) => length * lengths[axis]);
  const linePeriod = box[2] + shifts[2];
  const paddedSlice = (box[1] + shifts[1]) * linePeriod;
  const line = spread((box[0] + shifts[0]) * paddedSlice, 4);
  // a tile is stored as four numbers
  const planeRow = roundUp(box[2] + 4 - lengths[2], 4);
  const planeSlice = box[1] * planeRow;
  const planeSize = spread(box[0] * planeSlice, 4);
  const pointStride = spread(tiles * mr * columns, 4);
  const kc = chooseKc(depth);
  const lineBytes = images * line * 4;
  const turned = isTurned(spec);
  const asTheyLie = turned && inChannels % 4 === 0 && shifts[0] === 0 && shifts[1] > 0;
  const passes = ceilDiv(inChannels * lineBytes, LINES_BYTES);
  const turnedChannels = turned && TURNED_CHANNELS * lineBytes <= TURNED_BYTES ? TURNED_CHANNELS : LINE_CHANNELS;
  const lineChannels = asTheyLie ? roundUp(ceilDiv(inChannels, passes), 4) : turnedChannels;
  const together = asTheyLie ? lineChannels : 1;
  const scratch = workspaceFields(images * rows * planeSize * 4, {
    panels: points * columns * depth * 4,
    aPanels: points * pointStride * 4,
    tile:
      (columns + lineChannels) * TILE_BYTES +
      lineChannels * lineBytes +
      (asTheyLie ? ROOM_TILES * lineChannels * 4 : 0),
    rowBuffer: rowBufferBytes(spec, 4),
  });
  const [tapsD, tapsH, tapsW] = shifts.map((shift) => shift + 1);
  const rawBytes = roundUp(depth, 4) * 4;
  const fields = {
    ...convFields(spec, phases, phases, box).fields,
    ...scratch,
    ...tables,
    tapTablePtr: sources,
    packTablePtr: taps,
    termTablePtr: termTable(shifts.map(weightMatrix), [tapsH * tapsW * rawBytes, tapsW * rawBytes, rawBytes]),
    weightGroupStride: groupStride,
    blocks: sourceCount,
    mr,
    kc,
    depth,
    tiles,
    slabs,
    slabChannels,
    parts,
    imagesPerItem: images,
    columnsPerItem: columns,
    pointStride,
    linePeriod,
    paddedSlice,
    stripStep: line,
    lineChannels,
    together,
    planeRow,
    planeSlice,
    planeSize,
    packedPtr: pointer('packedWeight'),
  };
  return {
    pack: [
      {
        entry: 'packWinograd',
        items: groups * slabs * tiles,
        block: 'conv',
        fields: { ...fields, ...pointers('weight') },
      },
    ],
    stages: [
      {
        entry: 'winogradForward',
        items: groups * parts * count,
        flops,
        block: 'conv',
        fields: {
          ...fields,
          ...pointers('input', 'output', 'workspace', ...(spec.bias ? ['bias'] : [])),
          rowOffsetPtr: Int32Array.from({ length: tiles * mr }, (_, row) => row * columns * 4),
        },
      },
    ],
    packedWeightBytes: roundUp(panelBytes, 16) + groups * slabs * tiles * mr * tapsD * tapsH * tapsW * rawBytes,
    workspaceBytes: { shared: 0, perThread: scratch.threadBytes },
    cycles: count * (columns * (parts * cost.perPart + cost.inAll) + cost.perItem),
    packKey: [
      'winograd',
      mr,
      slabChannels,
      groups,
      depth,
      outChannels,
      sourceCount,
      weight.inChannel,
      weight.outChannel,
      ...taps,
    ].join(),
  };
}
