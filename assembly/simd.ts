/** The one multiply-add of the package: fused where the variant has relaxed SIMD. */

export class simd {
  /** Columns of a micro-kernel: two vectors. 8 for f32, 4 for f64. */
  @inline static nr<T>(): usize {
    return 32 / sizeof<T>();
  }

  /** a · b + c per lane. */
  @inline static madd<T>(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(a, b, c);
    return v128.add<T>(v128.mul<T>(a, b), c);
  }

  /** a · b + c of one element, rounded as `madd` rounds. */
  @inline static maddScalar<T extends number>(a: T, b: T, c: T): T {
    if (ASC_FEATURE_RELAXED_SIMD) {
      return v128.extract_lane<T>(v128.relaxed_madd<T>(v128.splat<T>(a), v128.splat<T>(b), v128.splat<T>(c)), 0);
    }
    return <T>(a * b + c);
  }
}
