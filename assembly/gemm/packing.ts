/**
 * Packing of strided operands into micro-panels. A and B are packed alike: of A, `vectors` are rows and `width` is
 * mr; of B, they are columns and `width` is nr.
 */

import { geometry } from '../conv/geometry';
import { transpose4 } from '../conv/im2col';

/**
 * Micro-panels of kc x `width`, one after another: step p of a panel holds entry p of each of its vectors.
 * A panel that is not full repeats the last vector; nobody reads what comes of it.
 *
 * @param vectorStride elements from one vector to the next
 * @param depthStride elements from one entry of a vector to the next
 */
export function packPanels<T>(
  sourcePtr: usize,
  vectorStride: i32,
  depthStride: i32,
  vectors: i32,
  kc: i32,
  width: i32,
  targetPtr: usize,
): void {
  const step = geometry.bytes<T>(width);
  for (let first = 0; first < vectors; first += width) {
    if (depthStride == 1) {
      // four vectors at a time; the last four overlap the ones before when the width is not a multiple of four
      for (let v = 0; v < width; v = v + 4 < width ? min(v + 4, width - 4) : width) {
        transpose4<T>(
          vectorAt<T>(sourcePtr, vectorStride, first + v, vectors),
          vectorAt<T>(sourcePtr, vectorStride, first + v + 1, vectors),
          vectorAt<T>(sourcePtr, vectorStride, first + v + 2, vectors),
          vectorAt<T>(sourcePtr, vectorStride, first + v + 3, vectors),
          kc,
          targetPtr + geometry.bytes<T>(v),
          step,
        );
      }
    } else if (vectorStride == 1 && step == 32 && first + width <= vectors) {
      let from = sourcePtr + geometry.bytes<T>(first);
      let to = targetPtr;
      for (let p = 0; p < kc; p++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += geometry.bytes<T>(depthStride);
        to += 32;
      }
    } else {
      for (let v = 0; v < width; v++) {
        let from = vectorAt<T>(sourcePtr, vectorStride, first + v, vectors);
        let to = targetPtr + geometry.bytes<T>(v);
        for (let p = 0; p < kc; p++) {
          store<T>(to, load<T>(from));
          from += geometry.bytes<T>(depthStride);
          to += step;
        }
      }
    }
    targetPtr += step * <usize>kc;
  }
}

function vectorAt<T>(sourcePtr: usize, vectorStride: i32, index: i32, vectors: i32): usize {
  return sourcePtr + geometry.bytes<T>(min(index, vectors - 1) * vectorStride);
}
