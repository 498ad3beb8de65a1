/**
 * Forward: a GEMM whose C rows are rows of phase planes, then a flush.
 *
 * columns = Wᵀ · X, and tap k of input row i belongs to plane (i·s + k·d) mod s at i + ⌊k·d ÷ s⌋: a
 * constant shift. So row m = (channel, tap) of C has a constant address relative to the input
 * position, and adding the tile to C is col2im.
 *
 * An item owns the output of (group, slab of channels, image, box of plane coordinates). It runs, for
 * each input row that can reach the box, only the tiles whose row shift lands in it: every product is
 * computed once, no two items write one element. Along W a box cut at multiples of nr keeps a margin.
 *
 *   thread workspace:  box | planes of the slab, one dump plane for padding rows | B panels | row buffer | tile,
 *   column offsets
 */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { edge } from '../gemm/edge';
import { pair, runTiles } from '../gemm/microkernel';
import { transpose4 } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { flush } from './col2im';
import { forwardWeight } from './forward_weight';

/** Item: (group, slab, image, box D, box H, box W), the last one fastest. */
export function convTransposeForward(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) forwardItem(p, item, workspacePtr);
}

function forwardItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const box = changetype<Box>(workspacePtr);
  let rest = boxes.take(p, item, box);
  const image = rest % p.batch;
  rest /= p.batch; // group · slabs + slab
  const slab = rest % p.slabs;
  const group = rest / p.slabs;
  const channel0 = slab * p.slabChannels;
  const channels = min(p.slabChannels, p.outChannels - channel0);
  const planesPtr = workspacePtr + Box.bytes;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const tilePtr = workspacePtr + p.tileOffset;
  const phases = p.phasesD * p.phasesH * p.phasesW;

  // input rows that reach the box, and the columns of each
  const d0 = max(box.d0 - p.maxShiftD, 0);
  const d1 = min(box.d1, p.inputD);
  const h0 = p.flat ? 0 : max(box.h0 - p.maxShiftH, 0);
  const h1 = p.flat ? 1 : min(box.h1, p.inputH);
  const columnBase = p.flat ? 0 : (max(box.w0 - p.maxShiftW, 0) / nr) * nr;
  const columns = p.flat ? (p.inputH - 1) * p.linePeriod + p.inputW : min(box.w1, p.inputW) - columnBase;
  const strips = columns > 0 ? (columns + nr - 1) / nr : 0;

  if (!p.writeOnce || strips == 0) memory.fill(planesPtr, 0, p.slabChannels * phases * p.planeSize * bytes);
  const inputPtr =
    p.inputPtr +
    (image * p.inputBatchStride + group * p.inChannels * p.inputChannelStride + columnBase * p.inputStrideW) * bytes;
  const rows = p.tiles * p.mr;
  const slabPtr = forwardWeight.panels(p, rest);
  const exact = forwardWeight.hasNonFinite(p, rest);
  if (!ASC_NO_ASSERT) {
    assert(p.kc > 0 && p.mr >= 4 && p.mr <= 6);
    assert(box.slices > 0 && box.rows > 0 && box.columns > 0 && channels > 0);
    const lines = max((d1 - d0) * (h1 - h0), 0);
    assert(<usize>(lines * strips * p.kc * 32) <= <usize>(p.rowBufferOffset - p.panelsOffset));
    assert((p.slabChannels * phases + 1) * p.planeSize * bytes <= p.panelsOffset - <i32>Box.bytes);
  }

  for (let k0 = 0; k0 < p.depth && strips > 0; k0 += p.kc) {
    const kc = min(p.kc, p.depth - k0);
    let linePtr = panelsPtr;
    for (let d = d0; d < d1; d++) {
      for (let h = h0; h < h1; h++) {
        const rowPtr = inputPtr + (k0 * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH) * bytes;
        linePtr = packLine(p, rowPtr, columns, kc, linePtr);
      }
    }
    const accumulate = !p.writeOnce || k0 > 0;
    const aPtr = slabPtr + k0 * rows * bytes;
    for (let block = 0; block < p.blocks; block++) {
      let bPtr = panelsPtr;
      for (let d = d0; d < d1; d++) {
        for (let h = h0; h < h1; h++) {
          let cPtr = planesPtr + ((d - box.d0) * p.planeSlice + (h - box.h0) * p.planeRow) * bytes;
          const pairs = Variant.wide && bytes == 4 && !exact && p.splitBytes == 16 ? columns - nr : 0;
          for (let first = 0; first < columns; first += nr) {
            const two = first < pairs;
            const valid = exact ? validColumns(p, columns, first, nr) : -1;
            const columnsPtr: usize = (~valid & ((1 << nr) - 1)) == 0 ? 0 : columnOffsets(p, valid, tilePtr);
            runBlock(p, box, block, d, h, kc, aPtr, bPtr, cPtr, accumulate, columnsPtr, two ? 0 : tilePtr);
            if (two) {
              first += nr;
              bPtr += kc * 32;
              cPtr += 32;
            }
            bPtr += kc * 32;
            cPtr += p.stripStep * bytes;
          }
        }
      }
    }
  }

  const outChannel = group * p.outChannels + channel0;
  const outputPtr = p.outputPtr + (image * p.outputBatchStride + outChannel * p.outputChannelStride) * bytes;
  const biasPtr = p.biasPtr != 0 ? p.biasPtr + outChannel * bytes : 0;
  flush(p, box, planesPtr, outputPtr, biasPtr, channels, columnBase, workspacePtr + p.rowBufferOffset);
}

