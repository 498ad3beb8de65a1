/**
 * unfold (im2col) and fold (col2im, its adjoint): tap (kh, kw) of position (i, j) is the image element
 * (i · strideH − paddingH + kh · dilationH, j · strideW − paddingW + kw · dilationW). Outside the image there is
 * nothing: unfold writes 0, fold drops it.
 */

import { copyLine } from '../elementwise/copy';
import { ColumnsParams } from '../params';
import { geometry } from './geometry';

/** Item: a row of the columns, (image, channel, tap). */
export function unfold<T>(p: ColumnsParams, begin: i32, end: i32): void {
  const step = p.columnsPositionStride;
  const imageStep = p.strideW * p.imageStrideW;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const kw = rest % p.kernelW;
    rest /= p.kernelW;
    const kh = rest % p.kernelH;
    rest /= p.kernelH;
    const channel = rest % p.channels;
    const image = rest / p.channels;
    let targetPtr =
      p.columnsPtr +
      geometry.bytes<T>(
        image * p.columnsBatchStride + ((channel * p.kernelH + kh) * p.kernelW + kw) * p.columnsRowStride,
      );
    const left = kw * p.dilationW - p.paddingW;
    const j0 = firstPosition(p, left);
    const j1 = endPosition(p, left, j0);
    for (let i = 0; i < p.positionsH; i++) {
      const y = i * p.strideH + kh * p.dilationH - p.paddingH;
      let copied = j0;
      if (y >= 0 && y < p.height) {
        copied = j1;
        const x = j0 * p.strideW + left;
        const offset =
          image * p.imageBatchStride + channel * p.imageChannelStride + y * p.imageStrideH + x * p.imageStrideW;
        const sourcePtr = p.imagePtr + geometry.bytes<T>(offset);
        copyLine<T>(sourcePtr, imageStep, targetPtr + geometry.bytes<T>(j0 * step), step, j1 - j0);
      }
      zeroLine<T>(targetPtr, step, j0);
      zeroLine<T>(targetPtr + geometry.bytes<T>(copied * step), step, p.positionsW - copied);
      targetPtr += geometry.bytes<T>(p.positionsW * step);
    }
  }
}

/** Item: a row of the image, (image, channel, y), summed from its taps in order. */
export function fold<T>(p: ColumnsParams, begin: i32, end: i32): void {
  const step = geometry.bytes<T>(p.columnsPositionStride);
  const imageStep = geometry.bytes<T>(p.strideW * p.imageStrideW);
  for (let item = begin; item < end; item++) {
    const y = item % p.height;
    const channel = (item / p.height) % p.channels;
    const image = item / p.height / p.channels;
    const rowPtr =
      p.imagePtr +
      geometry.bytes<T>(image * p.imageBatchStride + channel * p.imageChannelStride + y * p.imageStrideH);
    zeroLine<T>(rowPtr, p.imageStrideW, p.width);
    for (let kh = 0; kh < p.kernelH; kh++) {
      const distance = y + p.paddingH - kh * p.dilationH;
      const i = distance / p.strideH;
      if (distance < 0 || i * p.strideH != distance || i >= p.positionsH) continue;
      for (let kw = 0; kw < p.kernelW; kw++) {
        const left = kw * p.dilationW - p.paddingW;
        const j0 = firstPosition(p, left);
        const offset =
          image * p.columnsBatchStride +
          ((channel * p.kernelH + kh) * p.kernelW + kw) * p.columnsRowStride +
          (i * p.positionsW + j0) * p.columnsPositionStride;
        let from = p.columnsPtr + geometry.bytes<T>(offset);
        let to = rowPtr + geometry.bytes<T>((j0 * p.strideW + left) * p.imageStrideW);
        for (let j = endPosition(p, left, j0) - j0; j > 0; j--) {
          store<T>(to, load<T>(to) + load<T>(from));
          from += step;
          to += imageStep;
        }
      }
    }
  }
}

/** First position along W that meets the image, for a tap that begins at x = `left`. */
function firstPosition(p: ColumnsParams, left: i32): i32 {
  return min(max(0, geometry.ceilDiv(-left, p.strideW)), p.positionsW);
}

/** One past the last such position, at least `first`. */
function endPosition(p: ColumnsParams, left: i32, first: i32): i32 {
  return max(first, min(p.positionsW, geometry.ceilDiv(p.width - left, p.strideW)));
}

function zeroLine<T>(ptr: usize, stride: i32, length: i32): void {
  for (; length > 0; length--) {
    store<T>(ptr, <T>0);
    ptr += geometry.bytes<T>(stride);
  }
}
