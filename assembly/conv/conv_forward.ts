/**
 * Convolution, which is gradInput of a transposed convolution: input = W · im2col(output), in the names of the
 * transposed one. Writes `inputPtr`, reads `outputPtr`.
 *
 * M = input channels, K = (output channel, tap), N = input positions. An item owns (group, block of rows of M, images,
 * box of input positions). It packs im2col rows from what its box reaches of the output, and multiplies block by block of K.
 *
 *   thread workspace:  box | copy of the channels of one block of K, when there is one | B panels | row buffer | tile, column offsets
 */

import { Activation } from '../elementwise/activation';
import { element, elements } from '../elements';
import { edge } from '../gemm/edge';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { packColumns } from './im2col';
import { reach } from './reached';

/**
 * Packs the weight as A (input channels x (output channel, tap)) in the order group, block of K, tile.
 * Item: (group, block of K).
 */
export function packConvWeight(p: ConvParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  const blocks = (p.depth + p.kc - 1) / p.kc;
  const rows = p.tiles * p.mr;
  for (let item = begin; item < end; item++) {
    const k0 = (item % blocks) * p.kc;
    const kc = min(p.kc, p.depth - k0);
    const group = item / blocks;
    const targetPtr = p.packedPtr + (group * p.depth + k0) * rows * bytes;
    for (let row = 0; row < rows; row++) {
      const tile = row / p.mr;
      const to = targetPtr + (tile * kc * p.mr + (row - tile * p.mr)) * bytes;
      if (row < p.inChannels) packRow(p, (group * p.inChannels + row) * p.weightInStride, k0, kc, to);
      else elements.fill(to, 1, 0, kc, p.mr * bytes, i32x4.splat(0), bytes);
    }
  }
}

function packRow(p: ConvParams, rowOffset: i32, k0: i32, kc: i32, to: usize): void {
  const bytes = p.elementBytes;
  let channel = k0 / p.taps;
  let tap = k0 - channel * p.taps;
  for (let k = 0; k < kc; k++) {
    const offset = rowOffset + channel * p.weightOutStride + load<i32>(p.tapTablePtr + (tap << 3), 4);
    element.move(p.weightPtr + offset * bytes, to, bytes);
    to += p.mr * bytes;
    if (++tap == p.taps) {
      tap = 0;
      channel++;
    }
  }
}

/** Item: (group, block of M, images, box D, box H, box W), the last one fastest. */
export function convForward(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) convItem(p, item, workspacePtr);
}

function convItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const box = changetype<Box>(workspacePtr);
  let rest = boxes.take(p, item, box);
  const imageBlocks = (p.batch + p.imagesPerItem - 1) / p.imagesPerItem;
  const image0 = (rest % imageBlocks) * p.imagesPerItem;
  rest /= imageBlocks;
  const rowBlocks = (p.inChannels + p.itemRows - 1) / p.itemRows;
  const group = rest / rowBlocks;
  const firstRow = (rest - group * rowBlocks) * p.itemRows;
  const endRow = min(firstRow + p.itemRows, p.inChannels);
  const image1 = min(image0 + p.imagesPerItem, p.batch);
  const count = box.slices * box.rows * box.columns;
  const strips = (count + nr - 1) / nr;
  if (!ASC_NO_ASSERT) {
    assert(box.slices > 0 && box.rows > 0 && box.columns > 0);
    assert((image1 - image0) * strips * p.kc * 32 <= p.rowBufferOffset - p.panelsOffset);
  }
  const copyPtr = workspacePtr + Box.bytes;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const tilePtr = workspacePtr + p.tileOffset;
  const columnsPtr = tilePtr + edge.bufferBytes(p.mr);
  const packedRows = p.tiles * p.mr;
  const groupOffset =
    group * p.inChannels * p.inputChannelStride +
    box.d0 * p.inputStrideD +
    box.h0 * p.inputStrideH +
    box.w0 * p.inputStrideW;
  let reachedPtr: usize = 0;
  let reachedChannel0 = -1;
  let reachedChannel1 = -1;
  for (let k0 = 0; k0 < p.depth; k0 += p.kc) {
    const kc = min(p.kc, p.depth - k0);
    const channel0 = k0 / p.taps;
    const channel1 = (k0 + kc + p.taps - 1) / p.taps;
    let panelPtr = panelsPtr;
    for (let image = image0; image < image1; image++) {
      // a kernel of more taps than kc meets the same channels again
      if (channel0 != reachedChannel0 || channel1 != reachedChannel1 || image1 - image0 > 1) {
        const offset = image * p.outputBatchStride + (group * p.outChannels + channel0) * p.outputChannelStride;
        reachedPtr = reach(p, box, p.outputPtr + offset * bytes, channel1 - channel0, copyPtr);
        reachedChannel0 = channel0;
        reachedChannel1 = channel1;
      }
      panelPtr = packColumns(p, box, reachedPtr, k0, kc, panelPtr);
    }
    if (k0 == 0 && p.biasPtr != 0) {
      for (let image = image0; image < image1; image++) {
        const biasPtr = p.biasPtr + group * p.inChannels * bytes;
        eachRow(p, box, image * p.inputBatchStride + groupOffset, biasPtr, firstRow, endRow);
      }
    }
    const accumulate = p.accumulate != 0 || p.biasPtr != 0 || k0 > 0;
    let aPtr = p.packedPtr + ((group * p.depth + k0) * packedRows + firstRow * kc) * bytes;
    for (let row0 = firstRow; row0 < endRow; row0 += p.slabChannels) {
      const blockRows = min(p.slabChannels, endRow - row0);
      const rowOffsetPtr = p.rowOffsetPtr + (row0 << 2);
      let bPtr = panelsPtr;
      for (let image = image0; image < image1; image++) {
        const imagePtr = p.inputPtr + (image * p.inputBatchStride + groupOffset) * bytes;
        for (let first = 0, existing = 0; first < count; first += existing) {
          existing = edge.nextColumns(count - first, p.dense != 0, bytes);
          let cPtr = imagePtr;
          if (p.dense) cPtr += first * bytes;
          else columnOffsets(p, box, first, existing, columnsPtr);
          edge.runStrip(
            bytes,
            p.mr,
            blockRows,
            kc,
            aPtr,
            bPtr,
            rowOffsetPtr,
            cPtr,
            accumulate,
            existing,
            p.dense ? 0 : columnsPtr,
            tilePtr,
          );
          bPtr += <usize>kc * edge.stripBytes(existing);
        }
      }
      aPtr += p.slabChannels * kc * bytes;
    }
  }
  if (p.activation != 0) {
    for (let image = image0; image < image1; image++) {
      eachRow(p, box, image * p.inputBatchStride + groupOffset, 0, firstRow, endRow);
    }
  }
}

