/**
 * gradWeight = X · im2col(gradOutput)ᵀ, for both operations: M = input channels, N = (output channel, tap),
 * K = positions of the input side over all images.
 *
 * An item owns (group, rows of M, columns of N) of the gradient and runs over blocks of K in fixed order: images, then
 * boxes of positions. A long K is cut into several stages, each of which adds to what the one before left, so that no
 * item takes long. A and B are both contiguous along K, so packing transposes them.
 *
 *   thread workspace:  planes of the item's output channels | A panels | B panels | tile, column offsets
 */

import { edge } from '../gemm/edge';
import { ConvParams } from '../params';
import { simd } from '../simd';
import { geometry } from './geometry';
import { packColumnsTransposed, transpose4 } from './im2col';
import { splitPlanes } from './phase_planes';

/** Item: (group, block of M, block of N), the last one fastest. */
export function convGradWeight<T>(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const columns = p.outChannels * p.taps;
  const columnBlocks = (columns + p.columnsPerItem - 1) / p.columnsPerItem;
  const rowBlocks = (p.inChannels + p.slabChannels - 1) / p.slabChannels;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const n0 = (rest % columnBlocks) * p.columnsPerItem;
    rest /= columnBlocks;
    const m0 = (rest % rowBlocks) * p.slabChannels;
    const group = rest / rowBlocks;
    const n1 = min(n0 + p.columnsPerItem, columns);
    const m1 = min(m0 + p.slabChannels, p.inChannels);
    let accumulate = p.accumulate != 0;
    if (p.batch == 0 && !accumulate) zeroItem<T>(p, group, m0, m1, n0, n1);
    for (let step = p.stepBegin; step < p.stepEnd; step++) {
      let at = step;
      const w = (at % p.boxesW) * p.boxW;
      at /= p.boxesW;
      const h = (at % p.boxesH) * p.boxH;
      at /= p.boxesH;
      const d = (at % p.boxesD) * p.boxD;
      const image = (at / p.boxesD) * p.imagesPerItem;
      const image1 = min(image + p.imagesPerItem, p.batch);
      addBlock<T>(p, group, m0, m1, n0, n1, image, image1, d, h, w, accumulate, workspacePtr);
      accumulate = true;
    }
  }
}

/** The gradient of an empty batch. */
function zeroItem<T>(p: ConvParams, group: i32, m0: i32, m1: i32, n0: i32, n1: i32): void {
  for (let m = m0; m < m1; m++) {
    const rowPtr = p.weightPtr + geometry.bytes<T>((group * p.inChannels + m) * p.weightInStride);
    for (let n = n0; n < n1; n++) {
      const channel = n / p.taps;
      const tapOffset = load<i32>(p.tapTablePtr + ((<usize>(n - channel * p.taps)) << 3), 4);
      store<T>(rowPtr + geometry.bytes<T>(channel * p.weightOutStride + tapOffset), <T>0);
    }
  }
}

