/**
 * Planes of a slab without transforms, for results that are not finite: differences of infinities are NaN where sums of
 * products are not, and large inputs overflow earlier. Only inputs that exist are multiplied, as on the other paths.
 */

import { simd } from '../simd';
import { ConvParams } from '../params';
import { Box } from './box';
import { packLines } from './implicit_lines';
import { WinogradSource } from './winograd_tiles';
import { winogradWeight } from './winograd_weight';

/**
 * @param tiled the box in whole tiles, as lines are packed for
 * @param part group · slabs + slab
 * @param channels of the slab
 * @param linePtr room for a line
 */
export function exactPlanes(
  p: ConvParams,
  box: Box,
  tiled: Box,
  part: i32,
  channels: i32,
  imagePtr: usize,
  linePtr: usize,
  planesPtr: usize,
): void {
  const phases = winogradWeight.phases(p);
  memory.fill(planesPtr, 0, channels * phases * p.planeSize * 4);
  const shifts = winogradWeight.shifts(p);
  const rowBytes = winogradWeight.rawDepth(p) * 4;
  for (let k = 0; k < p.depth; k++) {
    const source = k / p.inChannels;
    const from = WinogradSource.of(p, source);
    const offset = from.offset + (k - source * p.inChannels) * p.inputChannelStride;
    packLines(p, from.exists, tiled, imagePtr + offset * 4, 1, box.w0, 0, linePtr, 0, 1);
    for (let row = 0; row < p.slabChannels * phases; row++) {
      const channel = row % p.slabChannels;
      if (channel >= channels) continue;
      const planePtr = planesPtr + (channel * phases + row / p.slabChannels) * p.planeSize * 4;
      const tapsPtr = winogradWeight.taps(p, part) + row * shifts * rowBytes + k * 4;
      for (let shift = 0; shift < shifts; shift++) {
        if (!winogradWeight.exists(p, row, source, shift)) continue;
        addTap(p, box, shift, load<f32>(tapsPtr + shift * rowBytes), linePtr, planePtr);
      }
    }
  }
}

/** Adds the inputs of a line, shifted, times a tap. */
function addTap(p: ConvParams, box: Box, shift: i32, tap: f32, linePtr: usize, planePtr: usize): void {
  const shiftW = shift % (p.maxShiftW + 1);
  const rest = shift / (p.maxShiftW + 1);
  const shiftH = rest % (p.maxShiftH + 1);
  const shiftD = rest / (p.maxShiftH + 1);
  // zeros around the input of a convolution are inputs
  const all = p.gather != 0;
  const begin = all ? 0 : max(shiftW - box.w0, 0);
  const end = all ? box.columns : min(p.inputW + shiftW - box.w0, box.columns);
  for (let d = 0; d < box.slices; d++) {
    if (!all && <u32>(box.d0 + d - shiftD) >= <u32>p.inputD) continue;
    for (let h = 0; h < box.rows; h++) {
      if (!all && <u32>(box.h0 + h - shiftH) >= <u32>p.inputH) continue;
      const line = (d + p.maxShiftD - shiftD) * p.paddedSlice + (h + p.maxShiftH - shiftH) * p.linePeriod;
      const from = linePtr + 4 * (line + p.maxShiftW - shiftW);
      const to = planePtr + 4 * (d * p.planeSlice + h * p.planeRow);
      for (let w = begin; w < end; w++) {
        const at = to + 4 * w;
        store<f32>(at, simd.maddScalar<f32>(tap, load<f32>(from + 4 * w), load<f32>(at)));
      }
    }
  }
}
