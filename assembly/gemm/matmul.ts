/**
 * C = A · B, or C += A · B, for a batch of matrices with any strides.
 *
 * An item owns (matrix, block of rows, block of columns) of C and runs over all of K in fixed order: it packs the
 * A and B panels of one block of K, then multiplies strip by strip. Only packing and tiles know the dtype.
 *
 *   thread workspace:  A panels | B panels | tile, column offsets
 */

import { elements } from '../elements';
import { MatmulParams } from '../params';
import { edge } from './edge';
import { packPanels } from './packing';

/** Item: (matrix, block of rows, block of columns), the last one fastest. */
export function matmul(p: MatmulParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const rowBlocks = (p.m + p.itemRows - 1) / p.itemRows;
  const columnBlocks = (p.n + p.itemColumns - 1) / p.itemColumns;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const n0 = (rest % columnBlocks) * p.itemColumns;
    rest /= columnBlocks;
    const m0 = (rest % rowBlocks) * p.itemRows;
    let matrix = rest / rowBlocks;
    let a = m0 * p.aRowStride;
    let b = n0 * p.bColumnStride;
    let c = m0 * p.cRowStride + n0 * p.cColumnStride;
    for (let axis = p.batchAxes - 1; axis >= 0; axis--) {
      const axisPtr = p.batchTablePtr + ((<usize>axis) << 4);
      const length = load<i32>(axisPtr);
      const index = matrix % length;
      matrix /= length;
      a += index * load<i32>(axisPtr, 4);
      b += index * load<i32>(axisPtr, 8);
      c += index * load<i32>(axisPtr, 12);
    }
    multiply(
      p,
      p.aPtr + a * p.elementBytes,
      p.bPtr + b * p.elementBytes,
      p.cPtr + c * p.elementBytes,
      min(p.itemRows, p.m - m0),
      min(p.itemColumns, p.n - n0),
      workspacePtr,
    );
  }
}

/** One block of C: `rows` x `columns`. */
function multiply(
  p: MatmulParams,
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  rows: i32,
  columns: i32,
  workspacePtr: usize,
): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const tilePtr = workspacePtr + p.tileOffset;
  const columnsPtr = tilePtr + edge.bufferBytes(p.mr);
  const columnStep = p.cColumnStride * bytes;
  for (let c = 0; c < nr; c++) store<i32>(columnsPtr + ((<usize>c) << 2), c * columnStep);
  if (p.k == 0 && p.accumulate == 0) {
    elements.fill(cPtr, rows, p.cRowStride * bytes, columns, columnStep, i32x4.splat(0), bytes);
  }
  for (let k0 = 0; k0 < p.k; k0 += p.kc) {
    const kc = min(p.kc, p.k - k0);
    packPanels(aPtr, p.aRowStride, p.aColumnStride, rows, kc, p.mr, workspacePtr, bytes);
    packPanels(bPtr, p.bColumnStride, p.bRowStride, columns, kc, nr, panelsPtr, bytes);
    aPtr += kc * p.aColumnStride * bytes;
    bPtr += kc * p.bRowStride * bytes;
    let stripPtr = panelsPtr;
    for (let n = 0, existing = 0; n < columns; n += existing) {
      existing = edge.nextColumns(columns - n, p.cColumnStride == 1, bytes);
      edge.runStrip(
        bytes,
        p.mr,
        rows,
        kc,
        workspacePtr,
        stripPtr,
        p.rowOffsetPtr,
        cPtr + n * columnStep,
        k0 > 0 || p.accumulate != 0,
        existing,
        p.cColumnStride == 1 ? 0 : columnsPtr,
        tilePtr,
      );
      stripPtr += <usize>kc * edge.stripBytes(existing);
    }
  }
}
