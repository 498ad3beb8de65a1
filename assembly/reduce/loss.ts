/**
 * Losses: the gradient and the sum of the values in one pass, in float64 whatever the dtype.
 * An item owns `itemLength` elements of the gradient and one float64 of the partial sums.
 */

import { LossParams } from '../params';
import { Transcendental } from '../elementwise/transcendental';

/** Kinds, as in src/plan/elementwise.ts. */
const SQUARED_ERROR: i32 = 0;
const ABSOLUTE_ERROR: i32 = 1;

/** Two elements, or one and a copy of it, as float64. */
class Pair {
  @inline static load(ptr: usize, bytes: usize, whole: bool): v128 {
    if (bytes == 8) return whole ? v128.load(ptr) : v128.load64_splat(ptr);
    return f64x2.promote_low_f32x4(whole ? v128.load64_zero(ptr) : v128.load32_splat(ptr));
  }

  @inline static store(ptr: usize, pair: v128, bytes: usize, whole: bool): void {
    if (bytes == 8) {
      if (whole) v128.store(ptr, pair);
      else v128.store64_lane(ptr, pair, 0);
    } else {
      const narrow = f32x4.demote_f64x2_zero(pair);
      if (whole) v128.store64_lane(ptr, narrow, 0);
      else v128.store32_lane(ptr, narrow, 0);
    }
  }
}

/** An item is a piece of `itemLength` elements. */
export function loss(p: LossParams, begin: i32, end: i32, _thread: i32): void {
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    store<f64>(p.partialPtr + (item << 3), lossPiece(p, first, min(p.itemLength, p.length - first)));
  }
}

/** Writes the gradient of `count` elements from element `first` and returns the sum of their losses. */
function lossPiece(p: LossParams, first: i32, count: i32): f64 {
  const bytes = <usize>p.elementBytes;
  const scale = f64x2.splat(p.scale);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  let sums = zero;
  let offset = <usize>first * bytes;
  while (count > 0) {
    const whole = count > 1;
    const prediction = Pair.load(p.predictionPtr + offset, bytes, whole);
    const target = Pair.load(p.targetPtr + offset, bytes, whole);
    let value: v128;
    let gradient: v128;
    if (p.kind <= ABSOLUTE_ERROR) {
      const difference = f64x2.sub(prediction, target);
      if (p.kind == SQUARED_ERROR) {
        value = f64x2.mul(difference, difference);
        gradient = f64x2.mul(difference, scale); // the factor 2 is in the scale
      } else {
        value = f64x2.abs(difference);
        // the sign of the difference; 0 where they are equal or not comparable
        const above = v128.and(f64x2.gt(prediction, target), scale);
        gradient = v128.or(above, v128.and(f64x2.lt(prediction, target), f64x2.neg(scale)));
      }
    } else {
      // e^(−|x|) never overflows; max(x, 0) − x t + log(1 + e^(−|x|))
      const tail = Transcendental.expSum<f64>(f64x2.neg(f64x2.abs(prediction)), zero);
      const linear = f64x2.sub(f64x2.pmax(prediction, zero), f64x2.mul(prediction, target));
      value = f64x2.add(linear, Transcendental.log1p(tail));
      // sigmoid(x) − t, the sigmoid as 1 / (1 + e^(−x)) or e^x / (1 + e^x)
      const numerator = v128.bitselect(tail, one, f64x2.lt(prediction, zero));
      const sigmoid = f64x2.div(numerator, f64x2.add(one, tail));
      gradient = f64x2.mul(f64x2.sub(sigmoid, target), scale);
    }
    Pair.store(p.gradPtr + offset, gradient, bytes, whole);
    sums = f64x2.add(sums, whole ? value : f64x2.replace_lane(value, 1, 0));
    offset += whole ? bytes + bytes : bytes;
    count -= whole ? 2 : 1;
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
