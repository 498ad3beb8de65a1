/** Copies between strided layouts. */

import { elements } from '../elements';
import { CopyParams } from '../params';

/** Items begin … end − 1 are positions of axes 0 … 3, row-major. */
export function copyStrided(p: CopyParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  for (let item = begin; item < end; item++) {
    let left = item;
    let sourcePtr = p.sourcePtr;
    let targetPtr = p.targetPtr;
    for (let axis = 3; axis >= 0; axis--) {
      const a = changetype<CopyParams>(changetype<usize>(p) + (axis << 2)); // its fields …0 are those of the axis
      const outer = left / a.length0;
      const index = left - outer * a.length0;
      sourcePtr += index * a.sourceStride0 * bytes;
      targetPtr += index * a.targetStride0 * bytes;
      left = outer;
    }
    for (let i4 = 0; i4 < p.length4; i4++) {
      elements.copy(sourcePtr, p.sourceStride5 * bytes, targetPtr, p.targetStride5 * bytes, p.length5, bytes);
      sourcePtr += p.sourceStride4 * bytes;
      targetPtr += p.targetStride4 * bytes;
    }
  }
}
