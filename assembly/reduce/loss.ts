/**
 * Losses: the gradient and the sum of the values in one pass, in float64 whatever the dtype.
 * An item owns `itemLength` elements of the gradient and one float64 of the partial sums.
 */

import { LossParams } from '../params';
import { Transcendental } from '../elementwise/transcendental';

@final
@unmanaged
class SquaredError {
  @inline value(prediction: v128, target: v128): v128 {
    const d = f64x2.sub(prediction, target);
    return f64x2.mul(d, d);
  }

  /** Without the factor 2, which is in `scale`. */
  @inline gradient(prediction: v128, target: v128, scale: v128): v128 {
    return f64x2.mul(f64x2.sub(prediction, target), scale);
  }
}

@final
@unmanaged
class AbsoluteError {
  @inline value(prediction: v128, target: v128): v128 {
    return f64x2.abs(f64x2.sub(prediction, target));
  }

  /** The sign of the difference; 0 where they are equal or not comparable. */
  @inline gradient(prediction: v128, target: v128, scale: v128): v128 {
    const above = v128.and(f64x2.gt(prediction, target), scale);
    return v128.or(above, v128.and(f64x2.lt(prediction, target), f64x2.neg(scale)));
  }
}

@final
@unmanaged
class BinaryCrossEntropyWithLogits {
  /** max(x, 0) − x t + log(1 + e^(−|x|)), which never overflows. */
  @inline value(x: v128, target: v128): v128 {
    const zero = f64x2.splat(0);
    const positive = f64x2.pmax(x, zero);
    const tail = Transcendental.log1p(Transcendental.expSum<f64>(f64x2.neg(f64x2.abs(x)), zero));
    return f64x2.add(f64x2.sub(positive, f64x2.mul(x, target)), tail);
  }

  @inline gradient(x: v128, target: v128, scale: v128): v128 {
    return f64x2.mul(f64x2.sub(Transcendental.sigmoid<f64>(x), target), scale);
  }
}

/** Two elements, or one and a copy of it, as float64. */
class Pair {
  @inline static load<T>(ptr: usize, whole: bool): v128 {
    if (!whole) return f64x2.splat(<f64>load<T>(ptr));
    if (sizeof<T>() == 4) return f64x2.promote_low_f32x4(v128.load64_zero(ptr));
    return v128.load(ptr);
  }

  @inline static store<T>(ptr: usize, pair: v128, whole: bool): void {
    if (!whole) store<T>(ptr, <T>f64x2.extract_lane(pair, 0));
    else if (sizeof<T>() == 4) v128.store64_lane(ptr, f32x4.demote_f64x2_zero(pair), 0);
    else v128.store(ptr, pair);
  }
}

/** Writes the gradient of `count` elements and returns the sum of their losses. */
function lossRow<T, K>(predictionPtr: usize, targetPtr: usize, gradPtr: usize, count: i32, scale: f64): f64 {
  const kernel = changetype<K>(<usize>0); // no instance: methods are inlined
  const scaleLanes = f64x2.splat(scale);
  let sums = f64x2.splat(0);
  while (count > 0) {
    const whole = count > 1;
    const prediction = Pair.load<T>(predictionPtr, whole);
    const target = Pair.load<T>(targetPtr, whole);
    Pair.store<T>(gradPtr, kernel.gradient(prediction, target, scaleLanes), whole);
    const value = kernel.value(prediction, target);
    sums = f64x2.add(sums, whole ? value : f64x2.replace_lane(value, 1, 0));
    const step: usize = whole ? 2 * sizeof<T>() : sizeof<T>();
    predictionPtr += step;
    targetPtr += step;
    gradPtr += step;
    count -= whole ? 2 : 1;
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

export function loss<T>(p: LossParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    const offset = (<usize>first) << alignof<T>();
    const count = min(p.itemLength, p.length - first);
    const predictionPtr = p.predictionPtr + offset;
    const targetPtr = p.targetPtr + offset;
    const gradPtr = p.gradPtr + offset;
    let sum: f64;
    if (p.kind == 0) sum = lossRow<T, SquaredError>(predictionPtr, targetPtr, gradPtr, count, p.scale);
    else if (p.kind == 1) sum = lossRow<T, AbsoluteError>(predictionPtr, targetPtr, gradPtr, count, p.scale);
    else sum = lossRow<T, BinaryCrossEntropyWithLogits>(predictionPtr, targetPtr, gradPtr, count, p.scale);
    store<f64>(p.partialPtr + ((<usize>item) << 3), sum);
  }
}
