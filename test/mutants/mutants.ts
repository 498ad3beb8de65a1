/** Bugs that the tests must find: in plans, which decide what is where, and in kernels, which move and multiply. */

export interface Mutant {
  readonly bug: string;
  readonly file: string;
  /** Is there once. */
  readonly from: string;
  readonly to: string;
}

const of = (file: string, ...bugs: readonly [bug: string, from: string, to: string][]): Mutant[] =>
  bugs.map(([bug, from, to]) => ({ bug, file, from, to }));

const PLANS: readonly Mutant[] = [
  ...of(
    'src/plan/forward_tiles.ts',
    ['wrong shift: slices and rows exchanged', 'run.shiftD * planeSlice + run.shiftH * planeRow', 'run.shiftD * planeRow + run.shiftH * planeSlice'], // prettier-ignore
    ['rows of a tile may overlap in memory', 'if (inTile.has(plane)) while', 'if (inTile.size < 0) while'],
    ['wrong phase: H and W exchanged', '(d.phase * phasesH.residues.length + h.phase) * phasesW.residues.length + w.phase', '(d.phase * phasesW.residues.length + w.phase) * phasesH.residues.length + h.phase'], // prettier-ignore
  ),
  ...of(
    'src/plan/forward_boxes.ts',
    ['dropped halo: room for the rows of the box alone', 'Math.min(box[1] + shiftH, axisH.input)', 'Math.min(box[1], axisH.input)'], // prettier-ignore
    ['planes a vector too short', 'const planeSize = box[0] * planeSlice;', 'const planeSize = box[0] * planeSlice - 4;'], // prettier-ignore
    [
      'no room behind the last row of a slice',
      'rows * planeRow + (flat ? Math.max(nr, planeRow) : 0)',
      'rows * planeRow',
    ],
  ),
  ...of(
    'src/plan/conv_transpose_forward.ts',
    ['no room for the dump plane', '(slabChannels * layout.planesPerChannel + 1) * planeSize', 'slabChannels * layout.planesPerChannel * planeSize'], // prettier-ignore
    ['planes written once although taps overlap', 'phases.every(({ maxShift }) => maxShift === 0)', 'phases.some(({ maxShift }) => maxShift === 0)'], // prettier-ignore
  ),
  ...of(
    'src/plan/reached.ts',
    ['missing crop: read in place with padding', 'axes[axis].crop === 0 && ', ''],
    ['dropped dilation', 'tap * dilation * steps[axis]', 'tap * steps[axis]'],
    ['dilated taps taken for neighbours', 'axes[2].dilation * element === 1', 'element === 1'],
    ['read in place past the end of an axis', 'span <= axes[axis].output', 'span <= axes[axis].output + 1'],
  ),
  ...of(
    'src/plan/implicit_runs.ts',
    ['taps in reverse', '(maxShift - shift[i]) * linePitch[i]', 'shift[i] * linePitch[i]'],
    ['swapped stride and dilation', '(shift[axis] * stride + row.residues[axis]) / dilation', '(shift[axis] * dilation + row.residues[axis]) / stride'], // prettier-ignore
    ['a second run overwrites the first', 'Number(written.has(own[0].plane))', '0'],
  ),
  ...of(
    'src/plan/winograd_sources.ts',
    ['crop of the wrong sign', 'offset: (residue - crop)', 'offset: (residue + crop)'],
    ['off by one at the end of a phase', 'Math.ceil((length + crop - residue) / stride)', 'Math.floor((length + crop - residue) / stride)'], // prettier-ignore
  ),
];

const KERNELS: readonly Mutant[] = [
  ...of(
    'assembly/conv/col2im.ts',
    ['missing crop along W', 'composeRow(p, box, sourcePtr, targetPtr, beginW + p.cropW, count, bias)', 'composeRow(p, box, sourcePtr, targetPtr, beginW, count, bias)'], // prettier-ignore
    ['what lies behind the last plane element is not written', 'q1 == a.rangeEndD ? a.outputD : min(', 'min('],
    ['a phase that no tap reaches is read', 'if (planeD < 0 || planeH < 0)', 'if (planeD < 0)'],
  ),
  ...of(
    'assembly/conv/reached.ts',
    ['off by one: a row behind the last', '<u32>(h0 + h) < <u32>p.outputH', '<u32>(h0 + h) <= <u32>p.outputH'],
    ['off by one: a column behind the last', 'min(p.outputW - w0, columns)', 'min(p.outputW - w0 + 1, columns)'],
  ),
  ...of('assembly/conv/im2col.ts', ['swapped strides of rows and slices', 'slice * p.strideD * p.planeSlice', 'slice * p.strideH * p.planeSlice']), // prettier-ignore
  ...of(
    'assembly/conv/implicit_lines.ts',
    ['off by one: an input behind the row', 'min(period, exists.w1 + p.maxShiftW - base)', 'min(period, exists.w1 + 1 + p.maxShiftW - base)'], // prettier-ignore
    ['off by one: a row behind the last', 'h < exists.h1;', 'h <= exists.h1;'],
  ),
  ...of('assembly/conv/winograd_tiles.ts', ['the last tile of an axis is left out', '(from.d1 - from.d0 + length - 1) / length', 'max(from.d1 - from.d0, length) / length']), // prettier-ignore
  ...of(
    'assembly/conv/depthwise_walk.ts',
    ['swapped tap and its dilated place', 'lead + p.maxShiftW * stride - u', 'lead + p.maxShiftW * stride - tap'],
    ['off by one: the last input of a row', '(at + count + stride - 1) / stride', '(at + count) / stride'],
  ),
];

export const MUTANTS: readonly Mutant[] = [...PLANS, ...KERNELS];
