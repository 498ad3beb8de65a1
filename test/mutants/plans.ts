/** Bugs in plans, which decide what is where. */

import type { Mutant } from './mutant.ts';
import { foundBy, ofConvolutions } from './mutant.ts';

export const PLANS: readonly Mutant[] = [
  ...ofConvolutions(
    'src/plan/forward_tiles.ts',
    ['wrong shift: slices and rows exchanged', 'run.shiftD * planeSlice + run.shiftH * planeRow', 'run.shiftD * planeRow + run.shiftH * planeSlice'], // prettier-ignore
    ['rows of a tile may overlap in memory', 'if (inTile.has(plane)) while', 'if (inTile.size < 0) while'],
    ['wrong phase: H and W exchanged', '(d.phase * phasesH.residues.length + h.phase) * phasesW.residues.length + w.phase', '(d.phase * phasesW.residues.length + w.phase) * phasesH.residues.length + h.phase'], // prettier-ignore
  ),
  ...ofConvolutions(
    'src/plan/forward_boxes.ts',
    ['dropped halo: room for the rows of the box alone', 'Math.min(box[1] + shiftH, axisH.input)', 'Math.min(box[1], axisH.input)'], // prettier-ignore
    ['planes a vector too short', 'const planeSize = box[0] * planeSlice;', 'const planeSize = box[0] * planeSlice - 4;'], // prettier-ignore
    [
      'no room behind the last row of a slice',
      'rows * planeRow + (flat ? Math.max(nr, planeRow) : 0)',
      'rows * planeRow',
    ],
  ),
  ...ofConvolutions(
    'src/plan/conv_transpose_forward.ts',
    ['no room for the dump plane', '(slabChannels * layout.planesPerChannel + 1) * planeSize', 'slabChannels * layout.planesPerChannel * planeSize'], // prettier-ignore
    ['planes written once although taps overlap', 'phases.every(({ maxShift }) => maxShift === 0)', 'phases.some(({ maxShift }) => maxShift === 0)'], // prettier-ignore
  ),
  ...ofConvolutions(
    'src/plan/reached.ts',
    ['missing crop: read in place with padding', 'axes[axis].crop === 0 && ', ''],
    ['dropped dilation', 'tap * dilation * steps[axis]', 'tap * steps[axis]'],
    ['dilated taps taken for neighbours', 'axes[2].dilation * element === 1', 'element === 1'],
    ['read in place past the end of an axis', 'span <= axes[axis].output', 'span <= axes[axis].output + 1'],
  ),
  ...ofConvolutions(
    'src/plan/implicit_runs.ts',
    ['taps in reverse', '(maxShift - shift[i]) * linePitch[i]', 'shift[i] * linePitch[i]'],
    ['swapped stride and dilation', '(shift[axis] * stride + row.residues[axis]) / dilation', '(shift[axis] * dilation + row.residues[axis]) / stride'], // prettier-ignore
    ['a second run overwrites the first', 'Number(written.has(own[0].plane))', '0'],
  ),
  ...ofConvolutions(
    'src/plan/winograd_sources.ts',
    ['crop of the wrong sign', 'offset: (residue - crop)', 'offset: (residue + crop)'],
    ['off by one at the end of a phase', 'Math.ceil((length + crop - residue) / stride)', 'Math.floor((length + crop - residue) / stride)'], // prettier-ignore
  ),
  ...ofConvolutions('src/plan/winograd_terms.ts', ['transform of the weight: two points alike', '[-0.5, 0.5],', '[0.5, 0.5],']), // prettier-ignore
  ...ofConvolutions('src/plan/winograd_grad_weight.ts', ['sums of one side over those of the other', 'index * groups * inChannels * 4', '0']), // prettier-ignore
  ...ofConvolutions(
    'src/plan/implicit_boxes.ts',
    ['dropped halo: lines without the rows above the box', 'const lineSlice = (box[1] + shiftH) * period;', 'const lineSlice = box[1] * period;'], // prettier-ignore
    ['rows that are not cut share no zeros', 'axisW.input + shiftW : box[2] + shiftW', 'axisW.input : box[2] + shiftW'], // prettier-ignore
  ),
  ...ofConvolutions(
    'src/plan/depthwise.ts',
    ['dropped halo: no room for the rows above the box', 'pitchesOf(box[0] + shiftD, box[1] + shiftH,', 'pitchesOf(box[0] + shiftD, box[1],'], // prettier-ignore
    ['missing crop: the box ends too early', 'Math.ceil((crop + output) / step)', 'Math.ceil(output / step)'],
  ),
  ...ofConvolutions(
    'src/plan/conv_gather.ts',
    ['swapped stride and dilation in what a box spans', '(box[axis] - 1) * stride + (kernel - 1) * dilation + 1', '(box[axis] - 1) * dilation + (kernel - 1) * stride + 1'], // prettier-ignore
  ),
  ...ofConvolutions('src/plan/grad_weight.ts', ['the second block of K overwrites the first', 'index > 0 ? { accumulate: 1 }', 'index > 1 ? { accumulate: 1 }']), // prettier-ignore
  ...foundBy('test/golden/normalization.test.ts', 'test/nn/norm_module.test.ts')(
    'src/plan/normalize.ts',
    ['running variance with the bias of a sample', 'this.count / (this.count - 1)', '1'],
    ['eps left out', 'alpha: eps, target: scale', 'alpha: 0, target: scale'],
    ['gradInput: sums in place of means', 'alpha: 1 / builder.count, target', 'alpha: 1, target'],
    ['gradWeight of the input that is not centred', "operands: [inputRows, mean, scale, by, gradRows]", "operands: [inputRows, zero, scale, by, gradRows]"], // prettier-ignore
  ),
];
