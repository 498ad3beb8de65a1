/**
 * gradWeight = X · im2col(gradOutput)ᵀ, for both operations: M = input channels, N = (output channel, tap),
 * K = positions of the input side over all images.
 *
 * An item owns (group, rows of M, columns of N) of the gradient and runs over blocks of K in fixed order: images, then
 * boxes of positions. A long K is cut into several stages, each of which adds to what the one before left, so that no
 * item takes long. Where M and N make few items, the blocks of a stage are dealt to `parts` items more, each with a
 * gradient of its own, and the last stage adds those up. A and B are both contiguous along K, so packing transposes them.
 *
 *   thread workspace:  box | copy of the item's output channels, when there is one | A panels | B panels | tile, column offsets
 */

import { elements } from '../elements';
import { edge } from '../gemm/edge';
import { packPanel } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { packColumnsTransposed } from './im2col';
import { reach } from './reached';
import { isIdle } from './tame';

/** Item: (group, block of M, block of N, part of the stage's blocks of K), the last one fastest. */
export function convGradWeight(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  if (isIdle(p)) return;
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const columns = p.outChannels * p.taps;
  const columnBlocks = (columns + p.columnsPerItem - 1) / p.columnsPerItem;
  const rowBlocks = (p.inChannels + p.slabChannels - 1) / p.slabChannels;
  for (let item = begin; item < end; item++) {
    let rest = item / p.parts;
    const part = item - rest * p.parts;
    const n0 = (rest % columnBlocks) * p.columnsPerItem;
    rest /= columnBlocks;
    const m0 = (rest % rowBlocks) * p.slabChannels;
    const group = rest / rowBlocks;
    const n1 = min(n0 + p.columnsPerItem, columns);
    const m1 = min(m0 + p.slabChannels, p.inChannels);
    const gradientPtr = p.weightPtr + part * p.partStride * p.elementBytes;
    let accumulate = p.accumulate != 0;
    if (p.batch == 0 && !accumulate) zeroItem(p, group, m0, m1, n0, n1);
    const steps = p.stepEnd - p.stepBegin;
    const lastStep = p.stepBegin + ((part + 1) * steps) / p.parts;
    for (let step = p.stepBegin + (part * steps) / p.parts; step < lastStep; step++) {
      addBlock(p, group, m0, m1, n0, n1, step, accumulate, gradientPtr, workspacePtr);
      accumulate = true;
    }
  }
}

/** Adds the parts up, in order. Item: (group, input channel), a row of the gradient. */
export function sumGradWeight(p: ConvParams, begin: i32, end: i32, _thread: i32): void {
  if (isIdle(p)) return;
  const bytes = p.elementBytes;
  const columns = p.outChannels * p.taps;
  const partBytes = p.partStride * bytes;
  for (let row = begin; row < end; row++) {
    const sumPtr = p.packedPtr + row * columns * bytes;
    for (let part = 1; part < p.parts; part++) {
      elements.add(sumPtr + part * partBytes, bytes, sumPtr, bytes, columns, bytes);
    }
    const rowPtr = p.weightPtr + row * p.weightInStride * bytes;
    for (let n = 0; n < columns; n += p.dense ? columns : 1) {
      const to = rowPtr + weightOffset(p, n) * bytes;
      const count = p.dense ? columns : 1;
      if (p.accumulate) elements.add(sumPtr + n * bytes, bytes, to, bytes, count, bytes);
      else elements.copy(sumPtr + n * bytes, bytes, to, bytes, count, bytes);
    }
  }
}

/** The gradient of an empty batch. */
function zeroItem(p: ConvParams, group: i32, m0: i32, m1: i32, n0: i32, n1: i32): void {
  const bytes = p.elementBytes;
  const columnPtr = p.weightPtr + (group * p.inChannels + m0) * p.weightInStride * bytes;
  for (let n = n0; n < n1; n++) {
    const at = columnPtr + weightOffset(p, n) * bytes;
    elements.fill(at, 1, 0, m1 - m0, p.weightInStride * bytes, i32x4.splat(0), bytes);
  }
}

