/** Small integer helpers that the convolution kernels share. */

export class geometry {
  /** ⌈a ÷ b⌉ for b > 0 and any a. */
  static ceilDiv(a: i32, b: i32): i32 {
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
  }

  /** Elements to bytes; wraps as addresses do, so that a negative offset can be added to a pointer. */
  @inline static bytes<T>(elements: i32): usize {
    return (<usize>elements) << alignof<T>();
  }

  /** A NaN or an infinity, by its bits: the optimiser may fold arithmetic tests away. */
  @inline static nonFinite<T>(value: T): bool {
    if (sizeof<T>() == 8) return (reinterpret<u64>(<f64>value) & 0x7ff0000000000000) == 0x7ff0000000000000;
    return (reinterpret<u32>(<f32>value) & 0x7f800000) == 0x7f800000;
  }
}
