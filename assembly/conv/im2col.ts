/**
 * im2col fused into packing: panels of B straight from phase planes. Row k = (channel, tap) of im2col at
 * input position i is plane(phase of the tap)[i + shift of the tap], so a run of positions along W is contiguous.
 */

import { ConvParams } from '../params';
import { simd } from '../simd';
import { geometry } from './geometry';

/**
 * Packs rows k0 ≤ k < k0 + kc for positions first … of a box, as strips of kc x nr; positions beyond `count`
 * become 0.
 *
 * @param planesPtr planes of the channel of row k0
 * @param count positions of the box: its rows of `width` positions, one after another
 * @param rows rows of a slice in the box
 */
export function packColumns<T>(
  p: ConvParams,
  planesPtr: usize,
  k0: i32,
  kc: i32,
  count: i32,
  width: i32,
  rows: i32,
  targetPtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  for (let first = 0; first < count; first += nr) {
    const row = first / width;
    const column = first - row * width;
    if (column + nr <= width) {
      const base = planesPtr + geometry.bytes<T>(lineOffset(p, row, rows) + column);
      packStrip<T>(p, base, k0, kc, targetPtr);
    } else {
      for (let c = 0; c < nr;) {
        const position = first + c;
        const at = position / width;
        const from = position - at * width;
        const length = position >= count ? 0 : min(min(width - from, nr - c), count - position);
        if (length == 0) {
          zeroColumns<T>(targetPtr, c, nr, kc);
          break;
        }
        const base = planesPtr + geometry.bytes<T>(lineOffset(p, at, rows) + from);
        packSegment<T>(p, base, k0, kc, length, targetPtr + geometry.bytes<T>(c));
        c += length;
      }
    }
    targetPtr += <usize>kc * 32;
  }
}

/** Elements from the first row of a box to row `row`, counted over slices of `rows` rows. */
function lineOffset(p: ConvParams, row: i32, rows: i32): i32 {
  const slice = row / rows;
  return slice * p.planeSlice + (row - slice * rows) * p.planeRow;
}

function packStrip<T>(p: ConvParams, base: usize, k0: i32, kc: i32, to: usize): void {
  const channelBytes = channelBytesOf<T>(p);
  let tap = k0 % p.taps;
  let tapPtr = p.tapTablePtr + ((<usize>tap) << 3);
  for (let k = 0; k < kc; k++) {
    const from = base + geometry.bytes<T>(load<i32>(tapPtr));
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    to += 32;
    tapPtr += 8;
    if (++tap == p.taps) {
      tap = 0;
      tapPtr = p.tapTablePtr;
      base += channelBytes;
    }
  }
}

/** `length` < nr columns of a strip. */
function packSegment<T>(p: ConvParams, base: usize, k0: i32, kc: i32, length: i32, to: usize): void {
  const channelBytes = channelBytesOf<T>(p);
  let tap = k0 % p.taps;
  for (let k = 0; k < kc; k++) {
    let from = base + geometry.bytes<T>(load<i32>(p.tapTablePtr + ((<usize>tap) << 3)));
    let at = to;
    for (let c = length; c > 0; c--) {
      store<T>(at, load<T>(from));
      from += sizeof<T>();
      at += sizeof<T>();
    }
    to += 32;
    if (++tap == p.taps) {
      tap = 0;
      base += channelBytes;
    }
  }
}

function zeroColumns<T>(targetPtr: usize, first: i32, nr: i32, kc: i32): void {
  for (let k = 0; k < kc; k++) {
    for (let c = first; c < nr; c++) store<T>(targetPtr + geometry.bytes<T>(c), <T>0);
    targetPtr += 32;
  }
}

/** From the planes of one channel to those of the next. */
function channelBytesOf<T>(p: ConvParams): usize {
  return geometry.bytes<T>(p.phasesD * p.phasesH * p.phasesW * p.planeSize);
}

/**
 * The same rows the other way round, for gradWeight: columns n0 ≤ n < n1 of B are (channel, tap), its K runs over
 * `count` positions. Strips of kc x nr; `kc` is the depth of the whole panel, of which this call fills `count`
 * from `kOffset` on.
 */
export function packColumnsTransposed<T>(
  p: ConvParams,
  planesPtr: usize,
  n0: i32,
  n1: i32,
  count: i32,
  width: i32,
  rows: i32,
  kc: i32,
  kOffset: i32,
  targetPtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  const channel0 = n0 / p.taps;
  const channelBytes = channelBytesOf<T>(p);
  for (let n = n0; n < n1; n += nr) {
    const stripPtr = targetPtr + <usize>kOffset * 32;
    const existing = min(nr, n1 - n);
    for (let c = 0; c < nr; c += 4) {
      // four columns at a time; columns that do not exist repeat the last one, nobody reads their result
      const s0 = sourceOf<T>(p, planesPtr, channel0, channelBytes, n + min(c, existing - 1));
      const s1 = sourceOf<T>(p, planesPtr, channel0, channelBytes, n + min(c + 1, existing - 1));
      const s2 = sourceOf<T>(p, planesPtr, channel0, channelBytes, n + min(c + 2, existing - 1));
      const s3 = sourceOf<T>(p, planesPtr, channel0, channelBytes, n + min(c + 3, existing - 1));
      let to = stripPtr + geometry.bytes<T>(c);
      for (let at = 0, row = 0; at < count; at += width, row++) {
        const line = geometry.bytes<T>(lineOffset(p, row, rows));
        transpose4<T>(s0 + line, s1 + line, s2 + line, s3 + line, min(width, count - at), to, 32);
        to += <usize>min(width, count - at) * 32;
      }
    }
    targetPtr += <usize>kc * 32;
  }
}

function sourceOf<T>(p: ConvParams, planesPtr: usize, channel0: i32, channelBytes: usize, n: i32): usize {
  const channel = n / p.taps;
  const tap = n - channel * p.taps;
  return (
    planesPtr +
    <usize>(channel - channel0) * channelBytes +
    geometry.bytes<T>(load<i32>(p.tapTablePtr + ((<usize>tap) << 3)))
  );
}

/** Writes four contiguous rows of `count` elements as `count` groups of four, `step` bytes apart. */
export function transpose4<T>(s0: usize, s1: usize, s2: usize, s3: usize, count: i32, to: usize, step: usize): void {
  let i = 0;
  if (sizeof<T>() == 4) {
    for (; i + 4 <= count; i += 4) {
      const at = geometry.bytes<T>(i);
      const a = v128.load(s0 + at);
      const b = v128.load(s1 + at);
      const c = v128.load(s2 + at);
      const d = v128.load(s3 + at);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
      v128.store(to + step, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
      v128.store(to + 2 * step, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5));
      v128.store(to + 3 * step, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7));
      to += 4 * step;
    }
  }
  for (; i < count; i++) {
    const at = geometry.bytes<T>(i);
    store<T>(to, load<T>(s0 + at));
    store<T>(to, load<T>(s1 + at), sizeof<T>());
    store<T>(to, load<T>(s2 + at), 2 * sizeof<T>());
    store<T>(to, load<T>(s3 + at), 3 * sizeof<T>());
    to += step;
  }
}
