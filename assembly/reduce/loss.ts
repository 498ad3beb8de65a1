/**
 * Losses: the gradient and the sum of the values in one pass, in float64 whatever the dtype.
 * An item owns `itemLength` elements of the gradient and one float64 of the partial sums.
 */

import { LossParams } from '../params';
import { Transcendental } from '../elementwise/transcendental';

/*
 * Each loss has three methods; `common` is what value and gradient both need.
 */

@final
@unmanaged
class SquaredError {
  @inline common(prediction: v128, target: v128): v128 {
    return f64x2.sub(prediction, target);
  }

  @inline value(_prediction: v128, _target: v128, difference: v128): v128 {
    return f64x2.mul(difference, difference);
  }

  /** Without the factor 2, which is in `scale`. */
  @inline gradient(_prediction: v128, _target: v128, difference: v128, scale: v128): v128 {
    return f64x2.mul(difference, scale);
  }
}

@final
@unmanaged
class AbsoluteError {
  @inline common(prediction: v128, target: v128): v128 {
    return f64x2.sub(prediction, target);
  }

  @inline value(_prediction: v128, _target: v128, difference: v128): v128 {
    return f64x2.abs(difference);
  }

  /** The sign of the difference; 0 where they are equal or not comparable. */
  @inline gradient(prediction: v128, target: v128, _difference: v128, scale: v128): v128 {
    const above = v128.and(f64x2.gt(prediction, target), scale);
    return v128.or(above, v128.and(f64x2.lt(prediction, target), f64x2.neg(scale)));
  }
}

@final
@unmanaged
class BinaryCrossEntropyWithLogits {
  /** e^(−|x|), which never overflows. */
  @inline common(x: v128, _target: v128): v128 {
    return Transcendental.expSum<f64>(f64x2.neg(f64x2.abs(x)), f64x2.splat(0));
  }

  /** max(x, 0) − x t + log(1 + e^(−|x|)) */
  @inline value(x: v128, target: v128, tail: v128): v128 {
    const positive = f64x2.pmax(x, f64x2.splat(0));
    return f64x2.add(f64x2.sub(positive, f64x2.mul(x, target)), Transcendental.log1p(tail));
  }

  /** sigmoid(x) − t, the sigmoid as 1 / (1 + e^(−x)) or e^x / (1 + e^x) */
  @inline gradient(x: v128, target: v128, tail: v128, scale: v128): v128 {
    const one = f64x2.splat(1);
    const numerator = v128.bitselect(tail, one, f64x2.lt(x, f64x2.splat(0)));
    const sigmoid = f64x2.div(numerator, f64x2.add(one, tail));
    return f64x2.mul(f64x2.sub(sigmoid, target), scale);
  }
}

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

/** Writes the gradient of `count` elements from element `first` and returns the sum of their losses. */
function lossRow<K>(p: LossParams, first: i32, count: i32): f64 {
  const kernel = changetype<K>(<usize>0); // no instance: methods are inlined
  const bytes = <usize>p.elementBytes;
  const scale = f64x2.splat(p.scale);
  let sums = f64x2.splat(0);
  let offset = <usize>first * bytes;
  while (count > 0) {
    const whole = count > 1;
    const prediction = Pair.load(p.predictionPtr + offset, bytes, whole);
    const target = Pair.load(p.targetPtr + offset, bytes, whole);
    const common = kernel.common(prediction, target);
    Pair.store(p.gradPtr + offset, kernel.gradient(prediction, target, common, scale), bytes, whole);
    const value = kernel.value(prediction, target, common);
    sums = f64x2.add(sums, whole ? value : f64x2.replace_lane(value, 1, 0));
    offset += whole ? bytes + bytes : bytes;
    count -= whole ? 2 : 1;
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

export function loss(p: LossParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    const count = min(p.itemLength, p.length - first);
    let sum: f64;
    if (p.kind == 0) sum = lossRow<SquaredError>(p, first, count);
    else if (p.kind == 1) sum = lossRow<AbsoluteError>(p, first, count);
    else sum = lossRow<BinaryCrossEntropyWithLogits>(p, first, count);
    store<f64>(p.partialPtr + ((<usize>item) << 3), sum);
  }
}
