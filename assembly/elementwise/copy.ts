/** Copies between strided layouts. */

import { elements } from '../elements';
import { CopyParams } from '../params';

/** Items begin … end − 1 are positions of axes 0 … 3, row-major. */
export function copyStrided(p: CopyParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const i3 = rest % p.length3;
    rest /= p.length3;
    const i2 = rest % p.length2;
    rest /= p.length2;
    const i1 = rest % p.length1;
    const i0 = rest / p.length1;
    let sourcePtr =
      p.sourcePtr + (i0 * p.sourceStride0 + i1 * p.sourceStride1 + i2 * p.sourceStride2 + i3 * p.sourceStride3) * bytes;
    let targetPtr =
      p.targetPtr + (i0 * p.targetStride0 + i1 * p.targetStride1 + i2 * p.targetStride2 + i3 * p.targetStride3) * bytes;
    for (let i4 = 0; i4 < p.length4; i4++) {
      elements.copy(sourcePtr, p.sourceStride5 * bytes, targetPtr, p.targetStride5 * bytes, p.length5, bytes);
      sourcePtr += p.sourceStride4 * bytes;
      targetPtr += p.targetStride4 * bytes;
    }
  }
}
