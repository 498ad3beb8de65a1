/**
 * Tiles of the Toom-Cook (Winograd) algorithm. Along an axis whose taps shift by at most 1 or 2 plane elements, a tile
 * of 3 or 2 results takes 4 inputs and 4 products, one for each of the points 0, 1, −1, ∞, instead of 6:
 *
 *   y = Aᵀ [ (G g) ⊙ (Bᵀ d) ],  d = four inputs from maxShift before the tile on,  g = the taps, the largest shift first
 *
 *   Bᵀ = 1  0 −1  0     F(3, 2):  G = 1  0    Aᵀ = 1 1  1  0     F(2, 3):  G = 1  0  0    Aᵀ = 1 1  1  0
 *        0  1  1  0                   ½  ½         0 1 −1  0                   ½  ½  ½         0 1 −1 −1
 *        0 −1  1  0                   ½ −½         0 1  1 −1                   ½ −½  ½
 *        0  1  0 −1                   0  1                                     0  0  1
 *
 * Axes nest. An axis without shifts has one point, and tiles of one element. (Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2016; F(3, 2) is the same construction for two taps.)
 */

import { ConvParams } from '../params';
import { Box, boxes } from './box';

/** Where a tile begins: bytes into the lines of the input, and into the planes of a channel's first phase. */
@unmanaged
export class WinogradTile {
  lineOffset: i32;
  planeOffset: i32;

  @inline static get bytes(): i32 {
    return 8;
  }
}

/** What K runs over beside channels: phases of a side with a stride, read from there. */
@unmanaged
export class WinogradSource {
  /** Elements from a channel's first element to coordinate 0, which need not exist. */
  offset: i32;

  /** Coordinates that exist. */
  @inline get exists(): Box {
    return changetype<Box>(changetype<usize>(this) + 4);
  }

  @inline static of(p: ConvParams, index: i32): WinogradSource {
    return changetype<WinogradSource>(p.tapTablePtr + index * 28);
  }
}

export class winograd {
  /** Results per tile along an axis. The twin of `tileLength` in src/plan/winograd_tiles.ts. */
  @inline static length(maxShift: i32): i32 {
    return maxShift > 0 ? 4 - maxShift : 1;
  }

  /** Products per tile along an axis. */
  @inline static points(maxShift: i32): i32 {
    return maxShift > 0 ? 4 : 1;
  }

  @inline static allPoints(p: ConvParams): i32 {
    return 4 * winograd.points(p.maxShiftD) * winograd.points(p.maxShiftH);
  }

  /** Four tiles of a row of four points, for channels that are neighbours. The twin of `roomBytes` in src/plan/winograd_tiles.ts. */
  @inline static roomBytes(p: ConvParams): i32 {
    return 16 * p.lineChannels * 4;
  }

  /** Makes `tiled` the box with whole tiles. */
  static roundUp(p: ConvParams, box: Box, tiled: Box): void {
    for (let axis = 0; axis < 3; axis++) {
      const length = winograd.length(boxes.along(p, axis).maxShiftD);
      const from = box.along(axis);
      const to = tiled.along(axis);
      to.d0 = from.d0;
      to.d1 = from.d0 + ((from.d1 - from.d0 + length - 1) / length) * length;
    }
  }

  /** Lists `count` lines as tiles are listed; from `existing` on they are the last one that exists. */
  static listLines(count: i32, existing: i32, lineBytes: i32, tablePtr: usize): void {
    for (let i = 0; i < count; i++) store<i32>(tablePtr + i * WinogradTile.bytes, min(i, existing - 1) * lineBytes);
  }

  /**
   * Lists the tiles of `images` boxes, W fastest, and fills the last strip of eight up with the first. Returns how many.
   *
   * @param together channels of a position that lie side by side in a line
   */
  static list(
    p: ConvParams,
    tiled: Box,
    images: i32,
    lineBytes: i32,
    together: i32,
    imageBytes: i32,
    tablePtr: usize,
  ): i32 {
    const lengthD = winograd.length(p.maxShiftD);
    const lengthH = winograd.length(p.maxShiftH);
    const lengthW = winograd.length(p.maxShiftW);
    let tiles = 0;
    let at = tablePtr;
    for (let image = 0; image < images; image++) {
      for (let d = 0; d < tiled.slices; d += lengthD) {
        for (let h = 0; h < tiled.rows; h += lengthH) {
          for (let w = 0; w < tiled.columns; w += lengthW) {
            const tile = changetype<WinogradTile>(at);
            const position = d * p.paddedSlice + h * p.linePeriod + w;
            tile.lineOffset = image * p.lineChannels * lineBytes + 4 * position * together;
            tile.planeOffset = image * imageBytes + 4 * (d * p.planeSlice + h * p.planeRow + w);
            at += WinogradTile.bytes;
            tiles++;
          }
        }
      }
    }
    for (let i = tiles; (i & 7) != 0; i++) {
      changetype<WinogradTile>(at).lineOffset = changetype<WinogradTile>(tablePtr).lineOffset;
      at += WinogradTile.bytes;
    }
    return tiles;
  }
}
