/** Boxes of depthwise convolutions: what an item owns and reaches, and elements in scratch memory with zeros around them. */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { ConvParams } from '../params';
import { Box, boxes } from './box';

/** The boxes of an item at the start of a thread's workspace: as it is cut, of the input, of the output. */
export class depthwiseBoxes {
  @inline static side(workspacePtr: usize, large: bool): Box {
    const box = changetype<Box>(workspacePtr).next;
    return large ? box.next : box;
  }

  /** Sets all three; they may lie outside the tensors. Returns the item number without them. */
  static take(p: ConvParams, item: i32, workspacePtr: usize): i32 {
    const box = changetype<Box>(workspacePtr);
    const rest = boxes.take(p, item, box);
    for (let axis = 0; axis < 3; axis++) {
      const a = boxes.along(p, axis);
      const q = box.along(axis);
      const input = depthwiseBoxes.side(workspacePtr, false).along(axis);
      const output = depthwiseBoxes.side(workspacePtr, true).along(axis);
      input.d0 = q.d0;
      input.d1 = q.d1;
      output.d0 = q.d0 * a.strideD - a.cropD;
      if (p.gather) {
        output.d1 = (q.d1 - 1) * a.strideD - a.cropD + (a.kernelD - 1) * a.dilationD + 1;
      } else {
        input.d0 -= a.maxShiftD;
        output.d1 = min(q.d1 * a.strideD - a.cropD, a.outputD);
      }
    }
    return rest;
  }
}

/** Lengths and strides of one side: the fields input… of what this returns are those of the side. */
export class sides {
  @inline static lengths(p: ConvParams, large: bool): ConvParams {
    const distance = offsetof<ConvParams>('outputD') - offsetof<ConvParams>('inputD');
    return changetype<ConvParams>(changetype<usize>(p) + (large ? distance : 0));
  }

  @inline static strides(p: ConvParams, large: bool): ConvParams {
    const distance = offsetof<ConvParams>('outputStrideD') - offsetof<ConvParams>('inputStrideD');
    return changetype<ConvParams>(changetype<usize>(p) + (large ? distance : 0));
  }

  @inline static pointer(p: ConvParams, large: bool, image: i32, channel: i32): usize {
    const strides = sides.strides(p, large);
    const offset = image * strides.inputBatchStride + channel * strides.inputChannelStride;
    return (large ? p.outputPtr : p.inputPtr) + offset * p.elementBytes;
  }
}

/**
 * Copies one side's box of a channel, through the activation of what is read and each element `repeat` times in a row
 * (float32), to rows that are filled up with zeros; up to 12 bytes behind the last row are written.
 *
 * @returns true when `repeat` > 1 and an element is NaN or infinite
 */
export function loadBox(
  p: ConvParams,
  large: bool,
  image: i32,
  channel: i32,
  repeat: i32,
  targetPtr: usize,
  slicePitch: i32,
  rowPitch: i32,
  workspacePtr: usize,
): bool {
  const bytes = p.elementBytes;
  const box = depthwiseBoxes.side(workspacePtr, large);
  const lengths = sides.lengths(p, large);
  const strides = sides.strides(p, large);
  const channelPtr = sides.pointer(p, large, image, channel);
  const linePtr = workspacePtr + p.rowBufferOffset;
  const skip = min(max(-box.w0, 0), box.columns);
  const count = min(lengths.inputW, box.w1) - box.w0 - skip;
  const kind = p.inputActivation;
  const zero = i32x4.splat(0);
  let nonFinite = false;
  for (let d = box.d0; d < box.d1; d++) {
    let rowPtr = targetPtr;
    targetPtr += slicePitch * bytes;
    for (let h = box.h0; h < box.h1; h++) {
      let to = rowPtr;
      rowPtr += rowPitch * bytes;
      if (<u32>d < <u32>lengths.inputD && <u32>h < <u32>lengths.inputH && count > 0) {
        const offset = d * strides.inputStrideD + h * strides.inputStrideH + (box.w0 + skip) * strides.inputStrideW;
        let from = channelPtr + offset * bytes;
        if (kind != 0 || strides.inputStrideW != 1) {
          elements.copy(from, strides.inputStrideW * bytes, linePtr, bytes, count, bytes);
          Activation.row(bytes, kind, linePtr, count, p.inputActivationA, p.inputActivationB);
          from = linePtr;
        }
        // what a vector holds too much is written over by what comes next
        const at = to + skip * repeat * bytes;
        for (; to < at; to += 16) v128.store(to, zero);
        to = at + count * repeat * bytes;
        if (repeat == 1) elements.copy(from, bytes, at, bytes, count, bytes);
        else if (repeatRow(from, at, count, repeat)) nonFinite = true;
      }
      for (; to < rowPtr; to += 16) v128.store(to, zero);
    }
  }
  return nonFinite;
}

/** target[i · repeat + r] = source[i] for r < repeat. @returns true when an element is NaN or infinite */
function repeatRow(from: usize, to: usize, count: i32, repeat: i32): bool {
  const magnitude = i32x4.splat(0x7fffffff);
  let most = i32x4.splat(0);
  if (repeat == 2) {
    for (; count >= 4; count -= 4) {
      const x = v128.load(from);
      from += 16;
      most = i32x4.max_s(most, v128.and(x, magnitude));
      v128.store(to, v128.shuffle<f32>(x, x, 0, 0, 1, 1));
      v128.store(to, v128.shuffle<f32>(x, x, 2, 2, 3, 3), 16);
      to += 32;
    }
  }
  const step = repeat << 2;
  for (; count > 0; count--) {
    const x = v128.load32_splat(from);
    from += 4;
    most = i32x4.max_s(most, v128.and(x, magnitude));
    v128.store(to, x);
    for (let r = 16; r < step; r += 16) v128.store(to + r, x);
    to += step;
  }
  return v128.any_true(i32x4.gt_s(most, i32x4.splat(0x7f7fffff)));
}
