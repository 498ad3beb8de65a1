/**
 * Packed weight of the Toom-Cook path. A part is (group, slab of channels); its rows are (phase, channel), so that those
 * of a phase that has fewer taps lie together: at some points its rows are zero, and are not multiplied.
 *
 *   parts x  A micro-panels of G g: block of K, point, tile of `mr` rows
 *   parts x  taps as they are: row, shift along D, H, W, step of K, padded to whole vectors
 *
 * K runs over (source, input channel), see winograd_tiles.ts.
 *
 * The taps themselves serve results that are not finite, see winograd_exact.ts.
 */

import { elements } from '../elements';
import { ConvParams } from '../params';
import { terms } from './winograd_terms';
import { winograd } from './winograd_tiles';

/** In the table of taps: no tap has this phase and shift. The twin of `NO_TAP` in src/plan/winograd_sources.ts. */
export const NO_TAP: i32 = i32.MIN_VALUE;

export class winogradWeight {
  /** Shifts of a phase. */
  @inline static shifts(p: ConvParams): i32 {
    return (p.maxShiftD + 1) * (p.maxShiftH + 1) * (p.maxShiftW + 1);
  }

  @inline static phases(p: ConvParams): i32 {
    return p.phasesD * p.phasesH * p.phasesW;
  }

  @inline static rawDepth(p: ConvParams): i32 {
    return (p.depth + 3) & ~3;
  }

  /** First panel of a block of K of a part. */
  static panels(p: ConvParams, part: i32, k0: i32): usize {
    const points = winograd.allPoints(p);
    return p.packedPtr + 4 * p.tiles * p.mr * points * (part * p.depth + k0);
  }

  /** Taps of the first row of a part. */
  static taps(p: ConvParams, part: i32): usize {
    const panelsEnd = (winogradWeight.panels(p, p.groups * p.slabs, 0) + 15) & ~15;
    return panelsEnd + 4 * part * p.tiles * p.mr * winogradWeight.shifts(p) * winogradWeight.rawDepth(p);
  }

  /** True when a row has a tap of a source. */
  @inline static exists(p: ConvParams, row: i32, source: i32, shift: i32): bool {
    return winogradWeight.offset(p, row, source, shift) != NO_TAP;
  }

  /** Weight offset of the tap within its channels. */
  @inline static offset(p: ConvParams, row: i32, source: i32, shift: i32): i32 {
    const phase = row / p.slabChannels;
    const entry = (phase * p.blocks + source) * winogradWeight.shifts(p) + shift;
    return load<i32>(p.packTablePtr + (entry << 2));
  }
}

/** Item: (group, slab, tile of rows). Rows that pad the tile have no taps. */
export function packWinograd(p: ConvParams, begin: i32, end: i32, _thread: i32): void {
  const shifts = winogradWeight.shifts(p);
  const rowBytes = winogradWeight.rawDepth(p) * 4;
  const rows = p.slabChannels * winogradWeight.phases(p);
  const pointStep = p.tiles * p.mr * 4;
  for (let item = begin; item < end; item++) {
    const part = item / p.tiles;
    const row0 = (item % p.tiles) * p.mr;
    const group = part / p.slabs;
    const channel0 = (part % p.slabs) * p.slabChannels;
    for (let row = row0; row < row0 + p.mr; row++) {
      const channel = channel0 + (row % p.slabChannels);
      const isPadding = row >= rows || channel >= p.outChannels;
      const rawPtr = winogradWeight.taps(p, part) + row * shifts * rowBytes;
      const weightPtr = p.weightPtr + (group * p.weightGroupStride + channel * p.weightOutStride) * 4;
      let to = rawPtr;
      for (let shift = 0; shift < shifts; shift++) {
        for (let source = 0; source < p.blocks; source++) {
          const offset = isPadding ? NO_TAP : winogradWeight.offset(p, row, source, shift);
          if (offset == NO_TAP) memory.fill(to, 0, p.inChannels * 4);
          else elements.copy(weightPtr + offset * 4, p.weightInStride * 4, to, 4, p.inChannels, 4);
          to += p.inChannels * 4;
        }
        to += rowBytes - p.depth * 4;
      }
      for (let k0 = 0; k0 < p.depth; k0 += p.kc) {
        const kc = min(p.kc, p.depth - k0);
        const tilePtr = winogradWeight.panels(p, part, k0) + (row0 * kc + row - row0) * 4;
        packRow(p, rawPtr + k0 * 4, kc, tilePtr, pointStep * kc);
      }
    }
  }
}

/** G g of one row, four input channels at a time. */
function packRow(p: ConvParams, rawPtr: usize, kc: i32, targetPtr: usize, pointBytes: i32): void {
  const step = p.mr * 4;
  let termPtr = p.termTablePtr;
  for (let point = winograd.allPoints(p); point > 0; point--) {
    const end = terms.end(termPtr);
    let to = targetPtr;
    for (let k = 0; k < kc; k += 4) {
      storeColumn(to, step, terms.sum(termPtr, end, rawPtr + k * 4), kc - k);
      to += 4 * step;
    }
    termPtr = end;
    targetPtr += pointBytes;
  }
}

/** Stores the first `lanes` of a vector `step` bytes apart. */
function storeColumn(to: usize, step: i32, value: v128, lanes: i32): void {
  v128.store32_lane(to, value, 0);
  if (lanes > 1) v128.store32_lane(to + step, value, 1);
  if (lanes > 2) v128.store32_lane(to + 2 * step, value, 2);
  if (lanes > 3) v128.store32_lane(to + 3 * step, value, 3);
}
