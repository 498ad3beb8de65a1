/**
 * im2col fused into packing: panels of B straight from the output side. Row k = (channel, tap) of im2col at input
 * position i is output[i · stride + tap · dilation − crop]; see reached.ts for where that lies.
 */

import { elements } from '../elements';
import { transpose4 } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box } from './box';

/**
 * Packs rows k0 ≤ k < k0 + kc for all positions of a box, its rows one after another, as strips of kc x nr. Positions
 * that the last strip lacks repeat the last one, nobody reads their result. Returns where the next strip goes.
 *
 * @param firstPtr first position, for the first tap of the channel of row k0
 */
export function packColumns(p: ConvParams, box: Box, firstPtr: usize, k0: i32, kc: i32, targetPtr: usize): usize {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const step = p.positionStep * bytes;
  const width = box.columns;
  const last = box.slices * box.rows * width - 1;
  const neighbours = step == bytes || step * bytes == 32;
  for (let first = 0; first <= last; first += nr) {
    if (neighbours && first + nr - 1 <= last && (first % width) + nr <= width) {
      packNeighbours(p, position(p, box, firstPtr, first), step, k0, kc, targetPtr);
    } else {
      for (let c = first; c < first + nr; c += 4) {
        packPositions(
          p,
          position(p, box, firstPtr, min(c, last)),
          position(p, box, firstPtr, min(c + 1, last)),
          position(p, box, firstPtr, min(c + 2, last)),
          position(p, box, firstPtr, min(c + 3, last)),
          k0,
          kc,
          targetPtr + (c - first) * bytes,
        );
      }
    }
    targetPtr += kc * 32;
  }
  return targetPtr;
}

/** Where a position of the box is, counted along its rows. */
function position(p: ConvParams, box: Box, firstPtr: usize, index: i32): usize {
  const row = index / box.columns;
  const slice = row / box.rows;
  const offset =
    slice * p.strideD * p.planeSlice +
    (row - slice * box.rows) * p.strideH * p.planeRow +
    (index - row * box.columns) * p.positionStep;
  return firstPtr + offset * p.elementBytes;
}

/** A strip of neighbours in a row: one beside the other, or of float32 every second element. */
function packNeighbours(p: ConvParams, base: usize, step: i32, k0: i32, kc: i32, to: usize): void {
  const bytes = p.elementBytes;
  let tap = k0 % p.taps;
  let run = p.tapRun - (tap % p.tapRun);
  while (kc > 0) {
    let from = base + tapOffset(p, tap);
    run = min(run, kc);
    kc -= run;
    tap += run;
    if (step == bytes) {
      for (; run > 0; run--) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += bytes;
        to += 32;
      }
    } else {
      for (; run > 1; run -= 2) {
        // what lies between belongs to the next tap
        const a = v128.load(from);
        const b = v128.load(from, 16);
        const c = v128.load(from, 32);
        const d = v128.load(from, 48);
        v128.store(to, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
        v128.store(to, v128.shuffle<f32>(c, d, 0, 2, 4, 6), 16);
        v128.store(to, v128.shuffle<f32>(a, b, 1, 3, 5, 7), 32);
        v128.store(to, v128.shuffle<f32>(c, d, 1, 3, 5, 7), 48);
        from += 8;
        to += 64;
      }
      if (run > 0) {
        const c = v128.load(from, 32);
        v128.store(to, v128.shuffle<f32>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6));
        v128.store(to, v128.shuffle<f32>(c, v128.load(from, 44), 0, 2, 5, 7), 16);
        to += 32;
      }
    }
    run = p.tapRun;
    if (tap == p.taps) {
      tap = 0;
      base += p.planeSize * bytes;
    }
  }
}

