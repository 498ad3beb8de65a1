/**
 * float16 to float32, exactly, and back, to the nearest with ties to even. Infinities stay, NaN stays NaN,
 * subnormal numbers of both kinds are numbers like others.
 */

import { HalfParams } from '../params';
import { Lanes } from './lanes';

/** Bits of the float32 whose exponent is `exponent` and whose fraction is 0. */
class Power {
  @inline static bits(exponent: i32): v128 {
    return i32x4.splat((exponent + 127) << 23);
  }
}

/** Items are pieces of `itemLength` elements. */
export function convertHalf(p: HalfParams, begin: i32, end: i32, _thread: i32): void {
  const first = begin * p.itemLength;
  let count = min(end * p.itemLength, p.length) - first;
  let halfPtr = p.halfPtr + ((<usize>first) << 1);
  let floatPtr = p.floatPtr + ((<usize>first) << 2);
  while (count > 0) {
    const whole = count >= 4;
    if (p.toFloat) {
      const bits = whole ? v128.load16x4_u(halfPtr) : i32x4.extend_low_i16x8_u(v128.load16_splat(halfPtr));
      Lanes.storeSome<f32>(floatPtr, widen(bits), whole);
    } else {
      const bits = narrow(Lanes.loadSome<f32>(floatPtr, whole));
      if (whole) v128.store64_lane(halfPtr, bits, 0);
      else v128.store16_lane(halfPtr, bits, 0);
    }
    halfPtr += whole ? 8 : 2;
    floatPtr += whole ? 16 : 4;
    count -= whole ? 4 : 1;
  }
}

/** Halves in the lower 16 bits of each lane. */
function widen(bits: v128): v128 {
  const magnitude = v128.and(bits, i32x4.splat(0x7fff));
  // the product is exact: it only moves the exponent, of subnormal halves too
  const finite = f32x4.mul(i32x4.shl(magnitude, 13), Power.bits(112));
  const special = v128.and(i32x4.ge_s(magnitude, i32x4.splat(0x7c00)), Power.bits(128));
  return v128.or(v128.or(finite, special), i32x4.shl(v128.andnot(bits, i32x4.splat(0x7fff)), 16));
}

/** Halves in the first four of eight lanes. */
function narrow(value: v128): v128 {
  const magnitude = v128.and(value, i32x4.splat(0x7fffffff));
  const sign = v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000));
  // half a unit minus one, and one more where the last bit that stays is odd; the carry may reach the exponent
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, odd), i32x4.splat(0xfff - (112 << 23)));
  const normal = i32x4.min_s(i32x4.shr_s(rounded, 13), i32x4.splat(0x7c00));
  // adding 1/2 aligns the last bit that stays with the last bit of the sum
  const subnormal = i32x4.sub(f32x4.add(magnitude, Power.bits(-1)), Power.bits(-1));
  let half = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, Power.bits(-14)));
  half = v128.bitselect(i32x4.splat(0x7e00), half, i32x4.gt_s(magnitude, Power.bits(128)));
  return i16x8.narrow_i32x4_u(v128.or(half, sign), half);
}
