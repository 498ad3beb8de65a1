/** Plan of gradWeight by the Toom-Cook algorithm. See assembly/conv/winograd_grad_weight.ts. */

import { elementCount } from '../core/shape.ts';
import { ceilDiv, roundUp, stepCycles } from './blocking.ts';
import { planChannelSum } from './channel_sum.ts';
import { convFields, workspaceFields } from './conv_fields.ts';
import type { Box } from './conv_gather.ts';
import { imagesPerItem, rowOffsets } from './conv_gather.ts';
import { directFlops } from './conv_geometry.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { layoutOf } from './forward_spec.ts';
import type { GradWeightPlan } from './grad_weight.ts';
import { cutIntoStages, MAXIMUM_STAGES, mostParts, partsOf, planGradWeight } from './grad_weight.ts';
import { spread } from './implicit_boxes.ts';
import { product } from './implicit_runs.ts';
import type { FieldValue, Stage } from './stage.ts';
import { pointer, pointers, withPointers } from './stage.ts';
import { winogradRows } from './winograd_rows.ts';
import { scatterProblem } from './winograd_sources.ts';
import { gradientMatrix, termTable, transposed, weightMatrix } from './winograd_terms.ts';
import { tileLength, tilePoints } from './winograd_tiles.ts';

/** Columns of a strip. */
const NR = 8;
/** Input channels of an item: each item transforms its rows. */
const COLUMNS = 256;
/** Where there are fewer items, K is dealt to as many as are missing. */
const WANTED_ITEMS = 4;
/** Tiles of a block of K. */
const DEPTH = 64;
/** Direct operations of an item of a stage: at its end C becomes gradients. */
const STAGE_FLOPS = 300e6;
/** Elements of a channel of the output side under a row of tiles: large strides may leave gaps in it, which are memory, too. */
const LARGEST_TILE_ROW = 2 ** 16;
/** Bytes of a tile or line in its table. */
const TILE_BYTES = 8;

/** Cycles, see `GradWeightPlan`: to transform an input and a gradient, to a point; to pack a gradient; of C, per stage. */
const TRANSFORM_INPUT = 1.65;
const TRANSFORM_GRADIENT = 0.8;
const PACK_GRADIENT = 2.3;
const TRANSFORM_OUTPUT = 1.8;

/**
 * Operands as for `planGradWeight`. The sums of both sides' channels say whether transforms serve; else the stages of
 * `direct`, which follow, do the work; it does so in any case where strides are very large.
 *
 * @param spec of float32, of a geometry that `acceptsWinograd` takes
 */
