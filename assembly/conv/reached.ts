/**
 * What a box of input positions reaches of the output side: its rows, in place where no tap of any position leaves the
 * output, else in a copy with zeros around it and through the activation of what is read.
 */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { touch, transpose } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box, boxes } from './box';

/**
 * Where the box's first position finds its first tap, in the first of `channels` channels.
 *
 * @param channelPtr first channel of the image
 * @param copyPtr room for a copy
 */
export function reach(p: ConvParams, box: Box, channelPtr: usize, channels: i32, copyPtr: usize): usize {
  const bytes = p.elementBytes;
  if (p.inPlace) {
    const offset = box.d0 * p.strideD * p.planeSlice + box.h0 * p.strideH * p.planeRow + box.w0 * p.positionStep;
    return channelPtr + offset * bytes;
  }
  const slices = lengthOf(p, box, 0);
  const rows = lengthOf(p, box, 1);
  const columns = lengthOf(p, box, 2);
  const d0 = box.d0 * p.strideD - p.cropD;
  const h0 = box.h0 * p.strideH - p.cropH;
  const w0 = box.w0 * p.strideW - p.cropW;
  const begin = min(max(-w0, 0), columns);
  const end = max(min(p.outputW - w0, columns), begin);
  const zero = i32x4.splat(0);
  if (!ASC_NO_ASSERT) {
    assert(columns <= p.planeRow && rows * p.planeRow <= p.planeSlice && slices * p.planeSlice <= p.planeSize);
  }
  const step = p.outputStrideW * bytes;
  const pitch = p.planeSize * bytes;
  // channels that are neighbours in memory: all of them at once
  const turned = p.outputChannelStride == 1 && step != bytes;
  const together = turned ? channels : 1;
  for (let first = 0; first < channels; first += together) {
    for (let d = 0; d < slices; d++) {
      for (let h = 0; h < rows; h++) {
        let to = copyPtr + first * pitch + (d * p.planeSlice + h * p.planeRow) * bytes;
        const exists = <u32>(d0 + d) < <u32>p.outputD && <u32>(h0 + h) < <u32>p.outputH;
        const stop = exists ? end : begin;
        const count = stop - begin;
        const offset =
          first * p.outputChannelStride +
          (d0 + d) * p.outputStrideD +
          (h0 + h) * p.outputStrideH +
          (w0 + begin) * p.outputStrideW;
        const from = channelPtr + offset * bytes;
        if (turned && count > 0) {
          touch(from, step, count, channels * bytes, 1, 0, to + begin * bytes);
          transpose(from, step, count, channels, to + begin * bytes, pitch, bytes);
        }
        for (let channel = 0; channel < together; channel++) {
          const rowPtr = to + begin * bytes;
          elements.fill(to, 1, 0, begin, bytes, zero, bytes);
          if (!turned) elements.copy(from, step, rowPtr, bytes, count, bytes);
          Activation.row(bytes, p.inputActivation, rowPtr, count, p.inputActivationA, p.inputActivationB);
          elements.fill(to + stop * bytes, 1, 0, columns - stop, bytes, zero, bytes);
          to += pitch;
        }
      }
    }
  }
  return copyPtr;
}

/** Elements of the output side that the box spans along one axis. */
function lengthOf(p: ConvParams, box: Box, axis: i32): i32 {
  const b = box.along(axis);
  const a = boxes.along(p, axis);
  return (b.d1 - b.d0 - 1) * a.strideD + (a.kernelD - 1) * a.dilationD + 1;
}
