/** Bugs in the kernels of convolutions, which move and multiply. */

import type { Mutant } from './mutant.ts';
import { ofConvolutions } from './mutant.ts';

export const CONVOLUTIONS: readonly Mutant[] = [
  ...ofConvolutions(
    'assembly/conv/col2im.ts',
    ['missing crop along W', 'composeRow(p, box, sourcePtr, targetPtr, beginW + p.cropW, count, bias)', 'composeRow(p, box, sourcePtr, targetPtr, beginW, count, bias)'], // prettier-ignore
    ['what lies behind the last plane element is not written', 'q1 == a.rangeEndD ? a.outputD : min(', 'min('],
    ['a phase that no tap reaches is read', 'if (planeD < 0 || planeH < 0)', 'if (planeD < 0)'],
    ['neighbours: the last four channels pass the end', 'const c = min(next, channels - 4);', 'const c = next;'],
    ['neighbours: what no tap reaches is read', 'u1 > box.w1 * stride) return false;', 'u1 < 0) return false;'],
  ),
  ...ofConvolutions(
    'assembly/conv/reached.ts',
    ['off by one: a row behind the last', '<u32>(h0 + h) < <u32>p.outputH', '<u32>(h0 + h) <= <u32>p.outputH'],
    ['off by one: a column behind the last', 'min(p.outputW - w0, columns)', 'min(p.outputW - w0 + 1, columns)'],
  ),
  ...ofConvolutions('assembly/conv/im2col.ts', ['swapped strides of rows and slices', 'slice * p.strideD * p.planeSlice', 'slice * p.strideH * p.planeSlice']), // prettier-ignore
  ...ofConvolutions(
    'assembly/conv/implicit_lines.ts',
    ['off by one: an input behind the row', 'min(period, exists.w1 + p.maxShiftW - base)', 'min(period, exists.w1 + 1 + p.maxShiftW - base)'], // prettier-ignore
    ['off by one: a row behind the last', 'h < exists.h1;', 'h <= exists.h1;'],
    ['neighbours: no step from one position to the next', 'to += positionBytes;', 'to += bytes;'],
  ),
  ...ofConvolutions('assembly/conv/winograd_tiles.ts', ['the last tile of an axis is left out', '(from.d1 - from.d0 + length - 1) / length', 'max(from.d1 - from.d0, length) / length']), // prettier-ignore
  ...ofConvolutions(
    'assembly/conv/depthwise_walk.ts',
    ['swapped tap and its dilated place', 'lead + p.maxShiftW * stride - u', 'lead + p.maxShiftW * stride - tap'],
    ['off by one: the last input of a row', '(at + count + stride - 1) / stride', '(at + count) / stride'],
  ),
  ...ofConvolutions(
    'assembly/conv/forward_weight.ts',
    ['NaN in the weight goes unnoticed', 'nonFinite = 1;', 'nonFinite = 0;'],
    ['the first rows of each block of K packed again', 'group * p.inChannels + k0)', 'group * p.inChannels)'],
  ),
  ...ofConvolutions(
    'assembly/conv/implicit_forward.ts',
    ['later blocks of K overwrite', 'const accumulate = k0 > 0 || run.accumulate != 0;', 'const accumulate = run.accumulate != 0;'], // prettier-ignore
    ['wrong shift: a tap of the row below', 'const h = box.h0 - p.maxShiftH +', 'const h = box.h0 + 1 - p.maxShiftH +'], // prettier-ignore
  ),
  ...ofConvolutions('assembly/conv/implicit_tile.ts', ['wrong step of B: neighbours in place of channels', 'b += pitch;', 'b += 16;']), // prettier-ignore
  ...ofConvolutions(
    'assembly/conv/winograd_input.ts',
    ['transform of the input: a wrong sign', '0b1101', '0b1001'],
    [
      'neighbours: every tile is the first',
      '((half >> 2) + tile) * WinogradTile.bytes',
      '(half >> 2) * WinogradTile.bytes',
    ],
  ),
  ...ofConvolutions('assembly/conv/winograd_output.ts', ['transform of the output: a point left out', 'const y0 = f32x4.add(m0, sum);', 'const y0 = sum;']), // prettier-ignore
  ...ofConvolutions(
    'assembly/conv/winograd_grad_weight.ts',
    ['missing crop along H', 'const h0 = h * p.strideH - p.cropH;', 'const h0 = h * p.strideH;'],
    ['later stages overwrite', 'p.accumulate ? load<f32>(to) + lane : lane', 'lane'],
    ['later blocks of K overwrite', 'channels, step > firstStep, workspacePtr', 'channels, false, workspacePtr'],
  ),
  ...ofConvolutions('assembly/conv/tame.ts', [
    'gradWeight: infinities are transformed',
    'return p.transformed != 0;',
    'return p.transformed == 0;',
  ]),
  ...ofConvolutions(
    'assembly/conv/depthwise_box.ts',
    ['missing crop of the output', 'output.d0 = q.d0 * a.strideD - a.cropD;', 'output.d0 = q.d0 * a.strideD;'],
    ['dropped halo: inputs before the box', 'input.d0 -= a.maxShiftD;', ''],
    ['dropped dilation in what is reached', '(a.kernelD - 1) * a.dilationD + 1', 'a.kernelD'],
  ),
  ...ofConvolutions('assembly/conv/depthwise_taps.ts', ['swapped stride and dilation', 'at * a.strideD + tap * a.dilationD', 'at * a.dilationD + tap * a.strideD']), // prettier-ignore
  ...ofConvolutions('assembly/conv/depthwise_cells.ts', ['the last tile ends behind the row', '(<usize>min(left, 8)) << 4', '(<usize>8) << 4']), // prettier-ignore
  ...ofConvolutions(
    'assembly/conv/depthwise_grad_weight.ts',
    ['lanes of another tap', 'lane += p.strideW)', 'lane += p.dilationW)'],
    ['what is there is not added to', 'p.accumulate ? <f64>load<f32>(at) : 0', '0.0'],
  ),
  ...ofConvolutions(
    'assembly/conv/grad_weight.ts',
    ['later blocks of K overwrite', 'accumulate = true;', 'accumulate = p.accumulate != 0;'],
    ['images of a block packed one over the other', 'const kOffset = (image - image0) * count;', 'const kOffset = 0;'],
    ['a part left out of the sum', 'for (let part = 1; part < p.parts; part++)', 'for (let part = 2; part < p.parts; part++)'], // prettier-ignore
  ),
  ...ofConvolutions(
    'assembly/conv/conv_forward.ts',
    ['later blocks of K overwrite', 'p.accumulate != 0 || p.biasPtr != 0 || k0 > 0', 'p.accumulate != 0 || p.biasPtr != 0'], // prettier-ignore
    ['swapped strides of rows and slices', 'slice * p.inputStrideD +', 'slice * p.inputStrideH +'],
  ),
  ...ofConvolutions(
    'assembly/reduce/channel_sum.ts',
    ['gradBias: the second of two images left out', 'for (let n = 0; n < p.batch; n++)', 'for (let n = 0; n < max(p.batch - 1, 1); n++)'], // prettier-ignore
    ['gradBias: channels exchanged', 'addSum(p, targetPtr + 4, f64x2.extract_lane(low, 1));', 'addSum(p, targetPtr + 4, f64x2.extract_lane(high, 0));'], // prettier-ignore
    ['gradBias: what is there is not added to', 'if (!p.accumulate) memory.fill', 'memory.fill'],
  ),
];
