/**
 * Micro-kernels mr x nr, nr = two vectors (8 f32 or 4 f64), for mr = 4, of f32 also 5 (not in the wide variant) and 6:
 *
 *   C[r] = (accumulate ? C[r] : 0) + A~ * B~     over kc rank-1 updates, for `tiles` tiles in a row
 *
 *   A~ micro-panel: kc x mr, column p holds rows ir … ir + mr − 1 of A; panels follow one another
 *   B~ micro-panel: kc x nr, row p holds columns jr … jr + nr − 1 of B; the same for all tiles
 *   C row r is two vectors at cPtr + rowOffset[r] (bytes), the second one `split` bytes on (16: contiguous): col2im
 *   is this address
 *
 * Requires panels padded to full width, and C rows of one tile that do not overlap.
 * x64 has 16 vector registers: 6 x 2 accumulators, two of B, one of A fit exactly when
 * multiply-add is one instruction. C is loaded before the loop, because V8 spills otherwise; each accumulator is its own
 * variable for the same reason. The loop over k ends where a pointer reaches the end of its panel: V8 unrolls that.
 *
 * In the wide variant two strips of B are one of twice the width: V8 joins neighbouring vectors to one of 256 bits, and
 * the registers hold as many of those.
 */

import { address } from '../address';
import { simd } from '../simd';

