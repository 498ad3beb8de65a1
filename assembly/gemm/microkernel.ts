/**
 * Micro-kernels mr x nr, nr = two vectors (8 f32 or 4 f64), for mr = 4, of f32 also 5 and 6:
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
 * multiply-add is one instruction. C is loaded before the loop and k is not unrolled, because
 * V8 spills otherwise; each accumulator is its own variable for the same reason.
 */

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
  if (bytes == 8) tiles4<f64>(tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else if (mr == 6) tiles6(tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else if (mr == 5) tiles5(tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
  else tiles4<f32>(tiles, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, split);
}

function tiles6(
  tiles: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
  split: usize,
): void {
  for (; tiles > 0; tiles--) {
    const r0 = cPtr + load<i32>(rowOffsetPtr);
    const r1 = cPtr + load<i32>(rowOffsetPtr, 4);
    const r2 = cPtr + load<i32>(rowOffsetPtr, 8);
    const r3 = cPtr + load<i32>(rowOffsetPtr, 12);
    const r4 = cPtr + load<i32>(rowOffsetPtr, 16);
    const r5 = cPtr + load<i32>(rowOffsetPtr, 20);
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
    if (accumulate) {
      c00 = v128.load(r0);
      c01 = v128.load(r0 + split);
      c10 = v128.load(r1);
      c11 = v128.load(r1 + split);
      c20 = v128.load(r2);
      c21 = v128.load(r2 + split);
      c30 = v128.load(r3);
      c31 = v128.load(r3 + split);
      c40 = v128.load(r4);
      c41 = v128.load(r4 + split);
      c50 = v128.load(r5);
      c51 = v128.load(r5 + split);
    }
    let b = bPtr;
    for (let k = kc; k > 0; k--) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(aPtr);
      c00 = simd.madd<f32>(a0, b0, c00);
      c01 = simd.madd<f32>(a0, b1, c01);
      const a1 = v128.load32_splat(aPtr, 4);
      c10 = simd.madd<f32>(a1, b0, c10);
      c11 = simd.madd<f32>(a1, b1, c11);
      const a2 = v128.load32_splat(aPtr, 8);
      c20 = simd.madd<f32>(a2, b0, c20);
      c21 = simd.madd<f32>(a2, b1, c21);
      const a3 = v128.load32_splat(aPtr, 12);
      c30 = simd.madd<f32>(a3, b0, c30);
      c31 = simd.madd<f32>(a3, b1, c31);
      const a4 = v128.load32_splat(aPtr, 16);
      c40 = simd.madd<f32>(a4, b0, c40);
      c41 = simd.madd<f32>(a4, b1, c41);
      const a5 = v128.load32_splat(aPtr, 20);
      c50 = simd.madd<f32>(a5, b0, c50);
      c51 = simd.madd<f32>(a5, b1, c51);
      aPtr += 24;
      b += 32;
    }
    v128.store(r0, c00);
    v128.store(r0 + split, c01);
    v128.store(r1, c10);
    v128.store(r1 + split, c11);
    v128.store(r2, c20);
    v128.store(r2 + split, c21);
    v128.store(r3, c30);
    v128.store(r3 + split, c31);
    v128.store(r4, c40);
    v128.store(r4 + split, c41);
    v128.store(r5, c50);
    v128.store(r5 + split, c51);
    rowOffsetPtr += 24;
  }
}

function tiles5(
  tiles: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
  split: usize,
): void {
  for (; tiles > 0; tiles--) {
    const r0 = cPtr + load<i32>(rowOffsetPtr);
    const r1 = cPtr + load<i32>(rowOffsetPtr, 4);
    const r2 = cPtr + load<i32>(rowOffsetPtr, 8);
    const r3 = cPtr + load<i32>(rowOffsetPtr, 12);
    const r4 = cPtr + load<i32>(rowOffsetPtr, 16);
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
    if (accumulate) {
      c00 = v128.load(r0);
      c01 = v128.load(r0 + split);
      c10 = v128.load(r1);
      c11 = v128.load(r1 + split);
      c20 = v128.load(r2);
      c21 = v128.load(r2 + split);
      c30 = v128.load(r3);
      c31 = v128.load(r3 + split);
      c40 = v128.load(r4);
      c41 = v128.load(r4 + split);
    }
    let b = bPtr;
    for (let k = kc; k > 0; k--) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(aPtr);
      c00 = simd.madd<f32>(a0, b0, c00);
      c01 = simd.madd<f32>(a0, b1, c01);
      const a1 = v128.load32_splat(aPtr, 4);
      c10 = simd.madd<f32>(a1, b0, c10);
      c11 = simd.madd<f32>(a1, b1, c11);
      const a2 = v128.load32_splat(aPtr, 8);
      c20 = simd.madd<f32>(a2, b0, c20);
      c21 = simd.madd<f32>(a2, b1, c21);
      const a3 = v128.load32_splat(aPtr, 12);
      c30 = simd.madd<f32>(a3, b0, c30);
      c31 = simd.madd<f32>(a3, b1, c31);
      const a4 = v128.load32_splat(aPtr, 16);
      c40 = simd.madd<f32>(a4, b0, c40);
      c41 = simd.madd<f32>(a4, b1, c41);
      aPtr += 20;
      b += 32;
    }
    v128.store(r0, c00);
    v128.store(r0 + split, c01);
    v128.store(r1, c10);
    v128.store(r1 + split, c11);
    v128.store(r2, c20);
    v128.store(r2 + split, c21);
    v128.store(r3, c30);
    v128.store(r3 + split, c31);
    v128.store(r4, c40);
    v128.store(r4 + split, c41);
    rowOffsetPtr += 20;
  }
}

function tiles4<T>(
  tiles: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
  split: usize,
): void {
  for (; tiles > 0; tiles--) {
    const r0 = cPtr + load<i32>(rowOffsetPtr);
    const r1 = cPtr + load<i32>(rowOffsetPtr, 4);
    const r2 = cPtr + load<i32>(rowOffsetPtr, 8);
    const r3 = cPtr + load<i32>(rowOffsetPtr, 12);
    let c00 = i32x4.splat(0);
    let c01 = i32x4.splat(0);
    let c10 = i32x4.splat(0);
    let c11 = i32x4.splat(0);
    let c20 = i32x4.splat(0);
    let c21 = i32x4.splat(0);
    let c30 = i32x4.splat(0);
    let c31 = i32x4.splat(0);
    if (accumulate) {
      c00 = v128.load(r0);
      c01 = v128.load(r0 + split);
      c10 = v128.load(r1);
      c11 = v128.load(r1 + split);
      c20 = v128.load(r2);
      c21 = v128.load(r2 + split);
      c30 = v128.load(r3);
      c31 = v128.load(r3 + split);
    }
    let b = bPtr;
    for (let k = kc; k > 0; k--) {
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
      aPtr += 4 * sizeof<T>();
      b += 32;
    }
    v128.store(r0, c00);
    v128.store(r0 + split, c01);
    v128.store(r1, c10);
    v128.store(r1 + split, c11);
    v128.store(r2, c20);
    v128.store(r2 + split, c21);
    v128.store(r3, c30);
    v128.store(r3 + split, c31);
    rowOffsetPtr += 16;
  }
}