/** Adds the products of one block of K. */
function addBlock<T>(
  p: ConvParams,
  group: i32,
  m0: i32,
  m1: i32,
  n0: i32,
  n1: i32,
  image0: i32,
  image1: i32,
  d0: i32,
  h0: i32,
  w0: i32,
  accumulate: bool,
  workspacePtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  const d1 = min(d0 + p.boxD, p.inputD);
  const h1 = min(h0 + p.boxH, p.inputH);
  const w1 = min(w0 + p.boxW, p.inputW);
  const width = w1 - w0;
  const rows = h1 - h0;
  const count = (d1 - d0) * rows * width;
  const kc = count * (image1 - image0);
  if (!ASC_NO_ASSERT) {
    assert(kc > 0 && m0 < m1 && n0 < n1);
    assert(<usize>((n1 - n0 + nr - 1) / nr) * <usize>kc * 32 <= <usize>(p.tileOffset - p.panelsOffset));
  }
  const channel0 = n0 / p.taps;
  const channel1 = (n1 + p.taps - 1) / p.taps;
  const planesPtr = workspacePtr + p.planesOffset;
  const aPanelsPtr = workspacePtr + p.aPanelsOffset;
  const panelsPtr = workspacePtr + p.panelsOffset;
  for (let image = image0; image < image1; image++) {
    const kOffset = (image - image0) * count;
    const outputPtr =
      p.outputPtr +
      geometry.bytes<T>(image * p.outputBatchStride + (group * p.outChannels + channel0) * p.outputChannelStride);
    splitPlanes<T>(p, outputPtr, planesPtr, channel1 - channel0, d0, d1, h0, h1, w0, w1);
    packColumnsTransposed<T>(p, planesPtr, n0, n1, count, width, rows, kc, kOffset, panelsPtr);
    const inputPtr =
      p.inputPtr +
      geometry.bytes<T>(
        image * p.inputBatchStride +
          (group * p.inChannels + m0) * p.inputChannelStride +
          d0 * p.inputStrideD +
          h0 * p.inputStrideH +
          w0 * p.inputStrideW,
      );
    packInput<T>(p, inputPtr, m1 - m0, count, width, rows, kc, kOffset, aPanelsPtr);
  }
  const tilePtr = workspacePtr + p.tileOffset;
  const columnsPtr = tilePtr + edge.bufferBytes(p.mr);
  const rowPtr = p.weightPtr + geometry.bytes<T>((group * p.inChannels + m0) * p.weightInStride);
  let bPtr = panelsPtr;
  for (let n = n0; n < n1; n += nr) {
    const existing = min(nr, n1 - n);
    const dense = p.dense != 0 && existing == nr;
    let cPtr = rowPtr;
    if (p.dense) {
      cPtr += geometry.bytes<T>(n);
      edge.contiguousColumns<T>(columnsPtr);
    } else {
      weightOffsets<T>(p, n, existing, columnsPtr);
    }
    edge.runStrip<T>(
      p.mr,
      m1 - m0,
      kc,
      aPanelsPtr,
      bPtr,
      p.rowOffsetPtr,
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

/** Byte offset of columns n … n + existing − 1 in a gradient that is not contiguous. */
function weightOffsets<T>(p: ConvParams, n: i32, existing: i32, offsetsPtr: usize): void {
  for (let c = 0; c < existing; c++) {
    const channel = (n + c) / p.taps;
    const tap = n + c - channel * p.taps;
    const offset = channel * p.weightOutStride + load<i32>(p.tapTablePtr + ((<usize>tap) << 3), 4);
    store<i32>(offsetsPtr + ((<usize>c) << 2), <i32>geometry.bytes<T>(offset));
  }
}

/**
 * A panels of `channels` rows: K runs over the positions of a box. The panel is kc deep; this call fills `count`
 * from `kOffset` on. Rows beyond `channels` repeat the last one, nobody reads their result.
 */
function packInput<T>(
  p: ConvParams,
  inputPtr: usize,
  channels: i32,
  count: i32,
  width: i32,
  rows: i32,
  kc: i32,
  kOffset: i32,
  targetPtr: usize,
): void {
  const step = geometry.bytes<T>(p.mr);
  for (let m = 0; m < channels; m += p.mr) {
    let to = targetPtr + step * <usize>kOffset;
    for (let at = 0, row = 0; at < count; at += width, row++) {
      const slice = row / rows;
      const linePtr = inputPtr + geometry.bytes<T>(slice * p.inputStrideD + (row - slice * rows) * p.inputStrideH);
      if (p.inputStrideW == 1) {
        // rows in groups of four; the last group overlaps the one before when mr is not a multiple of four
        for (let r = 0; r < p.mr; r = r + 4 < p.mr ? min(r + 4, p.mr - 4) : p.mr) {
          transpose4<T>(
            channelRow<T>(p, linePtr, m + r, channels),
            channelRow<T>(p, linePtr, m + r + 1, channels),
            channelRow<T>(p, linePtr, m + r + 2, channels),
            channelRow<T>(p, linePtr, m + r + 3, channels),
            width,
            to + geometry.bytes<T>(r),
            step,
          );
        }
      } else {
        for (let r = 0; r < p.mr; r++) {
          let from = channelRow<T>(p, linePtr, m + r, channels);
          let at = to + geometry.bytes<T>(r);
          for (let w = 0; w < width; w++) {
            store<T>(at, load<T>(from));
            from += geometry.bytes<T>(p.inputStrideW);
            at += step;
          }
        }
      }
      to += step * <usize>width;
    }
    targetPtr += step * <usize>kc;
  }
}

function channelRow<T>(p: ConvParams, linePtr: usize, channel: i32, channels: i32): usize {
  return linePtr + geometry.bytes<T>(min(channel, channels - 1) * p.inputChannelStride);
}
