/**
 * The tile of the implicit GEMM for channels that are neighbours in memory, where no tap shifts: inputs are multiplied
 * where they lie, a channel of a position with four rows of A. Sums are in the order of implicit_tile.ts.
 */

import { transpose } from '../gemm/packing';
import { ConvParams } from '../params';
import { simd } from '../simd';

/**
 * Positions of a round: four tiles of eight, with more of which registers spill. The twin of `TURNED_POSITIONS` in
 * src/plan/implicit_boxes.ts.
 */
export const ROUND: i32 = 32;
/** Bytes of its results: four rows. */
export const ROOM: i32 = 16 * ROUND;

/**
 * Writes C of float32: planes of `tiles` pairs of rows, and `positions` columns of them, at least `ROUND`.
 *
 * The positions of a tile are far apart, so that memory is read in eight streams, each in order: one alone comes at half
 * the speed. Four tiles make four neighbours of each.
 *
 * @param bPtr first channel of the first position
 * @param tilePtr room for `ROUND` positions of four rows
 */
export function runTurned(p: ConvParams, positions: i32, aPtr: usize, bPtr: usize, cPtr: usize, tilePtr: usize): void {
  const pitch = p.inputStrideW << 2;
  const rowStep = p.planeSize << 2;
  for (let left = positions; left > 0;) {
    // the last round may overlap the one before
    const own = max(left, ROUND);
    const begin = positions - own;
    // streams begin an odd number of fours apart, so that they do not fall into the same lines of L1
    const apart = ((own / ROUND - 1) | 1) << 2;
    const step = apart * pitch;
    left = own - 8 * apart;
    for (let q = begin; q < begin + apart; q += 4) {
      for (let tile = 0; tile < p.tiles; tile += 2) {
        const pairs = min(p.tiles - tile, 2);
        let position = bPtr + q * pitch;
        for (let to = tilePtr; to < tilePtr + ROOM; to += ROOM / 4) {
          let b = position;
          let block = aPtr;
          let c0 = i32x4.splat(0);
          let c1 = i32x4.splat(0);
          let c2 = i32x4.splat(0);
          let c3 = i32x4.splat(0);
          let c4 = i32x4.splat(0);
          let c5 = i32x4.splat(0);
          let c6 = i32x4.splat(0);
          let c7 = i32x4.splat(0);
          for (let k = p.depth; k > 0; k -= p.kc) {
            const count = min(p.kc, k);
            let a = block + ((tile * count) << 3);
            const toOther = ((pairs - 1) * count) << 3;
            block += (p.tiles * count) << 3;
            for (const end = a + (count << 3); a < end; a += 8) {
              const rows = v128.load64_lane(a + toOther, v128.load64_zero(a), 1);
              let x = b;
              c0 = simd.madd<f32>(v128.load32_splat(x), rows, c0);
              x += step;
              c1 = simd.madd<f32>(v128.load32_splat(x), rows, c1);
              x += step;
              c2 = simd.madd<f32>(v128.load32_splat(x), rows, c2);
              x += step;
              c3 = simd.madd<f32>(v128.load32_splat(x), rows, c3);
              x += step;
              c4 = simd.madd<f32>(v128.load32_splat(x), rows, c4);
              x += step;
              c5 = simd.madd<f32>(v128.load32_splat(x), rows, c5);
              x += step;
              c6 = simd.madd<f32>(v128.load32_splat(x), rows, c6);
              x += step;
              c7 = simd.madd<f32>(v128.load32_splat(x), rows, c7);
              b += 4;
            }
          }
          position += pitch;
          v128.store(to, c0);
          v128.store(to, c1, 16);
          v128.store(to, c2, 32);
          v128.store(to, c3, 48);
          v128.store(to, c4, 64);
          v128.store(to, c5, 80);
          v128.store(to, c6, 96);
          v128.store(to, c7, 112);
        }
        let rowPtr = cPtr + (q << 2) + 2 * tile * rowStep;
        for (let from = tilePtr; from < tilePtr + ROOM / 4; from += 16) {
          transpose(from, ROOM / 4, 4, 2 * pairs, rowPtr, rowStep, 4);
          rowPtr += apart << 2;
        }
      }
    }
  }
}
