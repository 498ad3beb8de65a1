/**
 * Moves, fills and sums of strided elements of 4 or 8 bytes, of which only the size is known: bits move as they are,
 * and what is added is float32 or float64. Steps are in bytes.
 */

import { simd } from './simd';

/** Bytes from which on a call out of wasm to copy them is worth it. */
const LONG = 512;

export class element {
  /** Copies one. */
  @inline static move(from: usize, to: usize, bytes: i32): void {
    if (bytes == 8) store<u64>(to, load<u64>(from));
    else store<u32>(to, load<u32>(from));
  }

  /** Reads one number. */
  @inline static number(ptr: usize, bytes: i32): f64 {
    return bytes == 8 ? load<f64>(ptr) : <f64>load<f32>(ptr);
  }

  /** Adds to one number, in float64. */
  @inline static add(ptr: usize, value: f64, bytes: i32): void {
    if (bytes == 8) store<f64>(ptr, load<f64>(ptr) + value);
    else store<f32>(ptr, <f32>(<f64>load<f32>(ptr) + value));
  }

  /** Adds the product of two numbers, rounded as in micro-kernels. */
  static madd(aPtr: usize, bPtr: usize, sumPtr: usize, bytes: i32): void {
    if (bytes == 8) store<f64>(sumPtr, simd.maddScalar<f64>(load<f64>(aPtr), load<f64>(bPtr), load<f64>(sumPtr)));
    else store<f32>(sumPtr, simd.maddScalar<f32>(load<f32>(aPtr), load<f32>(bPtr), load<f32>(sumPtr)));
  }

  /** Sums of lanes. */
  @inline static sums(a: v128, b: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.add(a, b) : f32x4.add(a, b);
  }

  /** The lanes of one vector added up, in float64. */
  static total(lanes: v128, bytes: i32): f64 {
    const low = bytes == 8 ? lanes : f64x2.promote_low_f32x4(lanes);
    const sum = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
    if (bytes == 8) return sum;
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(lanes, lanes, 1, 1));
    return sum + f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1);
  }

  /** One in every lane. */
  @inline static splat(ptr: usize, bytes: i32): v128 {
    return bytes == 8 ? v128.load64_splat(ptr) : v128.load32_splat(ptr);
  }
}

/** Lines and grids of them. */
export class elements {
  /** Copies `count` elements, here also of 2 bytes; may be none at an address outside memory. */
  static copy(from: usize, fromStep: usize, to: usize, toStep: usize, count: i32, bytes: i32): void {
    if (count <= 0) return;
    if (fromStep == bytes && toStep == bytes) {
      if (count * bytes >= LONG) {
        memory.copy(to, from, count * bytes);
        return;
      }
      for (const lanes = 16 / bytes; count >= lanes; count -= lanes) {
        v128.store(to, v128.load(from));
        from += 16;
        to += 16;
      }
    }
    for (; bytes == 4 && count > 0; count--) {
      store<u32>(to, load<u32>(from));
      from += fromStep;
      to += toStep;
    }
    for (; count > 0; count--) {
      if (bytes == 8) store<u64>(to, load<u64>(from));
      else store<u16>(to, load<u16>(from));
      from += fromStep;
      to += toStep;
    }
  }

  /** Adds `count` floating-point numbers to others. */
  static add(from: usize, fromStep: usize, to: usize, toStep: usize, count: i32, bytes: i32): void {
    if (fromStep == bytes && toStep == bytes) {
      for (; count * bytes >= 16; count -= 16 / bytes) {
        const value = v128.load(from);
        const sum = v128.load(to);
        v128.store(to, element.sums(sum, value, bytes));
        from += 16;
        to += 16;
      }
    }
    for (; count > 0; count--) {
      if (bytes == 8) store<f64>(to, load<f64>(to) + load<f64>(from));
      else store<f32>(to, load<f32>(to) + load<f32>(from));
      from += fromStep;
      to += toStep;
    }
  }

  /** Stores `value`, an element in every lane, into `rows` x `columns` elements. */
  static fill(ptr: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize, value: v128, bytes: i32): void {
    const lanes = 16 / bytes;
    for (; columns > 0 && rows > 0; rows--) {
      let at = ptr;
      let left = columns;
      if (columnStep == bytes) {
        for (; left >= lanes; left -= lanes) {
          v128.store(at, value);
          at += 16;
        }
      }
      for (; left > 0; left--) {
        if (bytes == 8) v128.store64_lane(at, value, 0);
        else v128.store32_lane(at, value, 0);
        at += columnStep;
      }
      ptr += rowStep;
    }
  }

  /** True when one of `count` floating-point numbers is a NaN or an infinity. By bits: the optimiser folds tests away. */
  static anyNonFinite(ptr: usize, count: i32, bytes: i32): bool {
    const exponent = bytes == 8 ? 0x7ff00000 : 0x7f800000;
    ptr += bytes - 4; // to the half with the exponent
    for (; count > 0; count--) {
      if ((load<i32>(ptr) & exponent) == exponent) return true;
      ptr += bytes;
    }
    return false;
  }
}
