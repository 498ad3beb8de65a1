/**
 * im2col fused into packing: panels of B straight from phase planes. Row k = (channel, tap) of im2col at
 * input position i is plane(phase of the tap)[i + shift of the tap], so a run of positions along W is contiguous.
 */

import { elements } from '../elements';
import { transpose4 } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box } from './box';

/**
 * Packs rows k0 ≤ k < k0 + kc for all positions of a box, its rows one after another, as strips of kc x nr;
 * what is left of the last strip becomes 0. Returns where the next strip goes.
 *
 * @param planesPtr planes of the channel of row k0
 */
export function packColumns(p: ConvParams, box: Box, planesPtr: usize, k0: i32, kc: i32, targetPtr: usize): usize {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const width = box.columns;
  const count = box.slices * box.rows * width;
  for (let first = 0; first < count; first += nr) {
    for (let c = 0; c < nr;) {
      const row = (first + c) / width;
      const column = first + c - row * width;
      const length = min(width - column, nr - c);
      const to = targetPtr + c * bytes;
      if (first + c >= count) {
        elements.fill(to, kc, 32, nr - c, bytes, i32x4.splat(0), bytes);
        break;
      }
      packRun(p, planesPtr + (lineOffset(p, box, row) + column) * bytes, k0, kc, length * bytes, to);
      c += length;
    }
    targetPtr += kc * 32;
  }
  return targetPtr;
}

/** Elements from the first row of a box to row `row`, counted over slices. */
function lineOffset(p: ConvParams, box: Box, row: i32): i32 {
  const slice = row / box.rows;
  return slice * p.planeSlice + (row - slice * box.rows) * p.planeRow;
}

/** Columns of a strip that follow one another in the planes, `runBytes` of 32. */
function packRun(p: ConvParams, base: usize, k0: i32, kc: i32, runBytes: i32, to: usize): void {
  const bytes = p.elementBytes;
  const channelBytes = channelBytesOf(p);
  const endPtr = p.tapTablePtr + (p.taps << 3);
  let tapPtr = p.tapTablePtr + ((k0 % p.taps) << 3);
  for (; kc > 0; kc--) {
    const from = base + load<i32>(tapPtr) * bytes;
    if (runBytes == 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    } else {
      for (let at = 0; at < runBytes; at += 4) store<u32>(to + at, load<u32>(from + at));
    }
    to += 32;
    tapPtr += 8;
    if (tapPtr == endPtr) {
      tapPtr = p.tapTablePtr;
      base += channelBytes;
    }
  }
}

/** From the planes of one channel to those of the next. */
function channelBytesOf(p: ConvParams): i32 {
  return p.phasesD * p.phasesH * p.phasesW * p.planeSize * p.elementBytes;
}

/**
 * The same rows the other way round, for gradWeight: columns n0 ≤ n < n1 of B are (channel, tap), its K runs over
 * the positions of the box. Strips of kc x nr; `kc` is the depth of the whole panel, of which this call fills as many
 * as there are positions, from `kOffset` on.
 */
export function packColumnsTransposed(
  p: ConvParams,
  box: Box,
  planesPtr: usize,
  n0: i32,
  n1: i32,
  kc: i32,
  kOffset: i32,
  targetPtr: usize,
): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const width = box.columns;
  const rows = box.slices * box.rows;
  const channelBytes = channelBytesOf(p);
  const firstPtr = planesPtr - (n0 / p.taps) * channelBytes;
  for (let n = n0; n < n1; n += nr) {
    // four columns at a time; columns that do not exist repeat the last one, nobody reads their result
    const last = min(n + nr, n1) - 1;
    for (let c = n; c < n + nr; c += 4) {
      const s0 = sourceOf(p, firstPtr, channelBytes, min(c, last));
      const s1 = sourceOf(p, firstPtr, channelBytes, min(c + 1, last));
      const s2 = sourceOf(p, firstPtr, channelBytes, min(c + 2, last));
      const s3 = sourceOf(p, firstPtr, channelBytes, min(c + 3, last));
      let to = targetPtr + kOffset * 32 + (c - n) * bytes;
      for (let row = 0; row < rows; row++) {
        const line = lineOffset(p, box, row) * bytes;
        transpose4(s0 + line, s1 + line, s2 + line, s3 + line, width, to, 32, bytes);
        to += width * 32;
      }
    }
    targetPtr += kc * 32;
  }
}

/** @param firstPtr planes of channel 0 */
function sourceOf(p: ConvParams, firstPtr: usize, channelBytes: i32, n: i32): usize {
  const channel = n / p.taps;
  const tap = n - channel * p.taps;
  return firstPtr + channel * channelBytes + load<i32>(p.tapTablePtr + (tap << 3)) * p.elementBytes;
}
