/** Plan of the forward pass: phase planes, tiles of A, boxes. See assembly/conv/conv_transpose_forward.ts. */

import type { CheckedActivation } from '../core/activation.ts';
import { NO_ACTIVATION } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { KernelSet } from '../wasm/variants.ts';
import {
  A_BLOCK_BYTES,
  B_PANELS_BYTES,
  ceilDiv,
  chooseKc,
  chooseMr,
  ITEM_FLOPS,
  nrOf,
  PLANES_BYTES,
  roundUp,
} from './blocking.ts';
import type { AxisPhases, ConvGeometry, Strides, WeightStrides } from './conv_geometry.ts';
import { axisPhases, UNIT_AXIS } from './conv_geometry.ts';
import { boxFields, geometryFields } from './conv_fields.ts';
import type { Stage, WorkspaceBytes } from './stage.ts';
import { pointer } from './stage.ts';

export interface ForwardSpec {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  /** Height of the micro-kernel, to force one; null lets the plan choose. */
  readonly mr: number | null;
  readonly geometry: ConvGeometry;
  readonly input: Strides;
  readonly weight: WeightStrides;
  readonly output: Strides;
  readonly bias: boolean;
  readonly activation?: CheckedActivation;
  /** Add to what is there. */
  readonly accumulate: boolean;
}

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

/** One row of A: (shift, channel, phase), and the tap that is there. */
interface Row {
  readonly channel: number;
  readonly phase: number;
  readonly shift: readonly [number, number, number];
  readonly weightOffset: number;
}

/** Rows grouped by the shift of the outer axes: a tile runs for an input row when that shift lands in the box. */
interface Run {
  readonly shiftD: number;
  readonly shiftH: number;
  readonly rows: readonly Row[];
}

interface Layout {
  readonly phases: readonly [AxisPhases, AxisPhases, AxisPhases];
  /** Phase planes per channel. */
  readonly planesPerChannel: number;
  readonly taps: number;
}

/** How an item is cut, and the plane that it needs. */
interface Boxes {
  readonly flat: boolean;
  readonly slabChannels: number;
  readonly box: readonly [number, number, number];
  readonly planeRow: number;
  readonly planeSlice: number;
  readonly planeSize: number;
  readonly panelBytes: number;
}

/** Rows of A are cut into blocks of this many, whatever mr is, so that bits do not depend on mr. */
const BLOCK_ROWS_UNIT = 60;

/**
 * Plan of `output = col2im(Wᵀ · input)`, with bias and activation. Operands: `input`, `bias` (one number per output
 * channel) and `weight` or `packedWeight` are read, `output` is written.
 */