/** Four positions anywhere: taps that are neighbours are turned four by four. */
function packPositions(p: ConvParams, p0: usize, p1: usize, p2: usize, p3: usize, k0: i32, kc: i32, to: usize): void {
  const bytes = p.elementBytes;
  let tap = k0 % p.taps;
  let run = p.tapRun - (tap % p.tapRun);
  let channelBytes = 0;
  while (kc > 0) {
    const at = channelBytes + tapOffset(p, tap);
    run = min(run, kc);
    transpose4(p0 + at, p1 + at, p2 + at, p3 + at, run, to, 32, bytes);
    to += run << 5;
    kc -= run;
    tap += run;
    run = p.tapRun;
    if (tap == p.taps) {
      tap = 0;
      channelBytes += p.planeSize * bytes;
    }
  }
}

/** Bytes from the first tap of a channel to another. */
function tapOffset(p: ConvParams, tap: i32): i32 {
  return load<i32>(p.tapTablePtr + (tap << 3)) * p.elementBytes;
}

/**
 * The same rows the other way round, for gradWeight: columns n0 ≤ n < n1 of B are (channel, tap), its K runs over
 * the positions of the box. Strips of kc x nr; `kc` is the depth of the whole panel, of which this call fills as many
 * as there are positions, from `kOffset` on.
 *
 * @param firstPtr first position, for the first tap of the channel of column n0
 */
export function packColumnsTransposed(
  p: ConvParams,
  box: Box,
  firstPtr: usize,
  n0: i32,
  n1: i32,
  kc: i32,
  kOffset: i32,
  targetPtr: usize,
): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const rowBytes = p.strideH * p.planeRow * bytes;
  const sliceBytes = p.strideD * p.planeSlice * bytes;
  const channelPtr = firstPtr - (n0 / p.taps) * p.planeSize * bytes;
  targetPtr += kOffset * 32;
  for (let n = n0; n < n1; n += nr) {
    // four columns at a time; columns that do not exist repeat the last one
    const last = min(n + nr, n1) - 1;
    for (let c = n; c < n + nr; c += 4) {
      const s0 = columnOffset(p, min(c, last));
      const s1 = columnOffset(p, min(c + 1, last));
      const s2 = columnOffset(p, min(c + 2, last));
      const s3 = columnOffset(p, min(c + 3, last));
      let to = targetPtr + (c - n) * bytes;
      for (let d = 0; d < box.slices; d++) {
        let line = channelPtr + d * sliceBytes;
        for (let h = 0; h < box.rows; h++) {
          packLine(p, line + s0, line + s1, line + s2, line + s3, box.columns, to);
          to += box.columns << 5;
          line += rowBytes;
        }
      }
    }
    targetPtr += kc * 32;
  }
}

/** Bytes from column 0 to column n = (channel, tap). */
function columnOffset(p: ConvParams, n: i32): i32 {
  const channel = n / p.taps;
  return channel * p.planeSize * p.elementBytes + tapOffset(p, n - channel * p.taps);
}

/** One line of positions for four columns. */
function packLine(p: ConvParams, s0: usize, s1: usize, s2: usize, s3: usize, count: i32, to: usize): void {
  const bytes = p.elementBytes;
  const step = p.positionStep * bytes;
  if (bytes == 4 && s1 - s0 == 4 && s2 - s1 == 4 && s3 - s2 == 4) {
    // neighbouring taps: what a position needs lies side by side
    for (; count > 0; count--) {
      v128.store(to, v128.load(s0));
      s0 += step;
      to += 32;
    }
  } else if (step == bytes) {
    transpose4(s0, s1, s2, s3, count, to, 32, bytes);
  } else {
    packPair(s0, s1, step, count, to, bytes);
    packPair(s2, s3, step, count, to + 2 * bytes, bytes);
  }
}

/** The same for two columns. */
function packPair(s0: usize, s1: usize, step: i32, count: i32, to: usize, bytes: i32): void {
  if (bytes == 4 && s1 - s0 == 4) {
    for (; count > 0; count--) {
      store<u64>(to, load<u64>(s0));
      s0 += step;
      to += 32;
    }
  } else {
    elements.copy(s0, step, to, 32, count, bytes);
    elements.copy(s1, step, to + bytes, 32, count, bytes);
  }
}
