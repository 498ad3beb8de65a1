/** The products of the Toom-Cook paths: one per point. */

import { pair, runTiles } from '../gemm/microkernel';
import { ConvParams } from '../params';
import { winograd } from './winograd_tiles';

/**
 * C of a slab, or with `accumulate` what is added to it, of `kc` steps of K: a product for each point, of the tiles of
 * A that are not zero there. What the others would give is zero in the first strip, and in all of them where they share
 * rows; gradWeight, whose strips follow one another, has no tap that reads it.
 *
 * @param aPtr panels of A, all of one point after those of another
 * @param bStep bytes from a strip of B to the next, `bPointBytes` to the next point
 * @param rowBytes from a row of C to the next, `cStep` to the next strip
 */
export function multiply(
  p: ConvParams,
  kc: i32,
  strips: i32,
  aPtr: usize,
  bPtr: usize,
  bStep: i32,
  bPointBytes: i32,
  cPtr: usize,
  rowBytes: i32,
  cStep: i32,
  accumulate: bool,
): void {
  const points = winograd.allPoints(p);
  const tileBytes = p.mr * rowBytes;
  for (let point = 0; point < points; point++) {
    let zeros = 0; // first tile that is
    const runsEnd = p.runTablePtr + (load<i32>(p.blockTablePtr + (point << 2), 4) << 3);
    for (let run = p.runTablePtr + (load<i32>(p.blockTablePtr + (point << 2)) << 3); run < runsEnd; run += 8) {
      const tile = load<i32>(run);
      const tiles = load<i32>(run, 4) - tile;
      const runPtr = cPtr + tile * tileBytes;
      memory.fill(cPtr + zeros * tileBytes, 0, (tile - zeros) * tileBytes);
      const a = aPtr + tile * p.mr * kc * 4;
      let b = bPtr;
      for (let strip = 0, count = 1; strip < strips; strip += count) {
        const c = runPtr + strip * cStep;
        if (Variant.wide && strip + 1 < strips) {
          pair.runTiles(p.mr, tiles, kc, a, b, bStep, p.rowOffsetPtr, c, accumulate);
          count = 2;
        } else {
          runTiles(4, p.mr, tiles, kc, a, b, p.rowOffsetPtr, c, accumulate, 16);
          if (Variant.wide) count = 1;
        }
        b += bStep * count;
      }
      zeros = tile + tiles;
    }
    memory.fill(cPtr + zeros * tileBytes, 0, (p.tiles - zeros) * tileBytes);
    aPtr += p.tiles * p.mr * kc * 4;
    bPtr += bPointBytes;
    cPtr += p.pointStride * 4;
  }
}