export function planConvTransposeForward(given: ForwardSpec): ConvPlan {
  const spec = batchAsColumns(given);
  const { dtype, geometry, kernelSet } = spec;
  const bytes = elementBytes(dtype);
  const layout = layoutOf(geometry);
  const { phases, taps } = layout;
  const depth = geometry.inChannels;
  const kc = chooseKc(depth);
  const boxes = chooseBoxes(spec, layout, kc);
  const { slabChannels, box, planeSize } = boxes;
  const slabs = ceilDiv(geometry.outChannels, slabChannels);

  const blockRows = Math.max(
    BLOCK_ROWS_UNIT,
    Math.floor(A_BLOCK_BYTES / (kc * bytes * BLOCK_ROWS_UNIT)) * BLOCK_ROWS_UNIT,
  );
  const blocks = cutBlocks(collectRuns(spec, layout, slabChannels), blockRows);
  const mr = chooseMr(kernelSet, spec.mr, (height) => tileRows(blocks, height).length);
  const tables = buildTables(blocks, mr, layout, boxes, slabChannels, bytes);

  const boxCounts = phases.map(({ begin, end }, axis) =>
    axis === 1 && boxes.flat
      ? 1
      : axis === 2
        ? ceilDiv(end - Math.floor(begin / nrOf(dtype)) * nrOf(dtype), box[2])
        : ceilDiv(end - begin, box[axis]),
  ) as [number, number, number];
  const everyShiftIsZero = phases.every(({ maxShift }) => maxShift === 0);

  const planesBytes = roundUp((slabChannels * layout.planesPerChannel + 1) * planeSize * bytes, 64);
  const panelsOffset = planesBytes;
  const rowBufferOffset = panelsOffset + boxes.panelBytes;
  const rowBufferBytes =
    spec.output.spatial[2] === 1 && !spec.accumulate ? 0 : roundUp(geometry.axes[2].output * bytes, 64);
  const tileOffset = rowBufferOffset + rowBufferBytes;
  const perThread = tileOffset + roundUp(mr * (32 + 4), 64);

  const headerBytes = roundUp(geometry.groups * slabs * ceilDiv(depth, kc) * 4, 64);
  const packedWeightBytes = headerBytes + geometry.groups * slabs * depth * tables.tiles * mr * bytes;

  const activation = spec.activation ?? NO_ACTIVATION;
  const fields = {
    ...geometryFields(geometry, boxes.flat ? wholeRows(geometry, phases) : phases, spec.input, spec.output),
    ...boxFields(box, boxCounts),
    weightInStride: spec.weight.inChannel,
    weightOutStride: spec.weight.outChannel,
    planeRow: boxes.planeRow,
    planeSlice: boxes.planeSlice,
    planeSize,
    mr,
    kc,
    depth,
    tiles: tables.tiles,
    slabs,
    slabChannels,
    taps,
    blocks: blocks.length,
    flat: boxes.flat ? 1 : 0,
    writeOnce: everyShiftIsZero && taps > 0 ? 1 : 0,
    accumulate: spec.accumulate ? 1 : 0,
    activation: activation.kind,
    activationA: activation.a,
    activationB: activation.b,
    planesOffset: 0,
    panelsOffset,
    rowBufferOffset,
    tileOffset,
    threadBytes: perThread,
    packedPtr: pointer('packedWeight'),
  };
  const suffix = dtype === 'float64' ? 'F64' : 'F32';
  const items = geometry.groups * slabs * geometry.batch * boxCounts[0] * boxCounts[1] * boxCounts[2];
  return {
    pack: [
      {
        entry: `packForwardWeight${suffix}`,
        items: geometry.groups * slabs * ceilDiv(depth, kc),
        block: 'conv',
        fields: { ...fields, weightPtr: pointer('weight'), packTablePtr: tables.pack },
      },
    ],
    stages: [
      {
        entry: `convTransposeForward${suffix}`,
        items,
        block: 'conv',
        fields: {
          ...fields,
          inputPtr: pointer('input'),
          outputPtr: pointer('output'),
          ...(spec.bias ? { biasPtr: pointer('bias') } : {}),
          workspacePtr: pointer('workspace'),
          rowOffsetPtr: tables.rowOffset,
          runTablePtr: tables.runs,
          blockTablePtr: tables.blockRuns,
        },
      },
    ],
    packedWeightBytes,
    workspaceBytes: { shared: 0, perThread },
    packKey: ['forward', dtype, mr, kc, slabChannels, ...packSignature(spec, layout)].join(','),
  };
}

/**
 * Images smaller than a strip: the batch becomes the W axis, whose neighbours are then images. A change of
 * geometry and strides only; an axis with one tap, stride 1 and no crop adds nothing to the arithmetic.
 */
