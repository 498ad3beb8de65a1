/**
 * Tiles that do not fit C: the last rows of M, the last columns of a strip, and columns that are not
 * contiguous in memory. They are computed in a buffer of mr x nr and moved element by element.
 */

import { simd } from '../simd';
import { runTiles } from './microkernel';

export class edge {
  /** Bytes of the buffer that `runStrip` needs: the tile, its row offsets. */
  @inline static bufferBytes(mr: i32): usize {
    return <usize>mr * 36;
  }

  /**
   * All tiles of a block of A for one strip of B.
   *
   * @param rows rows of C that exist, of tiles · mr
   * @param rowOffsetPtr byte offset of each row of C; not read past `rows`, rounded up to mr
   * @param tilePtr buffer for tiles that are not dense
   */
  static runStrip<T>(
    mr: i32,
    rows: i32,
    kc: i32,
    aPtr: usize,
    bPtr: usize,
    rowOffsetPtr: usize,
    cPtr: usize,
    accumulate: bool,
    dense: bool,
    columns: i32,
    columnOffsetsPtr: usize,
    tilePtr: usize,
  ): void {
    if (!ASC_NO_ASSERT) {
      assert(rows > 0 && kc > 0 && columns > 0 && columns <= <i32>simd.nr<T>());
    }
    const full = dense ? rows / mr : 0;
    if (full > 0) runTiles<T>(mr, full, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, 16);
    const offsetsPtr = tilePtr + <usize>mr * 32;
    for (let r = 0; r < mr; r++) store<i32>(offsetsPtr + ((<usize>r) << 2), r * 32);
    for (let row = full * mr; row < rows; row += mr) {
      const existing = min(mr, rows - row);
      const rowPtr = rowOffsetPtr + ((<usize>row) << 2);
      if (accumulate) moveTile<T>(tilePtr, existing, columns, rowPtr, columnOffsetsPtr, cPtr, true);
      runTiles<T>(mr, 1, kc, aPtr + <usize>(row * kc) * sizeof<T>(), bPtr, offsetsPtr, tilePtr, accumulate, 16);
      moveTile<T>(tilePtr, existing, columns, rowPtr, columnOffsetsPtr, cPtr, false);
    }
  }

  /** Byte offsets of nr contiguous columns. */
  static contiguousColumns<T>(offsetsPtr: usize): void {
    for (let c: usize = 0; c < simd.nr<T>(); c++) store<i32>(offsetsPtr + (c << 2), <i32>(c * sizeof<T>()));
  }
}

/** Between C and the buffer, existing elements only. */
function moveTile<T>(
  tilePtr: usize,
  rows: i32,
  columns: i32,
  rowOffsetPtr: usize,
  columnOffsetsPtr: usize,
  cPtr: usize,
  fromC: bool,
): void {
  for (let r = 0; r < rows; r++) {
    const rowPtr = cPtr + load<i32>(rowOffsetPtr + ((<usize>r) << 2));
    for (let c = 0; c < columns; c++) {
      const elementPtr = rowPtr + load<i32>(columnOffsetsPtr + ((<usize>c) << 2));
      const bufferPtr = tilePtr + <usize>r * 32 + <usize>c * sizeof<T>();
      if (fromC) store<T>(bufferPtr, load<T>(elementPtr));
      else store<T>(elementPtr, load<T>(bufferPtr));
    }
  }
}
