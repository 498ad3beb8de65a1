/**
 * unfold (im2col) and fold (col2im, its adjoint): tap (kh, kw) of position (i, j) is the image element
 * (i · strideH − paddingH + kh · dilationH, j · strideW − paddingW + kw · dilationW). Outside the image there is
 * nothing: unfold writes 0, fold drops it.
 */

import { elements } from '../elements';
import { ColumnsParams } from '../params';
import { geometry } from './geometry';

/** Item: (image, channel) of both sides. */
export function fold(p: ColumnsParams, begin: i32, end: i32, _thread: i32): void {
  walkColumns(p, begin, end, true);
}

/** Item: (image, channel) of both sides. */
export function unfold(p: ColumnsParams, begin: i32, end: i32, _thread: i32): void {
  walkColumns(p, begin, end, false);
}

/**
 * Walks positions and taps line by line.
 * @param adding fold: image += columns; else unfold: columns = image
 */
function walkColumns(p: ColumnsParams, begin: i32, end: i32, adding: bool): void {
  const bytes = p.elementBytes;
  const taps = p.kernelH * p.kernelW;
  const imageStep = p.imageStrideW * bytes;
  const columnsStep = p.columnsPositionStride * bytes;
  for (let item = begin; item < end; item++) {
    const batch = item / p.channels;
    const channel = item - batch * p.channels;
    const imagePtr = p.imagePtr + (batch * p.imageBatchStride + channel * p.imageChannelStride) * bytes;
    const columnsPtr = p.columnsPtr + (batch * p.columnsBatchStride + channel * taps * p.columnsRowStride) * bytes;
    if (adding) {
      elements.fill(imagePtr, p.height, p.imageStrideH * bytes, p.width, imageStep, i32x4.splat(0), bytes);
    } else if ((p.paddingH | p.paddingW) != 0) {
      const positions = p.positionsH * p.positionsW;
      elements.fill(columnsPtr, taps, p.columnsRowStride * bytes, positions, columnsStep, i32x4.splat(0), bytes);
    }
    for (let i = 0; i < p.positionsH; i++) {
      for (let kh = 0; kh < p.kernelH; kh++) {
        const y = i * p.strideH - p.paddingH + kh * p.dilationH;
        if (y < 0 || y >= p.height) continue;
        for (let kw = 0; kw < p.kernelW; kw++) {
          const left = kw * p.dilationW - p.paddingW;
          const j0 = max(0, geometry.ceilDiv(-left, p.strideW));
          const count = min(p.positionsW, geometry.ceilDiv(p.width - left, p.strideW)) - j0;
          const pixelsPtr = imagePtr + y * p.imageStrideH * bytes + (j0 * p.strideW + left) * imageStep;
          const linePtr =
            columnsPtr + (kh * p.kernelW + kw) * p.columnsRowStride * bytes + (i * p.positionsW + j0) * columnsStep;
          if (adding) elements.add(linePtr, columnsStep, pixelsPtr, p.strideW * imageStep, count, bytes);
          else elements.copy(pixelsPtr, p.strideW * imageStep, linePtr, columnsStep, count, bytes);
        }
      }
    }
  }
}
