/**
 * Output side to phase planes: the gather half of the geometry. A strided walk over the output becomes a
 * contiguous one over a plane, so that im2col rows are plain shifted copies.
 *
 *   planes: channel, phase D, phase H, phase W, then q in D, H, W from the box's first input position
 */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { ConvParams } from '../params';
import { Box } from './box';
import { geometry } from './geometry';

/**
 * Splits channels of one image into the planes that the inputs of a box reach. Positions outside the output are 0;
 * the others pass through the activation of what is read.
 *
 * @param outputPtr first channel of the image
 */
export function splitPlanes(p: ConvParams, box: Box, outputPtr: usize, planesPtr: usize, channels: i32): void {
  const bytes = p.elementBytes;
  const columns = box.columns + p.maxShiftW;
  if (!ASC_NO_ASSERT) {
    assert(columns <= p.planeRow && (box.rows + p.maxShiftH) * p.planeRow <= p.planeSlice);
  }
  let channelPtr = planesPtr;
  const planeBytes = p.planeSize * bytes;
  for (let channel = 0; channel < channels; channel++) {
    for (let pd = 0; pd < p.phasesD; pd++) {
      const residueD = load<i32>(p.residuesPtrD + (pd << 2));
      for (let ph = 0; ph < p.phasesH; ph++) {
        const residueH = load<i32>(p.residuesPtrH + (ph << 2));
        for (let d = 0; d < box.slices + p.maxShiftD; d++) {
          const od = (box.d0 + d) * p.strideD + residueD - p.cropD;
          for (let h = 0; h < box.rows + p.maxShiftH; h++) {
            const oh = (box.h0 + h) * p.strideH + residueH - p.cropH;
            const targetPtr = channelPtr + (d * p.planeSlice + h * p.planeRow) * bytes;
            const exists = <u32>od < <u32>p.outputD && <u32>oh < <u32>p.outputH;
            const rowPtr =
              outputPtr + (channel * p.outputChannelStride + od * p.outputStrideD + oh * p.outputStrideH) * bytes;
            splitRow(p, rowPtr, exists ? p.outputW : 0, targetPtr, box.w0, columns);
          }
        }
        channelPtr += p.phasesW * planeBytes;
      }
    }
  }
}

/** One output row of `length` elements into the rows of its phases along W, `columns` positions from q = w0. */
function splitRow(p: ConvParams, rowPtr: usize, length: i32, targetPtr: usize, w0: i32, columns: i32): void {
  const bytes = p.elementBytes;
  const stride = p.strideW;
  const step = stride * p.outputStrideW * bytes;
  const base = w0 * stride - p.cropW; // output coordinate of q = w0 and residue 0
  const begin0 = geometry.ceilDiv(-base, stride);
  const end0 = geometry.ceilDiv(length - base, stride);
  for (let phase = 0; phase < p.phasesW; phase++) {
    const first = base + load<i32>(p.residuesPtrW + (phase << 2));
    // positions whose coordinate first + q · stride lies inside the output: one less when that of q − 1 is
    const begin = min(max((begin0 - 1) * stride + first >= 0 ? begin0 - 1 : begin0, 0), columns);
    const end = max(min((end0 - 1) * stride + first >= length ? end0 - 1 : end0, columns), begin);
    const count = end - begin;
    const from = rowPtr + first * p.outputStrideW * bytes + begin * step;
    const to = targetPtr + begin * bytes;
    if (begin > 0) elements.fill(targetPtr, 1, 0, begin, bytes, i32x4.splat(0), bytes);
    copyEvery(from, step, to, count, bytes);
    Activation.row(bytes, p.inputActivation, to, count, p.inputActivationA, p.inputActivationB);
    if (end < columns) elements.fill(to + count * bytes, 1, 0, columns - end, bytes, i32x4.splat(0), bytes);
    targetPtr += p.planeSize * bytes;
  }
}

/** Copies elements `step` bytes apart to contiguous memory. */
function copyEvery(from: usize, step: i32, to: usize, count: i32, bytes: i32): void {
  if (step == 8 && bytes == 4) {
    // two loads hold 8 elements, of which 4 are wanted; the last one is not read past
    for (; count > 4; count -= 4) {
      v128.store(to, v128.shuffle<f32>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6));
      from += 32;
      to += 16;
    }
  }
  elements.copy(from, step, to, bytes, count, bytes);
}
