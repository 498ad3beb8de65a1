/**
 * Output side to phase planes: the gather half of the geometry. A strided walk over the output becomes a
 * contiguous one over a plane, so that im2col rows are plain shifted copies.
 *
 *   planes: channel, phase D, phase H, phase W, then q in D, H, W from the box's first input position
 */

import { Activation } from '../elementwise/activation';
import { ConvParams } from '../params';
import { geometry } from './geometry';

/**
 * Splits channels of one image into the planes that inputs d0 ≤ d < d1, h0 ≤ h < h1, w0 ≤ w < w1 reach.
 * Positions outside the output are 0; the others pass through the activation of what is read.
 *
 * @param outputPtr first channel of the image
 */
export function splitPlanes<T>(
  p: ConvParams,
  outputPtr: usize,
  planesPtr: usize,
  channels: i32,
  d0: i32,
  d1: i32,
  h0: i32,
  h1: i32,
  w0: i32,
  w1: i32,
): void {
  const columns = w1 - w0 + p.maxShiftW;
  if (!ASC_NO_ASSERT) {
    assert(columns <= p.planeRow && (h1 - h0 + p.maxShiftH) * p.planeRow <= p.planeSlice);
  }
  let channelPtr = planesPtr;
  const planeBytes = geometry.bytes<T>(p.planeSize);
  for (let channel = 0; channel < channels; channel++) {
    for (let pd = 0; pd < p.phasesD; pd++) {
      const residueD = load<i32>(p.residuesPtrD + ((<usize>pd) << 2));
      for (let ph = 0; ph < p.phasesH; ph++) {
        const residueH = load<i32>(p.residuesPtrH + ((<usize>ph) << 2));
        for (let d = d0; d < d1 + p.maxShiftD; d++) {
          const od = d * p.strideD + residueD - p.cropD;
          for (let h = h0; h < h1 + p.maxShiftH; h++) {
            const oh = h * p.strideH + residueH - p.cropH;
            const targetPtr = channelPtr + geometry.bytes<T>((d - d0) * p.planeSlice + (h - h0) * p.planeRow);
            if (<u32>od >= <u32>p.outputD || <u32>oh >= <u32>p.outputH) {
              for (let pw = 0; pw < p.phasesW; pw++) {
                memory.fill(targetPtr + <usize>pw * planeBytes, 0, geometry.bytes<T>(columns));
              }
            } else {
              const rowPtr =
                outputPtr +
                geometry.bytes<T>(channel * p.outputChannelStride + od * p.outputStrideD + oh * p.outputStrideH);
              splitRow<T>(p, rowPtr, targetPtr, planeBytes, w0, columns);
            }
          }
        }
        channelPtr += <usize>p.phasesW * planeBytes;
      }
    }
  }
}

/** One output row into the rows of its phases along W, `columns` positions from q = w0. */
function splitRow<T>(p: ConvParams, rowPtr: usize, targetPtr: usize, planeBytes: usize, w0: i32, columns: i32): void {
  for (let phase = 0; phase < p.phasesW; phase++) {
    const residue = load<i32>(p.residuesPtrW + ((<usize>phase) << 2));
    const first = w0 * p.strideW + residue - p.cropW; // output coordinate of q = w0
    // positions whose coordinate first + q · stride lies inside the output
    const begin = min(max(geometry.ceilDiv(-first, p.strideW), 0), columns);
    const end = max(min(geometry.ceilDiv(p.outputW - first, p.strideW), columns), begin);
    memory.fill(targetPtr, 0, geometry.bytes<T>(begin));
    if (end > begin) {
      const to = targetPtr + geometry.bytes<T>(begin);
      const from = rowPtr + geometry.bytes<T>((first + begin * p.strideW) * p.outputStrideW);
      copyStep<T>(from, p.strideW * p.outputStrideW, to, end - begin);
      if (p.inputActivation != 0) {
        Activation.row<T>(p.inputActivation, to, end - begin, p.inputActivationA, p.inputActivationB);
      }
    }
    memory.fill(targetPtr + geometry.bytes<T>(end), 0, geometry.bytes<T>(columns - end));
    targetPtr += planeBytes;
  }
}

/** Copies every `step`-th element to contiguous memory. */
function copyStep<T>(from: usize, step: i32, to: usize, count: i32): void {
  if (step == 1) {
    memory.copy(to, from, geometry.bytes<T>(count));
    return;
  }
  let i = 0;
  if (sizeof<T>() == 4 && step == 2) {
    // two loads hold 8 elements, of which 4 are wanted; the last one is not read past
    for (; i + 4 < count; i += 4) {
      v128.store(to, v128.shuffle<f32>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6));
      from += 32;
      to += 16;
    }
  }
  const stepBytes = geometry.bytes<T>(step);
  for (; i < count; i++) {
    store<T>(to, load<T>(from));
    from += stepBytes;
    to += sizeof<T>();
  }
}