/** Loop 1 (ir) around the micro-kernel of height `mr` for elements of `bytes`. */
export function runTiles(
  bytes: i32,
  mr: i32,
  tiles: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
  split: usize,
): void {
  if (!ASC_NO_ASSERT) {
    assert(kc > 0 && (bytes == 4 || mr == 4));
  }
  aPtr = address.extended(aPtr);
  bPtr = address.extended(bPtr);
  address.addOffsets(bPtr);
  if (bytes == 8) tile.run<f64>(4, tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else if (mr == 6) tile.run<f32>(6, tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else if (!Variant.wide && mr == 5) tile.run<f32>(5, tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else tile.run<f32>(4, tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
}

export class pair {
  @inline static get columns(): i32 {
    return 16;
  }

  /** Whether so many columns are two strips. */
  @inline static is(columns: i32): bool {
    return Variant.wide && columns == pair.columns;
  }

  /**
   * As `runTiles`, of f32 and for two strips of B, `bStep` bytes apart, whose rows of C follow one another. An element
   * of C is the same sum, in the order of tiles.
   */
  static runTiles(
    mr: i32,
    tiles: i32,
    kc: i32,
    aPtr: usize,
    bPtr: usize,
    bStep: usize,
    rowOffsetPtr: usize,
    cPtr: usize,
    accumulate: bool,
  ): void {
    aPtr = address.extended(aPtr);
    bPtr = address.extended(bPtr);
    address.addOffsets(bPtr);
    if (mr == 6) tile.runPair(6, tiles, kc, aPtr, bPtr, bStep, rowOffsetPtr, cPtr, accumulate);
    else tile.runPair(4, tiles, kc, aPtr, bPtr, bStep, rowOffsetPtr, cPtr, accumulate);
  }
}

/** The loops of a height, which is a constant of each call. */
class tile {
  @inline static run<T>(
    mr: i32,
    tiles: i32,
    kc: i32,
    aPtr: usize,
    bPtr: usize,
    rowOffsetPtr: usize,
    cPtr: usize,
    accumulate: bool,
    split: usize,
  ): void {
    const keep = i32x4.splat(accumulate ? -1 : 0); // in the wide variant, to be as small as it has to be
    const panelBytes = <usize>(kc * mr) * sizeof<T>();
    for (; tiles > 0; tiles--) {
      const r0 = cPtr + load<i32>(rowOffsetPtr, 0);
      const r1 = cPtr + load<i32>(rowOffsetPtr, 4);
      const r2 = cPtr + load<i32>(rowOffsetPtr, 8);
      const r3 = cPtr + load<i32>(rowOffsetPtr, 12);
      const r4 = mr > 4 ? cPtr + load<i32>(rowOffsetPtr, 16) : 0;
      const r5 = mr > 5 ? cPtr + load<i32>(rowOffsetPtr, 20) : 0;
      let c00 = i32x4.splat(0);
      let c01 = i32x4.splat(0);
      let c10 = i32x4.splat(0);
      let c11 = i32x4.splat(0);
      let c20 = i32x4.splat(0);
      let c21 = i32x4.splat(0);
      let c30 = i32x4.splat(0);
      let c31 = i32x4.splat(0);
      let c40 = i32x4.splat(0);
      let c41 = i32x4.splat(0);
      let c50 = i32x4.splat(0);
      let c51 = i32x4.splat(0);
      if (Variant.wide || accumulate) {
        c00 = v128.load(r0);
        c01 = v128.load(r0 + split);
        c10 = v128.load(r1);
        c11 = v128.load(r1 + split);
        c20 = v128.load(r2);
        c21 = v128.load(r2 + split);
        c30 = v128.load(r3);
        c31 = v128.load(r3 + split);
        if (mr > 4) {
          c40 = v128.load(r4);
          c41 = v128.load(r4 + split);
        }
        if (mr > 5) {
          c50 = v128.load(r5);
          c51 = v128.load(r5 + split);
        }
      }
      if (Variant.wide) {
        c00 = v128.and(c00, keep);
        c01 = v128.and(c01, keep);
        c10 = v128.and(c10, keep);
        c11 = v128.and(c11, keep);
        c20 = v128.and(c20, keep);
        c21 = v128.and(c21, keep);
        c30 = v128.and(c30, keep);
        c31 = v128.and(c31, keep);
        if (mr > 4) {
          c40 = v128.and(c40, keep);
          c41 = v128.and(c41, keep);
        }
        if (mr > 5) {
          c50 = v128.and(c50, keep);
          c51 = v128.and(c51, keep);
        }
      }
      const end = aPtr + panelBytes;
      let b = bPtr;
      do {
        const b0 = v128.load(b);
        const b1 = v128.load(b, 16);
        const a0 = v128.load_splat<T>(aPtr);
        c00 = simd.madd<T>(a0, b0, c00);
        c01 = simd.madd<T>(a0, b1, c01);
        const a1 = v128.load_splat<T>(aPtr, 1 * sizeof<T>());
        c10 = simd.madd<T>(a1, b0, c10);
        c11 = simd.madd<T>(a1, b1, c11);
        const a2 = v128.load_splat<T>(aPtr, 2 * sizeof<T>());
        c20 = simd.madd<T>(a2, b0, c20);
        c21 = simd.madd<T>(a2, b1, c21);
        const a3 = v128.load_splat<T>(aPtr, 3 * sizeof<T>());
        c30 = simd.madd<T>(a3, b0, c30);
        c31 = simd.madd<T>(a3, b1, c31);
        if (mr > 4) {
          const a4 = v128.load_splat<T>(aPtr, 4 * sizeof<T>());
          c40 = simd.madd<T>(a4, b0, c40);
          c41 = simd.madd<T>(a4, b1, c41);
        }
        if (mr > 5) {
          const a5 = v128.load_splat<T>(aPtr, 5 * sizeof<T>());
          c50 = simd.madd<T>(a5, b0, c50);
          c51 = simd.madd<T>(a5, b1, c51);
        }
        aPtr += mr * sizeof<T>();
        b += 32;
      } while (aPtr < end);
      v128.store(r0, c00);
      v128.store(r0 + split, c01);
      v128.store(r1, c10);
      v128.store(r1 + split, c11);
      v128.store(r2, c20);
      v128.store(r2 + split, c21);
      v128.store(r3, c30);
      v128.store(r3 + split, c31);
      if (mr > 4) {
        v128.store(r4, c40);
        v128.store(r4 + split, c41);
      }
      if (mr > 5) {
        v128.store(r5, c50);
        v128.store(r5 + split, c51);
      }
      rowOffsetPtr += mr << 2;
    }
  }

  @inline static runPair(
    mr: i32,
    tiles: i32,
    kc: i32,
    aPtr: usize,
    bPtr: usize,
    bStep: usize,
    rowOffsetPtr: usize,
    cPtr: usize,
    accumulate: bool,
  ): void {
    const keep = i32x4.splat(accumulate ? -1 : 0); // V8 joins nothing that is either loaded or zero
    const panelBytes = <usize>(kc * mr) * sizeof<f32>();
    for (; tiles > 0; tiles--) {
      const r0 = cPtr + load<i32>(rowOffsetPtr, 0);
      const r1 = cPtr + load<i32>(rowOffsetPtr, 4);
      const r2 = cPtr + load<i32>(rowOffsetPtr, 8);
      const r3 = cPtr + load<i32>(rowOffsetPtr, 12);
      const r4 = mr > 4 ? cPtr + load<i32>(rowOffsetPtr, 16) : 0;
      const r5 = mr > 5 ? cPtr + load<i32>(rowOffsetPtr, 20) : 0;
      let c00 = v128.and(v128.load(r0), keep);
      let c01 = v128.and(v128.load(r0, 16), keep);
      let c02 = v128.and(v128.load(r0, 32), keep);
      let c03 = v128.and(v128.load(r0, 48), keep);
      let c10 = v128.and(v128.load(r1), keep);
      let c11 = v128.and(v128.load(r1, 16), keep);
      let c12 = v128.and(v128.load(r1, 32), keep);
      let c13 = v128.and(v128.load(r1, 48), keep);
      let c20 = v128.and(v128.load(r2), keep);
      let c21 = v128.and(v128.load(r2, 16), keep);
      let c22 = v128.and(v128.load(r2, 32), keep);
      let c23 = v128.and(v128.load(r2, 48), keep);
      let c30 = v128.and(v128.load(r3), keep);
      let c31 = v128.and(v128.load(r3, 16), keep);
      let c32 = v128.and(v128.load(r3, 32), keep);
      let c33 = v128.and(v128.load(r3, 48), keep);
      let c40 = mr > 4 ? v128.and(v128.load(r4), keep) : keep;
      let c41 = mr > 4 ? v128.and(v128.load(r4, 16), keep) : keep;
      let c42 = mr > 4 ? v128.and(v128.load(r4, 32), keep) : keep;
      let c43 = mr > 4 ? v128.and(v128.load(r4, 48), keep) : keep;
      let c50 = mr > 5 ? v128.and(v128.load(r5), keep) : keep;
      let c51 = mr > 5 ? v128.and(v128.load(r5, 16), keep) : keep;
      let c52 = mr > 5 ? v128.and(v128.load(r5, 32), keep) : keep;
      let c53 = mr > 5 ? v128.and(v128.load(r5, 48), keep) : keep;
      let b = bPtr;
      const end = aPtr + panelBytes;
      let next = bPtr + bStep;
      do {
        const b0 = v128.load(b);
        const b1 = v128.load(b, 16);
        const b2 = v128.load(next);
        const b3 = v128.load(next, 16);
        const a0 = v128.load_splat<f32>(aPtr);
        c00 = simd.madd<f32>(a0, b0, c00);
        c01 = simd.madd<f32>(a0, b1, c01);
        c02 = simd.madd<f32>(a0, b2, c02);
        c03 = simd.madd<f32>(a0, b3, c03);
        const a1 = v128.load_splat<f32>(aPtr, 1 * sizeof<f32>());
        c10 = simd.madd<f32>(a1, b0, c10);
        c11 = simd.madd<f32>(a1, b1, c11);
        c12 = simd.madd<f32>(a1, b2, c12);
        c13 = simd.madd<f32>(a1, b3, c13);
        const a2 = v128.load_splat<f32>(aPtr, 2 * sizeof<f32>());
        c20 = simd.madd<f32>(a2, b0, c20);
        c21 = simd.madd<f32>(a2, b1, c21);
        c22 = simd.madd<f32>(a2, b2, c22);
        c23 = simd.madd<f32>(a2, b3, c23);
        const a3 = v128.load_splat<f32>(aPtr, 3 * sizeof<f32>());
        c30 = simd.madd<f32>(a3, b0, c30);
        c31 = simd.madd<f32>(a3, b1, c31);
        c32 = simd.madd<f32>(a3, b2, c32);
        c33 = simd.madd<f32>(a3, b3, c33);
        if (mr > 4) {
          const a4 = v128.load_splat<f32>(aPtr, 4 * sizeof<f32>());
          c40 = simd.madd<f32>(a4, b0, c40);
          c41 = simd.madd<f32>(a4, b1, c41);
          c42 = simd.madd<f32>(a4, b2, c42);
          c43 = simd.madd<f32>(a4, b3, c43);
        }
        if (mr > 5) {
          const a5 = v128.load_splat<f32>(aPtr, 5 * sizeof<f32>());
          c50 = simd.madd<f32>(a5, b0, c50);
          c51 = simd.madd<f32>(a5, b1, c51);
          c52 = simd.madd<f32>(a5, b2, c52);
          c53 = simd.madd<f32>(a5, b3, c53);
        }
        aPtr += mr * sizeof<f32>();
        b += 32;
        next += 32;
      } while (aPtr < end);
      v128.store(r0, c00);
      v128.store(r0, c01, 16);
      v128.store(r0, c02, 32);
      v128.store(r0, c03, 48);
      v128.store(r1, c10);
      v128.store(r1, c11, 16);
      v128.store(r1, c12, 32);
      v128.store(r1, c13, 48);
      v128.store(r2, c20);
      v128.store(r2, c21, 16);
      v128.store(r2, c22, 32);
      v128.store(r2, c23, 48);
      v128.store(r3, c30);
      v128.store(r3, c31, 16);
      v128.store(r3, c32, 32);
      v128.store(r3, c33, 48);
      if (mr > 4) {
        v128.store(r4, c40);
        v128.store(r4, c41, 16);
        v128.store(r4, c42, 32);
        v128.store(r4, c43, 48);
      }
      if (mr > 5) {
        v128.store(r5, c50);
        v128.store(r5, c51, 16);
        v128.store(r5, c52, 32);
        v128.store(r5, c53, 48);
      }
      rowOffsetPtr += mr << 2;
    }
  }
}
