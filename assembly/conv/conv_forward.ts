/**
 * Convolution, which is gradInput of a transposed convolution: input = W · im2col(output), in the names of the
 * transposed one. Writes `inputPtr`, reads `outputPtr`.
 *
 * M = input channels, K = (output channel, tap), N = input positions. An item owns (group, images, box of input
 * positions) for all channels. It splits the band of the output that its box reaches into phase planes, packs
 * im2col rows from them, and multiplies block by block of K.
 *
 *   thread workspace:  planes of the channels of one block of K | B panels | row buffer | tile, column offsets
 */

import { Activation } from '../elementwise/activation';
import { copyLine } from '../elementwise/copy';
import { edge } from '../gemm/edge';
import { ConvParams } from '../params';
import { simd } from '../simd';
import { geometry } from './geometry';
import { packColumns } from './im2col';
import { splitPlanes } from './phase_planes';

/**
 * Packs the weight as A (input channels x (output channel, tap)) in the order group, block of K, tile.
 * Item: (group, block of K).
 */
export function packConvWeight<T>(p: ConvParams, begin: i32, end: i32): void {
  const blocks = (p.depth + p.kc - 1) / p.kc;
  const rows = p.tiles * p.mr;
  for (let item = begin; item < end; item++) {
    const k0 = (item % blocks) * p.kc;
    const kc = min(p.kc, p.depth - k0);
    const group = item / blocks;
    const weightPtr = p.weightPtr + geometry.bytes<T>(group * p.inChannels * p.weightInStride);
    const targetPtr = p.packedPtr + geometry.bytes<T>((group * p.depth + k0) * rows);
    for (let row = 0; row < rows; row++) {
      const tile = row / p.mr;
      const to = targetPtr + geometry.bytes<T>(tile * kc * p.mr + (row - tile * p.mr));
      packRow<T>(p, weightPtr + geometry.bytes<T>(row * p.weightInStride), row < p.inChannels, k0, kc, to);
    }
  }
}

function packRow<T>(p: ConvParams, weightPtr: usize, exists: bool, k0: i32, kc: i32, to: usize): void {
  const step = geometry.bytes<T>(p.mr);
  let channel = k0 / p.taps;
  let tap = k0 - channel * p.taps;
  for (let k = 0; k < kc; k++) {
    const offset = channel * p.weightOutStride + load<i32>(p.tapTablePtr + ((<usize>tap) << 3), 4);
    store<T>(to, exists ? load<T>(weightPtr + geometry.bytes<T>(offset)) : <T>0);
    to += step;
    if (++tap == p.taps) {
      tap = 0;
      channel++;
    }
  }
}

/** Item: (group, images, box D, box H, box W), the last one fastest. */
export function convForward<T>(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const imageBlocks = (p.batch + p.imagesPerItem - 1) / p.imagesPerItem;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const w0 = (rest % p.boxesW) * p.boxW;
    rest /= p.boxesW;
    const h0 = (rest % p.boxesH) * p.boxH;
    rest /= p.boxesH;
    const d0 = (rest % p.boxesD) * p.boxD;
    rest /= p.boxesD;
    const image0 = (rest % imageBlocks) * p.imagesPerItem;
    const group = rest / imageBlocks;
    convItem<T>(p, group, image0, min(image0 + p.imagesPerItem, p.batch), d0, h0, w0, workspacePtr);
  }
}

