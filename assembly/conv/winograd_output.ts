/** Aᵀ of the products of every tile, to phase planes. */

import { ConvParams } from '../params';
import { winograd, WinogradTile } from './winograd_tiles';

export class winogradOutput {
  /**
   * Sums up the points along D, in place: results take the place of the first points. All of a point D lies together,
   * `bytes` of it.
   */
  static sumDepth(p: ConvParams, cPtr: usize, bytes: i32): void {
    const three = winograd.length(p.maxShiftD) == 3;
    for (const end = cPtr + bytes; cPtr < end; cPtr += 16) {
      const m0 = v128.load(cPtr);
      const m1 = v128.load(cPtr + bytes);
      const m2 = v128.load(cPtr + 2 * bytes);
      const m3 = v128.load(cPtr + 3 * bytes);
      const sum = f32x4.add(m1, m2);
      const difference = f32x4.sub(m1, m2);
      v128.store(cPtr, f32x4.add(m0, sum));
      v128.store(cPtr + bytes, three ? difference : f32x4.sub(difference, m3));
      if (three) v128.store(cPtr + 2 * bytes, f32x4.sub(sum, m3));
    }
  }

  /**
   * Transforms `tiles` tiles of one row of C and one result along D.
   *
   * @param pointBytes from a point to the next
   * @param planePtr where offset 0 of tiles is
   * @param largest of the bits of all absolute values so far, per lane
   * @returns the same with those of this row
   */
  static row(
    p: ConvParams,
    tablePtr: usize,
    tiles: i32,
    cPtr: usize,
    pointBytes: i32,
    planePtr: usize,
    largest: v128,
  ): v128 {
    const lengthH = winograd.length(p.maxShiftH);
    const threeW = winograd.length(p.maxShiftW) == 3;
    const rowBytes = p.planeRow * 4;
    for (; tiles > 0; tiles -= 4) {
      for (let h = 0; h < lengthH; h++) {
        const m0 = winogradOutput.result(cPtr, 4 * pointBytes, h, lengthH);
        const m1 = winogradOutput.result(cPtr + pointBytes, 4 * pointBytes, h, lengthH);
        const m2 = winogradOutput.result(cPtr + 2 * pointBytes, 4 * pointBytes, h, lengthH);
        const m3 = winogradOutput.result(cPtr + 3 * pointBytes, 4 * pointBytes, h, lengthH);
        const sum = f32x4.add(m1, m2);
        const difference = f32x4.sub(m1, m2);
        const y0 = f32x4.add(m0, sum);
        const y1 = threeW ? difference : f32x4.sub(difference, m3);
        const y2 = threeW ? f32x4.sub(sum, m3) : y1;
        largest = winogradOutput.larger(winogradOutput.larger(winogradOutput.larger(largest, y0), y1), y2);
        // a tile is stored as four numbers, of which its neighbour, or the end of the row, takes the last ones
        const ab0 = v128.shuffle<f32>(y0, y1, 0, 4, 1, 5);
        const ab1 = v128.shuffle<f32>(y0, y1, 2, 6, 3, 7);
        const cd0 = v128.shuffle<f32>(y2, y2, 0, 0, 1, 1);
        const cd1 = v128.shuffle<f32>(y2, y2, 2, 2, 3, 3);
        const to = planePtr + h * rowBytes;
        v128.store(to + load<i32>(tablePtr, 4), v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
        if (tiles > 1) v128.store(to + load<i32>(tablePtr, 12), v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
        if (tiles > 2) v128.store(to + load<i32>(tablePtr, 20), v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5));
        if (tiles > 3) v128.store(to + load<i32>(tablePtr, 28), v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7));
      }
      tablePtr += 4 * WinogradTile.bytes;
      cPtr += 16;
    }
    return largest;
  }

  /** Row h of Aᵀ times the points along H. */
  @inline private static result(ptr: usize, step: i32, h: i32, length: i32): v128 {
    if (length == 1) return v128.load(ptr);
    const m1 = v128.load(ptr + step);
    const m2 = v128.load(ptr + 2 * step);
    if (h == 0) return f32x4.add(v128.load(ptr), f32x4.add(m1, m2));
    if (h == 2) return f32x4.sub(f32x4.add(m1, m2), v128.load(ptr + 3 * step));
    const difference = f32x4.sub(m1, m2);
    return length == 3 ? difference : f32x4.sub(difference, v128.load(ptr + 3 * step));
  }

  /** By bits, as integers: NaN and infinities are the largest. */
  @inline private static larger(largest: v128, value: v128): v128 {
    return i32x4.max_u(largest, v128.and(value, i32x4.splat(0x7fffffff)));
  }

  /** True when a lane of `largest`, see `row`, is NaN or infinite. */
  @inline static nonFinite(largest: v128): bool {
    return v128.any_true(i32x4.ge_u(largest, i32x4.splat(0x7f800000)));
  }
}