/** Adds the products of one block of K: step = (images, box D, box H, box W), the last one fastest. */
function addBlock(
  p: ConvParams,
  group: i32,
  m0: i32,
  m1: i32,
  n0: i32,
  n1: i32,
  step: i32,
  accumulate: bool,
  gradientPtr: usize,
  workspacePtr: usize,
): void {
  const bytes = p.elementBytes;
  const nr = 32 / bytes;
  const box = changetype<Box>(workspacePtr);
  const image0 = boxes.take(p, step, box) * p.imagesPerItem;
  const image1 = min(image0 + p.imagesPerItem, p.batch);
  const count = box.slices * box.rows * box.columns;
  const kc = count * (image1 - image0);
  if (!ASC_NO_ASSERT) {
    assert(kc > 0 && m0 < m1 && n0 < n1);
    assert(((n1 - n0 + nr - 1) / nr) * kc * 32 <= p.tileOffset - p.panelsOffset);
  }
  const channel0 = n0 / p.taps;
  const channel1 = (n1 + p.taps - 1) / p.taps;
  const copyPtr = workspacePtr + Box.bytes;
  const aPanelsPtr = workspacePtr + p.aPanelsOffset;
  const panelsPtr = workspacePtr + p.panelsOffset;
  for (let image = image0; image < image1; image++) {
    const kOffset = (image - image0) * count;
    const outputOffset = image * p.outputBatchStride + (group * p.outChannels + channel0) * p.outputChannelStride;
    const firstPtr = reach(p, box, p.outputPtr + outputOffset * bytes, channel1 - channel0, copyPtr);
    packColumnsTransposed(p, box, firstPtr, n0, n1, kc, kOffset, panelsPtr);
    const inputOffset = image * p.inputBatchStride + (group * p.inChannels + m0) * p.inputChannelStride;
    packInput(p, box, p.inputPtr + inputOffset * bytes, m1 - m0, kc, kOffset, aPanelsPtr);
  }
  const tilePtr = workspacePtr + p.tileOffset;
  const columnsPtr = tilePtr + edge.bufferBytes(p.mr);
  const rowPtr = gradientPtr + (group * p.inChannels + m0) * p.weightInStride * bytes;
  let bPtr = panelsPtr;
  for (let n = n0, existing = 0; n < n1; n += existing) {
    existing = edge.nextColumns(n1 - n, p.dense != 0, bytes);
    let cPtr = rowPtr;
    if (p.dense) {
      cPtr += n * bytes;
    } else {
      for (let c = 0; c < existing; c++) store<i32>(columnsPtr + (c << 2), weightOffset(p, n + c) * bytes);
    }
    edge.runStrip(
      bytes,
      p.mr,
      m1 - m0,
      kc,
      aPanelsPtr,
      bPtr,
      p.rowOffsetPtr,
      cPtr,
      accumulate,
      existing,
      p.dense ? 0 : columnsPtr,
      tilePtr,
    );
    bPtr += <usize>kc * edge.stripBytes(existing);
  }
}

/** Elements from the start of a row of the gradient to column n = (channel, tap). */
function weightOffset(p: ConvParams, n: i32): i32 {
  const channel = n / p.taps;
  const tap = n - channel * p.taps;
  return channel * p.weightOutStride + load<i32>(p.tapTablePtr + (tap << 3), 4);
}

/**
 * A panels of `channels` rows: K runs over the positions of the box. The panel is kc deep; this call fills the steps
 * from `kOffset` on.
 */
function packInput(
  p: ConvParams,
  box: Box,
  inputPtr: usize,
  channels: i32,
  kc: i32,
  kOffset: i32,
  targetPtr: usize,
): void {
  const bytes = p.elementBytes;
  const width = box.columns;
  for (let m = 0; m < channels; m += p.mr) {
    let to = targetPtr + kOffset * p.mr * bytes;
    for (let d = box.d0; d < box.d1; d++) {
      for (let h = box.h0; h < box.h1; h++) {
        const offset = m * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH + box.w0 * p.inputStrideW;
        const linePtr = inputPtr + offset * bytes;
        packPanel(linePtr, p.inputChannelStride, p.inputStrideW, channels - m, width, p.mr, to, bytes);
        to += p.mr * width * bytes;
      }
    }
    targetPtr += p.mr * kc * bytes;
  }
}
