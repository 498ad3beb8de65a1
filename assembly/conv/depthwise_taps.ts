/**
 * Taps of depthwise convolutions. Along W those that share a shift a = ⌊tap · dilation ÷ stride⌋ make vectors: a row of
 * taps (channel, tap D, tap H) is packed as stride + 3 weights of each shift, by residues 0, 1, … modulo stride, 0 where
 * there is no tap.
 */

import { element, elements } from '../elements';
import { ConvParams } from '../params';
import { Box, boxes } from './box';

/** Item: (group, result channel of the group). */
export function packDepthwise(p: ConvParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  let to = p.packedPtr + begin * p.depth * bytes;
  for (let channel = begin; channel < end; channel++) {
    const channels = p.gather ? p.outChannels : p.inChannels;
    for (let c = 0; c < channels; c++) {
      const weightPtr = p.weightPtr + depthwiseTaps.weight(p, channel, c) * bytes;
      for (let d = 0; d < p.kernelD; d++) {
        for (let h = 0; h < p.kernelH; h++) {
          const rowPtr = weightPtr + (d * p.weightStrideD + h * p.weightStrideH) * bytes;
          for (let shift = 0; shift < p.taps; shift++) {
            for (let residue = 0; residue < p.strideW + 3; residue++) {
              const w = depthwiseTaps.at(p, shift, residue % p.strideW);
              if (w < 0) elements.fill(to, 1, 0, 1, bytes, i32x4.splat(0), bytes);
              else element.move(rowPtr + w * p.weightStrideW * bytes, to, bytes);
              to += bytes;
            }
          }
        }
      }
    }
  }
}

export class depthwiseTaps {
  /** Bytes of the weights of a row of taps. */
  static rowBytes(p: ConvParams): i32 {
    return p.taps * (p.strideW + 3) * p.elementBytes;
  }

  /** Tap along W of the shift with that number, counted upwards, and a residue; −1 when there is none. */
  static at(p: ConvParams, shift: i32, residue: i32): i32 {
    const u = load<i32>(p.tapTablePtr + (shift << 2)) * p.strideW + residue;
    const tap = u / p.dilationW;
    return tap < p.kernelW && tap * p.dilationW == u ? tap : -1;
  }

  /** Offset of the weights of a result channel, counted over all groups, and a channel of its group that is read. */
  static weight(p: ConvParams, result: i32, read: i32): i32 {
    if (p.gather) return result * p.weightInStride + read * p.weightOutStride;
    const group = result / p.outChannels;
    return (group * p.inChannels + read) * p.weightInStride + (result - group * p.outChannels) * p.weightOutStride;
  }

  /**
   * Row or slice of the source box that a tap meets from row or slice `at` of the box of the result, −1 when there is
   * none: in a scatter each stride-th coordinate holds an input.
   *
   * @param input when given, only rows that exist count
   */
  static row(p: ConvParams, axis: i32, at: i32, tap: i32, input: Box | null): i32 {
    const a = boxes.along(p, axis);
    if (p.gather) return at * a.strideD + tap * a.dilationD;
    const u = at + a.maxShiftD * a.strideD - tap * a.dilationD;
    const row = u / a.strideD;
    if (row * a.strideD != u) return -1;
    return input == null || <u32>(input.along(axis).d0 + row) < <u32>a.inputD ? row : -1;
  }

  /**
   * Lists where the taps of row (atD, atH) find their first element, as byte offsets in the source, and their weights.
   *
   * @param input given: one entry for each row of taps that exists; null: one for each shift of each
   * @param tapPtr i32 per entry; `weightsPtr`, room for the weights of all, 0 for none
   * @returns the end of the list
   */
  static list(
    p: ConvParams,
    channels: i32,
    atD: i32,
    atH: i32,
    input: Box | null,
    weightPtr: usize,
    tapPtr: usize,
    weightsPtr: usize,
  ): usize {
    const bytes = p.elementBytes;
    const rowBytes = depthwiseTaps.rowBytes(p);
    for (let c = 0; c < channels; c++) {
      for (let tapD = 0; tapD < p.kernelD; tapD++) {
        const d = depthwiseTaps.row(p, 0, atD, tapD, input);
        for (let tapH = 0; tapH < p.kernelH; tapH++) {
          const h = depthwiseTaps.row(p, 1, atH, tapH, input);
          const from = weightPtr;
          weightPtr += rowBytes;
          if (d < 0 || h < 0) continue;
          const offset = c * p.planeSize + d * p.planeSlice + h * p.planeRow;
          if (input != null) {
            store<i32>(tapPtr, offset * bytes);
            tapPtr += 4;
          } else {
            for (let shiftPtr = p.tapTablePtr; shiftPtr < p.tapTablePtr + (p.taps << 2); shiftPtr += 4) {
              const shift = load<i32>(shiftPtr);
              store<i32>(tapPtr, (offset + (p.gather ? shift : p.maxShiftW - shift) * p.strideW) * bytes);
              tapPtr += 4;
            }
          }
          if (weightsPtr != 0) {
            elements.copy(from, bytes, weightsPtr, bytes, rowBytes / bytes, bytes);
            weightsPtr += rowBytes;
          }
        }
      }
    }
    return tapPtr;
  }
}
