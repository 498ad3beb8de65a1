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

import { address } from '../address';
import { simd } from '../simd';

export class implicitTile {
  /** Bytes of a row of C. The twin of `stripBytes` in src/plan/implicit_boxes.ts. */
  @inline static get stripBytes(): i32 {
    return Variant.wide ? 192 : ASC_FEATURE_RELAXED_SIMD ? 96 : 80;
  }
}

/** Loops 2 (jr) and 1 (ir) around the micro-kernel, for float32; strips follow one another in B and in C. */
export function runPairs(
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
  const tapsEnd = tapOffsetPtr + ((<usize>taps) << 2);
  const rowsEnd = rowOffsetPtr + ((<usize>tiles) << 3);
  const keep = i32x4.splat(accumulate ? -1 : 0);
  aPtr = address.extended(aPtr);
  v128.load32_splat(aPtr, 4); // as `address.addOffsets` does
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
      let c06 = i32x4.splat(0);
      let c07 = i32x4.splat(0);
      let c08 = i32x4.splat(0);
      let c09 = i32x4.splat(0);
      let c0a = i32x4.splat(0);
      let c0b = i32x4.splat(0);
      let c10 = i32x4.splat(0);
      let c11 = i32x4.splat(0);
      let c12 = i32x4.splat(0);
      let c13 = i32x4.splat(0);
      let c14 = i32x4.splat(0);
      let c15 = i32x4.splat(0);
      let c16 = i32x4.splat(0);
      let c17 = i32x4.splat(0);
      let c18 = i32x4.splat(0);
      let c19 = i32x4.splat(0);
      let c1a = i32x4.splat(0);
      let c1b = i32x4.splat(0);
      if (Variant.wide || accumulate) {
        c00 = v128.load(r0);
        c01 = v128.load(r0, 16);
        c02 = v128.load(r0, 32);
        c03 = v128.load(r0, 48);
        c04 = v128.load(r0, 64);
        if (ASC_FEATURE_RELAXED_SIMD) c05 = v128.load(r0, 80);
        if (Variant.wide) {
          c06 = v128.load(r0, 96);
          c07 = v128.load(r0, 112);
          c08 = v128.load(r0, 128);
          c09 = v128.load(r0, 144);
          c0a = v128.load(r0, 160);
          c0b = v128.load(r0, 176);
        }
        c10 = v128.load(r1);
        c11 = v128.load(r1, 16);
        c12 = v128.load(r1, 32);
        c13 = v128.load(r1, 48);
        c14 = v128.load(r1, 64);
        if (ASC_FEATURE_RELAXED_SIMD) c15 = v128.load(r1, 80);
        if (Variant.wide) {
          c16 = v128.load(r1, 96);
          c17 = v128.load(r1, 112);
          c18 = v128.load(r1, 128);
          c19 = v128.load(r1, 144);
          c1a = v128.load(r1, 160);
          c1b = v128.load(r1, 176);
        }
      }
      if (Variant.wide) {
        // V8 joins nothing that is either loaded or zero
        c00 = v128.and(c00, keep);
        c01 = v128.and(c01, keep);
        c02 = v128.and(c02, keep);
        c03 = v128.and(c03, keep);
        c04 = v128.and(c04, keep);
        c05 = v128.and(c05, keep);
        c06 = v128.and(c06, keep);
        c07 = v128.and(c07, keep);
        c08 = v128.and(c08, keep);
        c09 = v128.and(c09, keep);
        c0a = v128.and(c0a, keep);
        c0b = v128.and(c0b, keep);
        c10 = v128.and(c10, keep);
        c11 = v128.and(c11, keep);
        c12 = v128.and(c12, keep);
        c13 = v128.and(c13, keep);
        c14 = v128.and(c14, keep);
        c15 = v128.and(c15, keep);
        c16 = v128.and(c16, keep);
        c17 = v128.and(c17, keep);
        c18 = v128.and(c18, keep);
        c19 = v128.and(c19, keep);
        c1a = v128.and(c1a, keep);
        c1b = v128.and(c1b, keep);
      }
      for (let tapPtr = tapOffsetPtr; tapPtr < tapsEnd; tapPtr += 4) {
        let b = bPtr + load<i32>(tapPtr);
        for (const end = a + ((<usize>kc) << 3); a < end; a += 8) {
          const a0 = v128.load_splat<f32>(a);
          const a1 = v128.load_splat<f32>(a, 4);
          const b0 = v128.load(b);
          c00 = simd.madd<f32>(a0, b0, c00);
          c10 = simd.madd<f32>(a1, b0, c10);
          const b1 = v128.load(b, 16);
          c01 = simd.madd<f32>(a0, b1, c01);
          c11 = simd.madd<f32>(a1, b1, c11);
          const b2 = v128.load(b, 32);
          c02 = simd.madd<f32>(a0, b2, c02);
          c12 = simd.madd<f32>(a1, b2, c12);
          const b3 = v128.load(b, 48);
          c03 = simd.madd<f32>(a0, b3, c03);
          c13 = simd.madd<f32>(a1, b3, c13);
          const b4 = v128.load(b, 64);
          c04 = simd.madd<f32>(a0, b4, c04);
          c14 = simd.madd<f32>(a1, b4, c14);
          if (ASC_FEATURE_RELAXED_SIMD) {
            const b5 = v128.load(b, 80);
            c05 = simd.madd<f32>(a0, b5, c05);
            c15 = simd.madd<f32>(a1, b5, c15);
          }
          if (Variant.wide) {
            const b6 = v128.load(b, 96);
            c06 = simd.madd<f32>(a0, b6, c06);
            c16 = simd.madd<f32>(a1, b6, c16);
            const b7 = v128.load(b, 112);
            c07 = simd.madd<f32>(a0, b7, c07);
            c17 = simd.madd<f32>(a1, b7, c17);
            const b8 = v128.load(b, 128);
            c08 = simd.madd<f32>(a0, b8, c08);
            c18 = simd.madd<f32>(a1, b8, c18);
            const b9 = v128.load(b, 144);
            c09 = simd.madd<f32>(a0, b9, c09);
            c19 = simd.madd<f32>(a1, b9, c19);
            const ba = v128.load(b, 160);
            c0a = simd.madd<f32>(a0, ba, c0a);
            c1a = simd.madd<f32>(a1, ba, c1a);
            const bb = v128.load(b, 176);
            c0b = simd.madd<f32>(a0, bb, c0b);
            c1b = simd.madd<f32>(a1, bb, c1b);
          }
          b += pitch;
        }
      }
      v128.store(r0, c00);
      v128.store(r0, c01, 16);
      v128.store(r0, c02, 32);
      v128.store(r0, c03, 48);
      v128.store(r0, c04, 64);
      if (ASC_FEATURE_RELAXED_SIMD) v128.store(r0, c05, 80);
      if (Variant.wide) {
        v128.store(r0, c06, 96);
        v128.store(r0, c07, 112);
        v128.store(r0, c08, 128);
        v128.store(r0, c09, 144);
        v128.store(r0, c0a, 160);
        v128.store(r0, c0b, 176);
      }
      v128.store(r1, c10);
      v128.store(r1, c11, 16);
      v128.store(r1, c12, 32);
      v128.store(r1, c13, 48);
      v128.store(r1, c14, 64);
      if (ASC_FEATURE_RELAXED_SIMD) v128.store(r1, c15, 80);
      if (Variant.wide) {
        v128.store(r1, c16, 96);
        v128.store(r1, c17, 112);
        v128.store(r1, c18, 128);
        v128.store(r1, c19, 144);
        v128.store(r1, c1a, 160);
        v128.store(r1, c1b, 176);
      }
    }
    bPtr += implicitTile.stripBytes;
    cPtr += implicitTile.stripBytes;
  }
}
