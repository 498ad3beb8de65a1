/**
 * Tiles that do not fit C: the last rows of M, the last columns of a strip, and columns that are not
 * contiguous in memory. They are computed in a buffer of mr x nr and moved element by element.
 */

import { element } from '../elements';
import { pair, runTiles } from './microkernel';
import { transpose } from './packing';

export class edge {
  /** In place of the offset of a column that is left out. */
  @inline static get NO_COLUMN(): i32 {
    return i32.MIN_VALUE;
  }

  /** Bytes of the buffer that `runStrip` needs: the tile, its row offsets. */
  @inline static bufferBytes(mr: i32): usize {
    return <usize>mr * 36;
  }

  /** How many of the columns that are left the next call of `runStrip` takes. */
  static nextColumns(left: i32, dense: bool, bytes: i32): i32 {
    if (Variant.wide && dense && bytes == 4 && left >= pair.columns) return pair.columns;
    return min(32 / bytes, left);
  }

  /** Bytes of one step of B for these. */
  @inline static stripBytes(columns: i32): usize {
    return pair.is(columns) ? 64 : 32;
  }

  /**
   * All tiles of a block of A for one strip of B.
   *
   * @param rows rows of C that exist, of tiles · mr
   * @param rowOffsetPtr byte offset of each row of C; not read past `rows`, rounded up to mr
   * @param columns of the strip that exist; `pair.columns` of them are two strips
   * @param columnOffsetsPtr byte offset of each column of C, or NO_COLUMN; 0 when columns are contiguous
   * @param tilePtr buffer for tiles that do not fit C
   */
  static runStrip(
    bytes: i32,
    mr: i32,
    rows: i32,
    kc: i32,
    aPtr: usize,
    bPtr: usize,
    rowOffsetPtr: usize,
    cPtr: usize,
    accumulate: bool,
    columns: i32,
    columnOffsetsPtr: usize,
    tilePtr: usize,
  ): void {
    if (pair.is(columns)) {
      const full = rows / mr;
      const bStep = kc * 32;
      if (full > 0) pair.runTiles(mr, full, kc, aPtr, bPtr, bStep, rowOffsetPtr, cPtr, accumulate);
      const done = full * mr;
      if (done == rows) return;
      aPtr += done * kc * 4;
      rowOffsetPtr += done << 2;
      for (let strip = 0; strip < 2; strip++) {
        edge.runStrip(bytes, mr, rows - done, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, 8, 0, tilePtr);
        bPtr += bStep;
        cPtr += 32;
      }
      return;
    }
    if (!ASC_NO_ASSERT) {
      assert(rows > 0 && kc > 0 && columns > 0 && columns <= 32 / bytes);
    }
    const full = columnOffsetsPtr == 0 && columns * bytes == 32 ? rows / mr : 0;
    if (full > 0) runTiles(bytes, mr, full, kc, aPtr, bPtr, rowOffsetPtr, cPtr, accumulate, 16);
    const columnStep = stepOf(columnOffsetsPtr, columns);
    const offsetsPtr = tilePtr + mr * 32;
    for (let r = 0; r < mr; r++) store<i32>(offsetsPtr + (r << 2), r * 32);
    for (let row = full * mr; row < rows; row += mr) {
      const existing = min(mr, rows - row);
      const rowPtr = rowOffsetPtr + (row << 2);
      if (accumulate) moveTile(tilePtr, existing, columns, rowPtr, columnOffsetsPtr, columnStep, cPtr, true, bytes);
      runTiles(bytes, mr, 1, kc, aPtr + row * kc * bytes, bPtr, offsetsPtr, tilePtr, accumulate, 16);
      moveTile(tilePtr, existing, columns, rowPtr, columnOffsetsPtr, columnStep, cPtr, false, bytes);
    }
  }
}

/** Bytes from each column to the next, 0 where these differ. */
function stepOf(columnOffsetsPtr: usize, columns: i32): i32 {
  if (columnOffsetsPtr == 0 || columns == 1) return 0;
  const step = load<i32>(columnOffsetsPtr, 4) - load<i32>(columnOffsetsPtr);
  for (let at: usize = 4; at < <usize>((columns - 1) << 2); at += 4) {
    if (load<i32>(columnOffsetsPtr + at, 4) - load<i32>(columnOffsetsPtr + at) != step) return 0;
  }
  return step;
}

/**
 * Between C and the buffer, existing elements only. Of several rows in C, all are as far apart as the first two.
 *
 * @param columnStep see `stepOf`
 */
function moveTile(
  tilePtr: usize,
  rows: i32,
  columns: i32,
  rowOffsetPtr: usize,
  columnOffsetsPtr: usize,
  columnStep: i32,
  cPtr: usize,
  fromC: bool,
  bytes: i32,
): void {
  if (columnStep != 0 && rows > 1 && load<i32>(rowOffsetPtr, 4) - load<i32>(rowOffsetPtr) == bytes) {
    // neighbours in C are those of a column: channels of NHWC
    const firstPtr = cPtr + load<i32>(rowOffsetPtr) + load<i32>(columnOffsetsPtr);
    if (fromC) transpose(firstPtr, columnStep, columns, rows, tilePtr, 32, bytes);
    else transpose(tilePtr, 32, rows, columns, firstPtr, columnStep, bytes);
    return;
  }
  for (let r = 0; r < rows; r++) {
    const rowPtr = cPtr + load<i32>(rowOffsetPtr + (r << 2));
    const from = fromC ? rowPtr : tilePtr;
    const to = fromC ? tilePtr : rowPtr;
    if (columnOffsetsPtr == 0 && columns * bytes == 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    } else if (columnOffsetsPtr == 0) {
      for (let at = 0; at < columns * bytes; at += 4) store<u32>(to + at, load<u32>(from + at));
    } else {
      for (let c = 0; c < columns; c++) {
        const inC = load<i32>(columnOffsetsPtr + (c << 2));
        const inTile = c * bytes;
        if (inC == edge.NO_COLUMN) continue;
        element.move(from + (fromC ? inC : inTile), to + (fromC ? inTile : inC), bytes);
      }
    }
    tilePtr += 32;
  }
}
