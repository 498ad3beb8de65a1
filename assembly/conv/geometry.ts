/** Small integer helpers that the convolution kernels share. */

export class geometry {
  /** ⌊a ÷ b⌋ for b > 0 and any a. */
  @inline static floorDiv(a: i32, b: i32): i32 {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
  }

  /** ⌈a ÷ b⌉ for b > 0 and any a. */
  @inline static ceilDiv(a: i32, b: i32): i32 {
    return -geometry.floorDiv(-a, b);
  }

  /** Elements to bytes; wraps as addresses do, so that a negative offset can be added to a pointer. */
  @inline static bytes<T>(elements: i32): usize {
    return (<usize>elements) << alignof<T>();
  }

  /** Index of a residue in its table of reached phases, −1 when no tap reaches it. */
  @inline static phaseOf(residue: i32, stride: i32, phases: i32, residuesPtr: usize): i32 {
    return phases == stride ? residue : findResidue(residue, phases, residuesPtr);
  }

  /** A NaN or an infinity, by its bits: the optimiser may fold arithmetic tests away. */
  @inline static nonFinite<T>(value: T): bool {
    if (sizeof<T>() == 8) return (reinterpret<u64>(<f64>value) & 0x7ff0000000000000) == 0x7ff0000000000000;
    return (reinterpret<u32>(<f32>value) & 0x7f800000) == 0x7f800000;
  }
}

function findResidue(residue: i32, phases: i32, residuesPtr: usize): i32 {
  for (let i = 0; i < phases; i++) if (load<i32>(residuesPtr + ((<usize>i) << 2)) == residue) return i;
  return -1;
}