function batchAsColumns(spec: ForwardSpec): ForwardSpec {
  const { geometry, dtype } = spec;
  const [d, h, w] = geometry.axes;
  const nr = nrOf(dtype);
  const unused = d.input === 1 && d.output === 1 && d.kernel === 1 && d.crop === 0;
  const byRows = w.input / roundUp(w.input, nr);
  const byBatch = geometry.batch / roundUp(geometry.batch, nr);
  if (!unused || h.input * w.input > 2 * nr || byBatch < 1.25 * byRows) return spec;
  const turn = (strides: Strides): Strides => ({
    batch: 0,
    channel: strides.channel,
    spatial: [strides.spatial[1], strides.spatial[2], strides.batch],
  });
  return {
    ...spec,
    geometry: {
      ...geometry,
      batch: 1,
      axes: [h, w, { ...UNIT_AXIS, input: geometry.batch, output: geometry.batch }],
    },
    input: turn(spec.input),
    output: turn(spec.output),
    weight: { ...spec.weight, spatial: [spec.weight.spatial[1], spec.weight.spatial[2], 0] },
  };
}

/** Flat items hold all rows of a slice, cropped ones too. */
function wholeRows({ axes }: ConvGeometry, [d, h, w]: Layout['phases']): AxisPhases[] {
  return [d, { ...h, begin: 0, end: axes[1].input + h.maxShift }, w];
}

/** What decides the order of packed rows beside mr, kc and the slab. */
function packSignature(spec: ForwardSpec, layout: Layout): (number | string)[] {
  const { groups, inChannels, outChannels, axes } = spec.geometry;
  return [
    groups,
    inChannels,
    outChannels,
    spec.weight.inChannel,
    spec.weight.outChannel,
    ...spec.weight.spatial,
    ...axes.flatMap(({ stride, dilation }) => [stride, dilation]),
    ...layout.phases.map(({ taps }) => taps.map(({ tap }) => tap).join('.')),
  ];
}

function layoutOf(geometry: ConvGeometry): Layout {
  const phases = geometry.axes.map((axis) => axisPhases(axis, true)) as [AxisPhases, AxisPhases, AxisPhases];
  return {
    phases,
    planesPerChannel: phases.reduce((product, { residues }) => product * residues.length, 1),
    taps: phases.reduce((product, { taps }) => product * taps.length, 1),
  };
}

/**
 * Cuts the planes into boxes and the channels into slabs, such that planes and packed B of an item stay
 * in L2 and an item is of a useful size.
 */
