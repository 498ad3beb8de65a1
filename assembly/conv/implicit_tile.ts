/**
 * Micro-kernel of the implicit GEMM: two rows of C by as many vectors as the registers hold.
 *
 *   C[r] = (accumulate ? C[r] : 0) + Σ over taps, then channels:  A~[tap][channel][r] · B[tap][channel]
 *
 *   A~ micro-panel: taps x kc x 2; the panels of tiles follow one another
 *   B: one row per channel, `pitch` bytes apart, read where it lies. A tap is a distance in that memory, so nothing
 *   is copied per tap: its rows begin at bPtr + tapOffset[tap]
 *   C row r: contiguous at cPtr + rowOffset[r]; offsets are bytes
 *
 * x64 leaves 15 vector registers: 2 x 6 accumulators, two of A and one of B. Without fused multiply-add the product
 * needs one more, so the plain variant has 2 x 5. Two rows suit any number of rows of C with at most one of padding;
 * and where a tile of 6 x 2 vectors has as many multiply-adds per load, it needs that many more rows.
 */

import { simd } from '../simd';

export class implicitTile {
  /** Bytes of a row of C. The twin of `stripBytes` in src/plan/implicit_boxes.ts. */
  @inline static get stripBytes(): i32 {
    return ASC_FEATURE_RELAXED_SIMD ? 96 : 80;
  }
}

/** Loops 2 (jr) and 1 (ir) around the micro-kernel, for elements of `bytes`; strips follow one another in B and in C. */
export function runPairs(
  bytes: i32,
  strips: i32,
  tiles: i32,
  taps: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  pitch: usize,
  tapOffsetPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
): void {
  if (!ASC_NO_ASSERT) {
    assert(tiles > 0 && taps > 0 && kc > 0);
  }
  if (bytes == 4) {
    runPairsOf<f32>(strips, tiles, taps, kc, aPtr, bPtr, pitch, tapOffsetPtr, rowOffsetPtr, cPtr, accumulate);
  } else {
    runPairsOf<f64>(strips, tiles, taps, kc, aPtr, bPtr, pitch, tapOffsetPtr, rowOffsetPtr, cPtr, accumulate);
  }
}

function runPairsOf<T>(
  strips: i32,
  tiles: i32,
  taps: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  pitch: usize,
  tapOffsetPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
): void {
  const tapsEnd = tapOffsetPtr + ((<usize>taps) << 2);
  const rowsEnd = rowOffsetPtr + ((<usize>tiles) << 3);
  for (; strips > 0; strips--) {
    let a = aPtr;
    for (let rowPtr = rowOffsetPtr; rowPtr < rowsEnd; rowPtr += 8) {
      const r0 = cPtr + load<i32>(rowPtr);
      const r1 = cPtr + load<i32>(rowPtr, 4);
      let c00 = i32x4.splat(0);
      let c01 = i32x4.splat(0);
      let c02 = i32x4.splat(0);
      let c03 = i32x4.splat(0);
      let c04 = i32x4.splat(0);
      let c05 = i32x4.splat(0);
      let c10 = i32x4.splat(0);
      let c11 = i32x4.splat(0);
      let c12 = i32x4.splat(0);
      let c13 = i32x4.splat(0);
      let c14 = i32x4.splat(0);
      let c15 = i32x4.splat(0);
      if (accumulate) {
        c00 = v128.load(r0);
        c01 = v128.load(r0, 16);
        c02 = v128.load(r0, 32);
        c03 = v128.load(r0, 48);
        c04 = v128.load(r0, 64);
        if (ASC_FEATURE_RELAXED_SIMD) c05 = v128.load(r0, 80);
        c10 = v128.load(r1);
        c11 = v128.load(r1, 16);
        c12 = v128.load(r1, 32);
        c13 = v128.load(r1, 48);
        c14 = v128.load(r1, 64);
        if (ASC_FEATURE_RELAXED_SIMD) c15 = v128.load(r1, 80);
      }
      for (let tapPtr = tapOffsetPtr; tapPtr < tapsEnd; tapPtr += 4) {
        let b = bPtr + load<i32>(tapPtr);
        for (let k = kc; k > 0; k--) {
          const a0 = v128.load_splat<T>(a);
          const a1 = v128.load_splat<T>(a, sizeof<T>());
          const b0 = v128.load(b);
          c00 = simd.madd<T>(a0, b0, c00);
          c10 = simd.madd<T>(a1, b0, c10);
          const b1 = v128.load(b, 16);
          c01 = simd.madd<T>(a0, b1, c01);
          c11 = simd.madd<T>(a1, b1, c11);
          const b2 = v128.load(b, 32);
          c02 = simd.madd<T>(a0, b2, c02);
          c12 = simd.madd<T>(a1, b2, c12);
          const b3 = v128.load(b, 48);
          c03 = simd.madd<T>(a0, b3, c03);
          c13 = simd.madd<T>(a1, b3, c13);
          const b4 = v128.load(b, 64);
          c04 = simd.madd<T>(a0, b4, c04);
          c14 = simd.madd<T>(a1, b4, c14);
          if (ASC_FEATURE_RELAXED_SIMD) {
            const b5 = v128.load(b, 80);
            c05 = simd.madd<T>(a0, b5, c05);
            c15 = simd.madd<T>(a1, b5, c15);
          }
          a += 2 * sizeof<T>();
          b += pitch;
        }
      }
      v128.store(r0, c00);
      v128.store(r0, c01, 16);
      v128.store(r0, c02, 32);
      v128.store(r0, c03, 48);
      v128.store(r0, c04, 64);
      if (ASC_FEATURE_RELAXED_SIMD) v128.store(r0, c05, 80);
      v128.store(r1, c10);
      v128.store(r1, c11, 16);
      v128.store(r1, c12, 32);
      v128.store(r1, c13, 48);
      v128.store(r1, c14, 64);
      if (ASC_FEATURE_RELAXED_SIMD) v128.store(r1, c15, 80);
    }
    bPtr += implicitTile.stripBytes;
    cPtr += implicitTile.stripBytes;
  }
}