/** Byte offset of each column of a strip from the first position of the box. */
function columnOffsets(p: ConvParams, box: Box, first: i32, existing: i32, offsetsPtr: usize): void {
  for (let c = 0; c < existing; c++) {
    const row = (first + c) / box.columns;
    const slice = row / box.rows;
    const offset =
      slice * p.inputStrideD +
      (row - slice * box.rows) * p.inputStrideH +
      (first + c - row * box.columns) * p.inputStrideW;
    store<i32>(offsetsPtr + (c << 2), offset * p.elementBytes);
  }
}

/**
 * Rows of the result in the box, of some channels of the group: sets them to the bias, or with no bias applies the
 * activation.
 * @param first elements from the start of the result to the first of the box
 */
function eachRow(p: ConvParams, box: Box, first: i32, biasPtr: usize, channel0: i32, channel1: i32): void {
  const bytes = p.elementBytes;
  const step = p.inputStrideW * bytes;
  const width = box.columns;
  const bufferPtr = changetype<usize>(box) + p.rowBufferOffset;
  if (p.inputChannelStride == 1 && p.inputStrideW != 1) {
    const channels = channel1 - channel0;
    for (let d = 0; d < box.slices; d++) {
      for (let h = 0; h < box.rows; h++) {
        let at = p.inputPtr + (first + channel0 + d * p.inputStrideD + h * p.inputStrideH) * bytes;
        for (let w = 0; w < width; w++) {
          if (biasPtr != 0) elements.copy(biasPtr + channel0 * bytes, bytes, at, bytes, channels, bytes);
          else Activation.row(bytes, p.activation, at, channels, p.activationA, p.activationB);
          at += step;
        }
      }
    }
    return;
  }
  for (let channel = channel0; channel < channel1; channel++) {
    for (let d = 0; d < box.slices; d++) {
      for (let h = 0; h < box.rows; h++) {
        const offset = first + channel * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH;
        const rowPtr = p.inputPtr + offset * bytes;
        if (biasPtr != 0) {
          elements.fill(rowPtr, 1, 0, width, step, element.splat(biasPtr + channel * bytes, bytes), bytes);
          continue;
        }
        const contiguous = p.inputStrideW == 1;
        const targetPtr = contiguous ? rowPtr : bufferPtr;
        if (!contiguous) elements.copy(rowPtr, step, bufferPtr, bytes, width, bytes);
        Activation.row(bytes, p.activation, targetPtr, width, p.activationA, p.activationB);
        if (!contiguous) elements.copy(bufferPtr, bytes, rowPtr, step, width, bytes);
      }
    }
  }
}