function chooseBoxes(spec: ForwardSpec, layout: Layout, kc: number): Boxes {
  const { geometry, dtype } = spec;
  const { axes, outChannels, inChannels } = geometry;
  const { phases, planesPerChannel } = layout;
  const bytes = elementBytes(dtype);
  const nr = nrOf(dtype);
  const [axisD, axisH, axisW] = axes;
  const [shiftD, shiftH, shiftW] = phases.map(({ maxShift }) => maxShift);
  const extent = phases.map(({ begin, end }) => end - begin);
  const flopsPerColumn = 2 * inChannels * Math.max(layout.taps, 1); // per output channel

  const flat = prefersFlat(spec, layout);
  /** Plane and panel sizes of a box. */
  const measure = (box: readonly [number, number, number]) => {
    const columns = flat
      ? (axisH.input - 1) * (axisW.input + shiftW) + axisW.input
      : Math.min(axisW.input, box[2] >= extent[2] ? axisW.input : box[2] + shiftW + nr - 1);
    const strips = ceilDiv(columns, nr);
    const planeRow = flat ? axisW.input + shiftW : roundUp(strips * nr + shiftW, 4);
    const rows = flat ? axisH.input + shiftH : box[1];
    const planeSlice = rows * planeRow + (flat ? nr : 0);
    const planeSize = box[0] * planeSlice;
    const lines = Math.min(box[0] + shiftD, axisD.input) * (flat ? 1 : Math.min(box[1] + shiftH, axisH.input));
    return { planeRow, planeSlice, planeSize, panelBytes: roundUp(lines * strips * nr * kc * bytes, 64) };
  };
  const fits = (box: readonly [number, number, number], channels: number) => {
    const { planeSize, panelBytes } = measure(box);
    return channels * planesPerChannel * planeSize * bytes <= PLANES_BYTES && panelBytes <= B_PANELS_BYTES;
  };

  // W: whole rows where one row of one channel fits, else columns cut at multiples of nr
  const wholeW = roundUp(extent[2] + nr, nr);
  let box: [number, number, number] = [1, flat ? axisH.input + shiftH : 1, wholeW];
  if (!flat) while (box[2] > nr && !fits(box, 1)) box[2] = roundUp(box[2] / 2, nr);
  // channels: as many as planes allow, and packed weights in half of L2
  const rowsOfWork = geometry.batch * extent[0] * (flat ? 1 : extent[1]) * ceilDiv(extent[2], box[2]);
  let slabChannels = outChannels;
  const weightBytes = inChannels * Math.max(layout.taps, 1) * bytes;
  if (rowsOfWork > 1) slabChannels = Math.min(slabChannels, Math.max(1, Math.floor(A_BLOCK_BYTES / weightBytes)));
  const planeBytes = measure(box).planeSize * Math.max(planesPerChannel, 1) * bytes;
  slabChannels = Math.min(slabChannels, Math.max(1, Math.floor(PLANES_BYTES / planeBytes)));
  slabChannels = ceilDiv(outChannels, ceilDiv(outChannels, slabChannels));
  // rows, then slices, until the item is large enough
  const columns = flat ? axisH.input * axisW.input : Math.min(axisW.input, box[2]);
  const flopsPerRow = flopsPerColumn * columns * slabChannels;
  const wanted = Math.max(1, Math.round(ITEM_FLOPS / flopsPerRow));
  const grow = (axis: 0 | 1, target: number) => {
    const limit = Math.min(extent[axis], target);
    while (box[axis] < limit) {
      const next: [number, number, number] = [...box];
      next[axis] = Math.min(limit, box[axis] * 2);
      if (!fits(next, slabChannels)) break;
      box = next;
    }
  };
  if (!flat) {
    grow(1, wanted);
    box[1] = ceilDiv(extent[1], ceilDiv(extent[1], box[1])); // even boxes
  }
  if (flat || box[1] >= extent[1]) {
    grow(0, Math.max(1, Math.round(wanted / (flat ? 1 : extent[1]))));
    box[0] = ceilDiv(extent[0], ceilDiv(extent[0], box[0]));
  }
  return { flat, slabChannels, box, ...measure(box) };
}

/** True when columns of several rows should share a strip: rows are narrow against nr. */
function prefersFlat({ geometry, dtype }: ForwardSpec, { phases, planesPerChannel }: Layout): boolean {
  const [, axisH, axisW] = geometry.axes;
  const nr = nrOf(dtype);
  const [, { maxShift: shiftH }, { maxShift: shiftW }] = phases;
  if (axisH.input === 1) return false;
  const row = axisW.input + shiftW;
  const slice = ((axisH.input + shiftH) * row + nr) * planesPerChannel * elementBytes(dtype);
  const useful = axisH.input * axisW.input;
  const byRows = useful / (axisH.input * roundUp(axisW.input, nr));
  const byFlat = useful / roundUp((axisH.input - 1) * row + axisW.input, nr);
  return slice <= PLANES_BYTES / 8 && byFlat > byRows * 1.08;
}

/** Runs of a slab in packing order: shift, channel, phase. */
function collectRuns(spec: ForwardSpec, { phases }: Layout, slabChannels: number): Run[] {
  const [phasesD, phasesH, phasesW] = phases;
  const { weight } = spec;
  const runs: Run[] = [];
  for (const shiftD of shiftsOf(phasesD)) {
    for (const shiftH of shiftsOf(phasesH)) {
      const rows: Row[] = [];
      for (const shiftW of shiftsOf(phasesW)) {
        for (let channel = 0; channel < slabChannels; channel++) {
          for (const d of tapsAt(phasesD, shiftD)) {
            for (const h of tapsAt(phasesH, shiftH)) {
              for (const w of tapsAt(phasesW, shiftW)) {
                rows.push({
                  channel,
                  phase: (d.phase * phasesH.residues.length + h.phase) * phasesW.residues.length + w.phase,
                  shift: [shiftD, shiftH, shiftW],
                  weightOffset:
                    channel * weight.outChannel +
                    d.tap * weight.spatial[0] +
                    h.tap * weight.spatial[1] +
                    w.tap * weight.spatial[2],
                });
              }
            }
          }
        }
      }
      runs.push({ shiftD, shiftH, rows });
    }
  }
  return runs;
}

