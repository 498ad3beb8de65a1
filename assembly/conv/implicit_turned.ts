/**
 * The tile of the implicit GEMM for channels that are neighbours in memory, where no tap shifts: inputs are multiplied
 * where they lie, a channel of a position with four rows of A. Sums are in the order of implicit_tile.ts.
 */

import { transpose } from '../gemm/packing';
import { simd } from '../simd';

/** Positions of a tile: with more, registers spill. The twin of `TURNED_POSITIONS` in src/plan/implicit_boxes.ts. */
const POSITIONS: i32 = 8;

/**
 * Writes C of float32: rows of `tiles` pairs, `rowStep` bytes apart, and `positions` columns, at least eight.
 *
 * @param depth channels, kc of which are a block of A
 * @param bPtr first channel of the first position; the next one is `pitch` bytes further
 * @param tilePtr room for 128 bytes
 */
export function runTurned(
  positions: i32,
  tiles: i32,
  depth: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  pitch: usize,
  cPtr: usize,
  rowStep: usize,
  tilePtr: usize,
): void {
  // the last tile overlaps the one before when there is no multiple of eight
  for (
    let q = 0;
    q < positions;
    q = q + POSITIONS < positions ? min(q + POSITIONS, positions - POSITIONS) : positions
  ) {
    for (let tile = 0; tile < tiles; tile += 2) {
      const pairs = min(tiles - tile, 2);
      let b = bPtr + <usize>q * pitch;
      let block = aPtr;
      let c0 = i32x4.splat(0);
      let c1 = i32x4.splat(0);
      let c2 = i32x4.splat(0);
      let c3 = i32x4.splat(0);
      let c4 = i32x4.splat(0);
      let c5 = i32x4.splat(0);
      let c6 = i32x4.splat(0);
      let c7 = i32x4.splat(0);
      for (let left = depth; left > 0; left -= kc) {
        const count = min(kc, left);
        let a = block + ((tile * count) << 3);
        const toOther = ((pairs - 1) * count) << 3;
        block += (tiles * count) << 3;
        for (const end = a + (count << 3); a < end; a += 8) {
          const rows = v128.load64_lane(a + toOther, v128.load64_zero(a), 1);
          let x = b;
          c0 = simd.madd<f32>(v128.load32_splat(x), rows, c0);
          x += pitch;
          c1 = simd.madd<f32>(v128.load32_splat(x), rows, c1);
          x += pitch;
          c2 = simd.madd<f32>(v128.load32_splat(x), rows, c2);
          x += pitch;
          c3 = simd.madd<f32>(v128.load32_splat(x), rows, c3);
          x += pitch;
          c4 = simd.madd<f32>(v128.load32_splat(x), rows, c4);
          x += pitch;
          c5 = simd.madd<f32>(v128.load32_splat(x), rows, c5);
          x += pitch;
          c6 = simd.madd<f32>(v128.load32_splat(x), rows, c6);
          x += pitch;
          c7 = simd.madd<f32>(v128.load32_splat(x), rows, c7);
          b += 4;
        }
      }
      v128.store(tilePtr, c0);
      v128.store(tilePtr, c1, 16);
      v128.store(tilePtr, c2, 32);
      v128.store(tilePtr, c3, 48);
      v128.store(tilePtr, c4, 64);
      v128.store(tilePtr, c5, 80);
      v128.store(tilePtr, c6, 96);
      v128.store(tilePtr, c7, 112);
      transpose(tilePtr, 16, POSITIONS, 2 * pairs, cPtr + (q << 2) + <usize>(2 * tile) * rowStep, rowStep, 4);
    }
  }
}