function convItem<T>(
  p: ConvParams,
  group: i32,
  image0: i32,
  image1: i32,
  d0: i32,
  h0: i32,
  w0: i32,
  workspacePtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  const d1 = min(d0 + p.boxD, p.inputD);
  const h1 = min(h0 + p.boxH, p.inputH);
  const w1 = min(w0 + p.boxW, p.inputW);
  const width = w1 - w0;
  const rows = h1 - h0;
  const count = (d1 - d0) * rows * width;
  const strips = (count + nr - 1) / nr;
  if (!ASC_NO_ASSERT) {
    assert(width > 0 && rows > 0 && count > 0);
    assert(<usize>((image1 - image0) * strips * p.kc) * 32 <= <usize>(p.rowBufferOffset - p.panelsOffset));
  }
  const planesPtr = workspacePtr + p.planesOffset;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const tilePtr = workspacePtr + p.tileOffset;
  const columnsPtr = tilePtr + edge.bufferBytes(p.mr);
  const packedRows = p.tiles * p.mr;
  const groupPtr =
    p.inputPtr +
    geometry.bytes<T>(
      group * p.inChannels * p.inputChannelStride + d0 * p.inputStrideD + h0 * p.inputStrideH + w0 * p.inputStrideW,
    );
  let splitChannel0 = -1;
  let splitChannel1 = -1;
  for (let k0 = 0; k0 < p.depth; k0 += p.kc) {
    const kc = min(p.kc, p.depth - k0);
    const channel0 = k0 / p.taps;
    const channel1 = (k0 + kc + p.taps - 1) / p.taps;
    const panelBytes = <usize>(strips * kc) * 32;
    let panelPtr = panelsPtr;
    for (let image = image0; image < image1; image++) {
      // a kernel of more taps than kc meets the same channels again
      if (channel0 != splitChannel0 || channel1 != splitChannel1 || image1 - image0 > 1) {
        const outputPtr =
          p.outputPtr +
          geometry.bytes<T>(image * p.outputBatchStride + (group * p.outChannels + channel0) * p.outputChannelStride);
        splitPlanes<T>(p, outputPtr, planesPtr, channel1 - channel0, d0, d1, h0, h1, w0, w1);
        splitChannel0 = channel0;
        splitChannel1 = channel1;
      }
      packColumns<T>(p, planesPtr, k0, kc, count, width, rows, panelPtr);
      panelPtr += panelBytes;
    }
    if (k0 == 0 && p.biasPtr != 0) {
      for (let image = image0; image < image1; image++) {
        fillBias<T>(p, groupPtr + geometry.bytes<T>(image * p.inputBatchStride), group, d1 - d0, rows, width);
      }
    }
    const accumulate = p.accumulate != 0 || p.biasPtr != 0 || k0 > 0;
    const aPtr = p.packedPtr + geometry.bytes<T>((group * p.depth + k0) * packedRows);
    for (let row0 = 0; row0 < p.inChannels; row0 += p.slabChannels) {
      const blockRows = min(p.slabChannels, p.inChannels - row0);
      const rowOffsetPtr = p.rowOffsetPtr + ((<usize>row0) << 2);
      let bPtr = panelsPtr;
      for (let image = image0; image < image1; image++) {
        const imagePtr = groupPtr + geometry.bytes<T>(image * p.inputBatchStride);
        for (let strip = 0; strip < strips; strip++) {
          const first = strip * nr;
          const existing = min(nr, count - first);
          const dense = p.dense != 0 && existing == nr;
          let cPtr = imagePtr;
          if (p.dense) {
            cPtr += geometry.bytes<T>(first);
            edge.contiguousColumns<T>(columnsPtr);
          } else {
            columnOffsets<T>(p, first, existing, width, rows, columnsPtr);
          }
          edge.runStrip<T>(
            p.mr,
            blockRows,
            kc,
            aPtr + geometry.bytes<T>(row0 * kc),
            bPtr,
            rowOffsetPtr,
            cPtr,
            accumulate,
            dense,
            existing,
            columnsPtr,
            tilePtr,
          );
          bPtr += <usize>kc * 32;
        }
      }
    }
  }
  if (p.activation != 0) {
    for (let image = image0; image < image1; image++) {
      const imagePtr = groupPtr + geometry.bytes<T>(image * p.inputBatchStride);
      activate<T>(p, imagePtr, d1 - d0, rows, width, workspacePtr + p.rowBufferOffset);
    }
  }
}

/** Byte offset of each column of a strip from the first position of the box. */
function columnOffsets<T>(p: ConvParams, first: i32, existing: i32, width: i32, rows: i32, offsetsPtr: usize): void {
  for (let c = 0; c < existing; c++) {
    const row = (first + c) / width;
    const slice = row / rows;
    const offset =
      slice * p.inputStrideD + (row - slice * rows) * p.inputStrideH + (first + c - row * width) * p.inputStrideW;
    store<i32>(offsetsPtr + ((<usize>c) << 2), <i32>geometry.bytes<T>(offset));
  }
}

function fillBias<T>(p: ConvParams, imagePtr: usize, group: i32, slices: i32, rows: i32, width: i32): void {
  const step = geometry.bytes<T>(p.inputStrideW);
  for (let channel = 0; channel < p.inChannels; channel++) {
    const bias = load<T>(p.biasPtr + geometry.bytes<T>(group * p.inChannels + channel));
    for (let d = 0; d < slices; d++) {
      for (let h = 0; h < rows; h++) {
        let at = imagePtr + geometry.bytes<T>(channel * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH);
        for (let w = 0; w < width; w++) {
          store<T>(at, bias);
          at += step;
        }
      }
    }
  }
}

function activate<T>(p: ConvParams, imagePtr: usize, slices: i32, rows: i32, width: i32, bufferPtr: usize): void {
  for (let channel = 0; channel < p.inChannels; channel++) {
    for (let d = 0; d < slices; d++) {
      for (let h = 0; h < rows; h++) {
        const rowPtr =
          imagePtr + geometry.bytes<T>(channel * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH);
        if (p.inputStrideW == 1) {
          Activation.row<T>(p.activation, rowPtr, width, p.activationA, p.activationB);
        } else {
          copyLine<T>(rowPtr, p.inputStrideW, bufferPtr, 1, width);
          Activation.row<T>(p.activation, bufferPtr, width, p.activationA, p.activationB);
          copyLine<T>(bufferPtr, 1, rowPtr, p.inputStrideW, width);
        }
      }
    }
  }
}
