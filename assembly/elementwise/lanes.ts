/**
 * Vector arithmetic for float32 (4 lanes) and float64 (2 lanes) from one source.
 *
 * A lane's result depends on that lane alone, so the edge of a row, computed with one element in
 * every lane, has the bits that a full vector gives.
 */

import { simd } from '../simd';

/** Helpers of the elementwise kernels. `T` is f32 or f64. */
export class Lanes {
  /** Lanes of a vector. */
  @inline static count<T>(): i32 {
    return 16 / <i32>sizeof<T>();
  }

  @inline static splat<T>(value: f64): v128 {
    return v128.splat<T>(<T>value);
  }

  /** A whole vector, or one element in every lane. */
  @inline static loadSome<T>(ptr: usize, whole: bool): v128 {
    if (whole) return v128.load(ptr);
    if (sizeof<T>() == 4) return v128.load32_splat(ptr);
    return v128.load64_splat(ptr);
  }

  /** A whole vector, or the element in the first lane. */
  @inline static storeSome<T>(ptr: usize, vector: v128, whole: bool): void {
    if (whole) v128.store(ptr, vector);
    else if (sizeof<T>() == 4) v128.store32_lane(ptr, vector, 0);
    else v128.store64_lane(ptr, vector, 0);
  }

  /** x * polynomial + coefficient: one step of Horner's rule. */
  @inline static horner<T>(x: v128, polynomial: v128, coefficient: f64): v128 {
    return simd.madd<T>(x, polynomial, Lanes.splat<T>(coefficient));
  }

  /** Integers nearest to x, as i32 in the lowest lanes. */
  @inline static toInteger<T>(x: v128): v128 {
    if (sizeof<T>() == 4) return i32x4.trunc_sat_f32x4_s(x);
    return i32x4.trunc_sat_f64x2_s_zero(x);
  }

  /** 2^n of integers that `toInteger` made; n must be the exponent of a normal number. */
  @inline static powerOfTwo<T>(n: v128): v128 {
    if (sizeof<T>() == 4) return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
    return i64x2.shl(i64x2.add(i64x2.extend_low_i32x4_s(n), i64x2.splat(1023)), 52);
  }

  /** The bits of x without the lower half of the mantissa: its square is exact. */
  @inline static upperHalf<T>(x: v128): v128 {
    if (sizeof<T>() == 4) return v128.and(x, i32x4.splat(<i32>0xfffff000));
    return v128.and(x, i64x2.splat(<i64>0xfffffffff8000000));
  }

  /** |magnitude| with the sign of x; magnitude must not be negative. */
  @inline static withSign<T>(magnitude: v128, x: v128): v128 {
    return v128.or(magnitude, v128.and(x, Lanes.splat<T>(-0.0)));
  }
}
