/**
 * Which of two ways a gradient goes: differences of infinities are NaN where sums of products are not, and sums of large
 * numbers overflow. So the transforms are for tame operands alone, those whose channels have small sums of absolute
 * values.
 */

import { ConvParams } from '../params';

/** Bits of 2⁵⁵: a product of two sums, times what transforms add, at most 12³, is finite. */
const LIMIT: i32 = 0x5b000000;

/** True when a stage has nothing to do, because another way is taken. */
export function isIdle(p: ConvParams): bool {
  if (p.sums == 0) return false;
  for (let i = 0; i < p.sums; i++) {
    // bits of positive numbers are in their order
    if ((load<i32>(p.sumsPtr + (i << 2)) & 0x7fffffff) > LIMIT) return p.transformed != 0;
  }
  return p.transformed == 0;
}