function shiftsOf({ taps }: AxisPhases): number[] {
  return [...new Set(taps.map(({ shift }) => shift))];
}

function tapsAt({ taps, residues }: AxisPhases, shift: number): { tap: number; phase: number }[] {
  return taps
    .filter((tap) => tap.shift === shift)
    .map(({ tap, residue }) => ({ tap, phase: residues.indexOf(residue) }));
}

/** Cuts runs into blocks of at most `blockRows` rows. */
function cutBlocks(runs: readonly Run[], blockRows: number): Run[][] {
  const blocks: Run[][] = [];
  let current: Run[] = [];
  let used = 0;
  for (const run of runs) {
    for (let at = 0; at < run.rows.length;) {
      const take = Math.min(run.rows.length - at, blockRows - used);
      current.push({ ...run, rows: run.rows.slice(at, at + take) });
      at += take;
      used += take;
      if (used === blockRows) {
        blocks.push(current);
        current = [];
        used = 0;
      }
    }
  }
  if (current.length > 0) blocks.push(current);
  return blocks;
}

/** Rows of all tiles; null pads a tile whose next row would overlap one of its rows in memory. */
function tileRows(blocks: readonly (readonly Run[])[], mr: number): (Row | null)[] {
  return blocks.flat().flatMap((run) => padRun(run, mr));
}

function padRun({ rows }: Run, mr: number): (Row | null)[] {
  const padded: (Row | null)[] = [];
  let inTile = new Set<string>();
  for (const row of rows) {
    const plane = `${row.channel},${row.phase}`;
    if (inTile.has(plane)) while (padded.length % mr !== 0) padded.push(null);
    if (padded.length % mr === 0) inTile = new Set();
    inTile.add(plane);
    padded.push(row);
  }
  while (padded.length % mr !== 0) padded.push(null);
  return padded;
}

function buildTables(
  blocks: readonly (readonly Run[])[],
  mr: number,
  layout: Layout,
  { planeRow, planeSlice, planeSize }: Boxes,
  slabChannels: number,
  bytes: number,
): { tiles: number; pack: Int32Array; rowOffset: Int32Array; runs: Int32Array; blockRuns: Int32Array } {
  const rowOffset: number[] = [];
  const pack: number[] = [];
  const runTable: number[] = [];
  const blockRuns: number[] = [0];
  const dumpPlane = slabChannels * layout.planesPerChannel;
  for (const block of blocks) {
    for (const run of block) {
      const firstTile = rowOffset.length / mr;
      for (const row of padRun(run, mr)) {
        const plane = row === null ? dumpPlane : row.channel * layout.planesPerChannel + row.phase;
        const shift = run.shiftD * planeSlice + run.shiftH * planeRow + (row === null ? 0 : row.shift[2]);
        rowOffset.push((plane * planeSize + shift) * bytes);
        pack.push(row === null ? 0 : row.weightOffset, row === null ? -1 : row.channel);
      }
      runTable.push(firstTile, rowOffset.length / mr, run.shiftD, run.shiftH);
    }
    blockRuns.push(runTable.length / 4);
  }
  return {
    tiles: rowOffset.length / mr,
    pack: Int32Array.from(pack),
    rowOffset: Int32Array.from(rowOffset),
    runs: Int32Array.from(runTable),
    blockRuns: Int32Array.from(blockRuns),
  };
}
