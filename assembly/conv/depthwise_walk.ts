/** Depthwise convolutions tap by tap: nothing but what exists is multiplied, and every dtype is served. */

import { element, elements } from '../elements';
import { ConvParams } from '../params';
import { Box } from './box';
import { depthwiseTaps } from './depthwise_taps';

/**
 * One row of the result: bias, and the products of the rows of taps in a list.
 *
 * @param input its box
 * @param lead coordinate of the first column in the box of the result
 */
export function walkRow(
  p: ConvParams,
  input: Box,
  tapPtr: usize,
  tapEnd: usize,
  weightPtr: usize,
  bias: f64,
  sourcePtr: usize,
  targetPtr: usize,
  lead: i32,
  count: i32,
): void {
  const bytes = p.elementBytes;
  const stride = p.strideW;
  elements.fill(targetPtr, 1, 0, count, bytes, bytes == 8 ? f64x2.splat(bias) : f32x4.splat(<f32>bias), bytes);
  for (; tapPtr < tapEnd; tapPtr += 4) {
    const rowPtr = sourcePtr + load<i32>(tapPtr);
    for (let shift = 0; shift < p.taps; shift++) {
      for (let residue = 0; residue < stride + 3; residue++) {
        const tap = residue < stride ? depthwiseTaps.at(p, shift, residue) : -1;
        if (tap >= 0) {
          const u = tap * p.dilationW;
          if (p.gather) {
            addLine(weightPtr, rowPtr + u * bytes, stride, targetPtr, 1, count, bytes);
          } else {
            // inputs `first` … of the box land in this row, from column `first` · stride − at on
            const at = lead + p.maxShiftW * stride - u;
            const first = max((at + stride - 1) / stride, -input.w0);
            const end = min((at + count + stride - 1) / stride, p.inputW - input.w0);
            const to = targetPtr + (first * stride - at) * bytes;
            addLine(weightPtr, rowPtr + first * p.repeat * bytes, p.repeat, to, stride, end - first, bytes);
          }
        }
        weightPtr += bytes;
      }
    }
  }
}

/** target[i] += weight · source[i]; steps count elements. */
function addLine(weightPtr: usize, from: usize, fromStep: i32, to: usize, toStep: i32, count: i32, bytes: i32): void {
  const weight = element.number(weightPtr, bytes);
  for (; count > 0; count--) {
    element.add(to, weight * element.number(from, bytes), bytes);
    from += fromStep * bytes;
    to += toStep * bytes;
  }
}
