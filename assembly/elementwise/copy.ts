/** Copies between strided layouts. */

import { CopyParams } from '../params';

/** Items begin … end − 1 are positions of axes 0 … 3, row-major. */
export function copyStrided<T>(p: CopyParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    let rest = item;
    const i3 = rest % p.length3;
    rest /= p.length3;
    const i2 = rest % p.length2;
    rest /= p.length2;
    const i1 = rest % p.length1;
    const i0 = rest / p.length1;
    let sourcePtr =
      p.sourcePtr +
      ((<usize>(i0 * p.sourceStride0 + i1 * p.sourceStride1 + i2 * p.sourceStride2 + i3 * p.sourceStride3)) <<
        alignof<T>());
    let targetPtr =
      p.targetPtr +
      ((<usize>(i0 * p.targetStride0 + i1 * p.targetStride1 + i2 * p.targetStride2 + i3 * p.targetStride3)) <<
        alignof<T>());
    for (let i4 = 0; i4 < p.length4; i4++) {
      copyLine<T>(sourcePtr, p.sourceStride5, targetPtr, p.targetStride5, p.length5);
      sourcePtr += (<usize>p.sourceStride4) << alignof<T>();
      targetPtr += (<usize>p.targetStride4) << alignof<T>();
    }
  }
}

/** Copies `length` elements, which may be none at an address outside memory; strides count elements. */
export function copyLine<T>(
  sourcePtr: usize,
  sourceStride: i32,
  targetPtr: usize,
  targetStride: i32,
  length: i32,
): void {
  if (length <= 0) return;
  if (sourceStride == 1 && targetStride == 1) {
    memory.copy(targetPtr, sourcePtr, (<usize>length) << alignof<T>());
    return;
  }
  const sourceStep = (<usize>sourceStride) << alignof<T>();
  const targetStep = (<usize>targetStride) << alignof<T>();
  for (; length > 0; length--) {
    store<T>(targetPtr, load<T>(sourcePtr));
    sourcePtr += sourceStep;
    targetPtr += targetStep;
  }
}