/** Runs of tiles of one block of A whose row shift lands in the box, for one strip; for a pair where `tilePtr` is 0. */
function runBlock(
  p: ConvParams,
  box: Box,
  block: i32,
  d: i32,
  h: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  accumulate: bool,
  columnsPtr: usize,
  tilePtr: usize,
): void {
  const bytes = p.elementBytes;
  const mr = p.mr;
  let runPtr = p.runTablePtr + (load<i32>(p.blockTablePtr + (block << 2)) << 4);
  const endPtr = p.runTablePtr + (load<i32>(p.blockTablePtr + (block << 2), 4) << 4);
  for (; runPtr < endPtr; runPtr += 16) {
    const targetD = d + load<i32>(runPtr, 8);
    const targetH = h + load<i32>(runPtr, 12);
    if (targetD < box.d0 || targetD >= box.d1) continue;
    if (!p.flat && (targetH < box.h0 || targetH >= box.h1)) continue;
    const row0 = load<i32>(runPtr) * mr;
    const rows = load<i32>(runPtr, 4) * mr - row0;
    const tilesPtr = aPtr + row0 * kc * bytes;
    const offsetsPtr = p.rowOffsetPtr + (row0 << 2);
    if (Variant.wide && tilePtr == 0) {
      pair.runTiles(mr, rows / mr, kc, tilesPtr, bPtr, kc * 32, offsetsPtr, cPtr, accumulate);
    } else if (columnsPtr == 0) {
      runTiles(bytes, mr, rows / mr, kc, tilesPtr, bPtr, offsetsPtr, cPtr, accumulate, p.splitBytes);
    } else {
      const columns = 32 / bytes;
      edge.runStrip(bytes, mr, rows, kc, tilesPtr, bPtr, offsetsPtr, cPtr, accumulate, columns, columnsPtr, tilePtr);
    }
  }
}

/**
 * Byte offsets of the columns of a strip when some stand for no input: those would add 0 · ∞ = NaN to elements that
 * other columns own, and are left out. The second vector of a C row is `splitBytes` after the first. Returns the table.
 */
function columnOffsets(p: ConvParams, valid: i32, tilePtr: usize): usize {
  const tablePtr = tilePtr + edge.bufferBytes(p.mr);
  let at = tablePtr;
  for (let offset = 0; offset < 32; offset += p.elementBytes) {
    const inRow = offset < 16 ? offset : offset - 16 + <i32>p.splitBytes;
    store<i32>(at, valid & 1 ? inRow : edge.NO_COLUMN);
    valid >>= 1;
    at += 4;
  }
  return tablePtr;
}

/** Bit c is set when column `first + c` of a line stands for an input element. */
function validColumns(p: ConvParams, columns: i32, first: i32, nr: i32): i32 {
  let mask = 0;
  for (let c = 0; c < nr; c++) {
    const position = first + c;
    if (position < columns && (!p.flat || position % p.linePeriod < p.inputW)) mask |= 1 << c;
  }
  return mask;
}

/** Where a column of a line is in the input; of one that stands for none, where its neighbour is. */
function columnPtr(p: ConvParams, rowPtr: usize, columns: i32, column: i32): usize {
  let h = 0;
  let w = min(column, columns - 1);
  if (p.flat) {
    h = w / p.linePeriod;
    w = min(w - h * p.linePeriod, p.inputW - 1);
  }
  return rowPtr + (h * p.inputStrideH + w * p.inputStrideW) * p.elementBytes;
}

/**
 * Packs one line of `columns` positions into strips of kc x nr and applies the input's activation; positions without
 * input become 0. Returns where the next line goes.
 */
function packLine(p: ConvParams, rowPtr: usize, columns: i32, kc: i32, targetPtr: usize): usize {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const channelStep = p.inputChannelStride * bytes;
  // rows as wide as one vector: a strip is two of them
  const pairs = p.flat != 0 && p.linePeriod == p.inputW && 2 * p.inputW == nr;
  for (let first = 0; first < columns; first += nr) {
    const inRow = p.flat ? first % p.linePeriod : first;
    const row = p.flat ? first / p.linePeriod : 0;
    let valid = -1;
    if (p.inputStrideW == 1 && (pairs ? first + nr <= columns : inRow + nr <= (p.flat ? p.inputW : columns))) {
      const second = pairs ? p.inputStrideH * bytes : 16;
      let from = rowPtr + (row * p.inputStrideH + inRow) * bytes;
      let to = targetPtr;
      for (let k = 0; k < kc; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from + second), 16);
        from += channelStep;
        to += 32;
      }
    } else if (p.inputChannelStride == 1) {
      valid = validColumns(p, columns, first, nr);
      for (let c = 0; c < nr; c += 4) {
        transpose4(
          columnPtr(p, rowPtr, columns, first + c),
          columnPtr(p, rowPtr, columns, first + c + 1),
          columnPtr(p, rowPtr, columns, first + c + 2),
          columnPtr(p, rowPtr, columns, first + c + 3),
          kc,
          targetPtr + c * bytes,
          32,
          bytes,
        );
      }
    } else {
      valid = validColumns(p, columns, first, nr);
      for (let c = 0; c < nr; c++) {
        if (!((valid >> c) & 1)) continue;
        const from = columnPtr(p, rowPtr, columns, first + c);
        elements.copy(from, channelStep, targetPtr + c * bytes, 32, kc, bytes);
      }
    }
    Activation.row(bytes, p.inputActivation, targetPtr, kc * nr, p.inputActivationA, p.inputActivationB);
    // after the activation: that of 0 need not be 0
    for (let c = 0; valid != -1 && c < nr; c++) {
      if (!((valid >> c) & 1)) elements.fill(targetPtr + c * bytes, 1, 0, kc, 32, i32x4.splat(0), bytes);
    }
    targetPtr += kc * 32;
  }
  return targetPtr;
}