export function planWinogradGradWeight(
  spec: ForwardSpec,
  direct: GradWeightPlan = planGradWeight(spec),
): GradWeightPlan {
  const { geometry, kernelSet } = spec;
  const { batch, groups, inChannels, outChannels, axes } = geometry;
  const layout = layoutOf(geometry, false);
  const { phases } = layout;
  const shifts = phases.map(({ maxShift }) => maxShift);
  const lengths = shifts.map(tileLength);
  const points = elementCount(shifts.map(tilePoints));
  const columns = roundUp(ceilDiv(inChannels, ceilDiv(inChannels, COLUMNS)), NR);
  const columnBlocks = ceilDiv(inChannels, columns);
  const total = phases.map(({ begin, end }, axis) => ceilDiv(end - begin, lengths[axis]));
  const { own, images, kc, steps } = blocksOfK(batch, total);

  const wholeItems = groups * columnBlocks;
  const leastSlabs = ceilDiv(WANTED_ITEMS, wholeItems * Math.min(steps, mostParts(spec)));
  const rowsOf = (each: ForwardSpec) => winogradRows(each, layout, points, { leastSlabs, apart: true });
  const { slabChannels, slabs, mr, tiles, filled, tables } = rowsOf(spec);
  const rows = tiles * mr;

  const box = own.map((length, axis) => length * lengths[axis]);
  const linePeriod = box[2] + shifts[2];
  const paddedSlice = (box[1] + shifts[1]) * linePeriod;
  const line = spread((box[0] + shifts[0]) * paddedSlice + 4, 4);
  // gradients of a row of tiles lie as in the output
  const [strideD, strideH, strideW] = axes.map(({ stride }) => stride);
  const planeRow = box[2] * strideW;
  const planeSlice = lengths[1] * strideH * planeRow;
  const planeSize = lengths[0] * strideD * planeSlice;
  if (planeSize > LARGEST_TILE_ROW) return direct;
  const pointStride = spread(rows * columns, 4);
  const gradientSteps = [planeSlice, planeRow, 1].map((step) => step * mr * 4);
  const ofPhases = product(phases.map(({ residues }) => residues)).map((phase) => {
    return phase.reduce((sum, residue, axis) => sum + residue * gradientSteps[axis], 0);
  });
  const pointSteps = [4 * tilePoints(shifts[1]), 4, 1].map((step) => step * pointStride * 4);
  const scratch = workspaceFields(0, {
    aPanels: points * rows * kc * 4,
    panels: points * columns * kc * 4,
    products: points * pointStride * 4,
    tile: (kc + NR) * TILE_BYTES + images * NR * line * 4,
    interleaved: planeSize * mr * 4,
  });

  const sums = sumStages(spec);
  const sumCount = groups * (inChannels + outChannels);
  const sumsBytes = roundUp(sumCount * 4, 64);
  // heights of micro-kernels pad slabs; all of them end stages at the same block of K, so that they give the same bits
  const usualItems = wholeItems * rowsOf({ ...spec, mr: null }).slabs;
  const dealt = partsOf(spec, Math.min(ceilDiv(WANTED_ITEMS, usualItems), steps), sumsBytes);
  const flops = directFlops(geometry);
  const stepsPerStage = stepsOfStage(steps, dealt.parts, flops / usualItems);
  const stagesOfK = cutIntoStages(
    {
      entry: 'winogradGradWeight',
      steps,
      stepsPerStage,
      items: wholeItems * slabs * dealt.parts,
      flops,
    },
    {
      ...convFields(spec, phases, phases, box).fields,
      ...scratch,
      ...tables,
      ...pointers('input', 'output'),
      ...dealt.fields,
      workspacePtr: pointer('workspace', sumsBytes + dealt.bytes),
      packTablePtr: scatterProblem({ ...spec, weight: dealt.weight }).taps,
      tapTablePtr: Int32Array.from(ofPhases),
      termTablePtr: termTable(shifts.slice(0, 2).map(gradientMatrix), [
        strideD * gradientSteps[0],
        strideH * gradientSteps[1],
      ]),
      tapTermTablePtr: termTable(
        shifts.map((shift) => transposed(weightMatrix(shift))),
        pointSteps,
      ),
      rowOffsetPtr: rowOffsets(rows, mr, NR, 4),
      mr,
      kc,
      tiles,
      slabs,
      slabChannels,
      columnsPerItem: columns,
      imagesPerItem: images,
      pointStride,
      linePeriod,
      paddedSlice,
      stripStep: line,
      lineChannels: NR,
      planeRow,
      planeSlice,
      planeSize,
    },
  );
  const otherwise = withPointers(direct.stages, ({ at, offsetBytes }) => {
    return pointer(at, at === 'workspace' ? offsetBytes + sumsBytes : offsetBytes);
  });
  const choice = { sums: sumCount, sumsPtr: pointer('workspace') };
  const positions = batch * groups * elementCount(total);
  const gradients = batch * groups * outChannels * elementCount(axes.map(({ output }) => output));
  return {
    stages: [
      ...sums,
      ...withFields([...stagesOfK, ...dealt.sum], { ...choice, transformed: 1 }),
      ...withFields(otherwise, choice),
    ],
    workspaceBytes: {
      shared: sumsBytes + Math.max(dealt.bytes, direct.workspaceBytes.shared),
      perThread: Math.max(scratch.threadBytes, direct.workspaceBytes.perThread),
    },
    cycles:
      positions * slabs * stepCycles(filled * mr, mr, kernelSet) * ceilDiv(inChannels, NR) +
      positions * slabs * points * (TRANSFORM_INPUT * inChannels + TRANSFORM_GRADIENT * rows * columnBlocks) +
      PACK_GRADIENT * gradients * columnBlocks +
      TRANSFORM_OUTPUT * stagesOfK.length * dealt.parts * groups * slabs * points * rows * inChannels,
  };
}

/** How K is cut: tiles of an image and images of a block, their number in whole strips, and how many blocks there are. */
function blocksOfK(batch: number, total: readonly number[]) {
  const own = boxOfTiles(total);
  const images = imagesPerItem(batch, total, own, DEPTH);
  const kc = roundUp(images * elementCount(own), NR);
  const steps = ceilDiv(batch, images) * elementCount(total.map((length, axis) => ceilDiv(length, own[axis])));
  return { own, images, kc, steps };
}

/** Blocks of K of a stage, as many for each part. @param flops of an item in all stages, if K were not dealt */
function stepsOfStage(steps: number, parts: number, flops: number): number {
  const rounds = ceilDiv(steps, parts);
  const roundsPerStage = Math.max(1, Math.floor((STAGE_FLOPS * steps) / flops));
  return ceilDiv(rounds, Math.min(MAXIMUM_STAGES, ceilDiv(rounds, roundsPerStage))) * parts;
}

/** Whole rows and slices of tiles where they fit a block of K, all of nearly one size. */
function boxOfTiles(total: readonly number[]): Box {
  const box: [number, number, number] = [1, 1, 1];
  let room = DEPTH;
  for (let axis = 2; axis >= 0; axis--) {
    box[axis] = ceilDiv(total[axis], ceilDiv(total[axis], Math.max(room, 1)));
    room = Math.floor(room / box[axis]);
    if (box[axis] < total[axis]) break;
  }
  return box;
}

/** Sums of absolute values: of the channels of the input, then of the output side. */
function sumStages({ geometry, input, output }: ForwardSpec): Stage[] {
  const { batch, groups, inChannels, outChannels, axes } = geometry;
  const sides = [
    { source: 'input', channels: groups * inChannels, lengths: axes.map((axis) => axis.input), strides: input },
    { source: 'output', channels: groups * outChannels, lengths: axes.map((axis) => axis.output), strides: output },
  ];
  return sides.flatMap(({ source, channels, lengths: [d, h, w], strides }, index) => {
    const sourcePtr = pointer(source);
    const targetPtr = pointer('workspace', index * groups * inChannels * 4);
    const stage = planChannelSum('float32', batch, channels, [d, h, w], strides, false);
    return withFields([stage], { sourcePtr, targetPtr, absolute: 1 });
  });
}

function withFields(stages: readonly Stage[], fields: Readonly<Record<string, FieldValue>>): Stage[] {
  return stages.map((stage) => ({ ...stage, fields: { ...stage.fields, ...fields } }));
}
