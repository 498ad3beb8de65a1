/** Activation functions on contiguous rows. The table of kinds is src/core/activation.ts. */

import { Lanes } from './lanes';
import { Transcendental } from './transcendental';

@final
@unmanaged
class Relu<T> {
  /** −0 stays −0 and NaN stays NaN, as in PyTorch. */
  @inline value(x: v128, _a: v128, _b: v128): v128 {
    return v128.pmax<T>(x, Lanes.splat<T>(0));
  }
}

@final
@unmanaged
class Tanh<T> {
  @inline value(x: v128, _a: v128, _b: v128): v128 {
    return Transcendental.tanh<T>(x);
  }
}

@final
@unmanaged
class Sigmoid<T> {
  @inline value(x: v128, _a: v128, _b: v128): v128 {
    return Transcendental.sigmoid<T>(x);
  }
}

@final
@unmanaged
class Silu<T> {
  @inline value(x: v128, _a: v128, _b: v128): v128 {
    return v128.div<T>(x, Transcendental.logisticDenominator<T>(x));
  }
}

@final
@unmanaged
class Gelu<T> {
  @inline value(x: v128, _a: v128, _b: v128): v128 {
    return v128.mul<T>(x, Transcendental.normalCdf<T>(x, Transcendental.gaussian<T>(x)));
  }
}

@final
@unmanaged
class LeakyRelu<T> {
  @inline value(x: v128, slope: v128, _b: v128): v128 {
    return v128.bitselect(x, v128.mul<T>(x, slope), v128.gt<T>(x, Lanes.splat<T>(0)));
  }
}

@final
@unmanaged
class Clamp<T> {
  @inline value(x: v128, minimum: v128, maximum: v128): v128 {
    return v128.pmin<T>(v128.pmax<T>(x, minimum), maximum);
  }
}

/** `target[i] = K.value(source[i])`; the two may be the same row. */
function map<T, K>(sourcePtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
  const kernel = changetype<K>(<usize>0); // no instance: methods are inlined
  const aLanes = Lanes.splat<T>(a);
  const bLanes = Lanes.splat<T>(b);
  // one loop for whole vectors and the edge: the function's code is there once
  while (count > 0) {
    const whole = count >= Lanes.count<T>();
    const x = Lanes.loadSome<T>(sourcePtr, whole);
    const y = kernel.value(x, aLanes, bLanes);
    Lanes.storeSome<T>(targetPtr, y, whole);
    const step: usize = whole ? 16 : sizeof<T>();
    sourcePtr += step;
    targetPtr += step;
    count -= whole ? Lanes.count<T>() : 1;
  }
}

export class Activation {
  /** Applies activation `kind` with parameters `a`, `b` to `count` contiguous elements, in place. */
  static row<T>(kind: i32, ptr: usize, count: i32, a: f64, b: f64): void {
    Activation.apply<T>(kind, ptr, ptr, count, a, b);
  }

  /** `target = activation(source)`, `count` contiguous elements each; the two may be the same. */
  static apply<T>(kind: i32, sourcePtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
    switch (kind) {
      case 1:
        map<T, Relu<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 2:
        map<T, Tanh<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 3:
        map<T, Sigmoid<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 4:
        map<T, Silu<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 5:
        map<T, Gelu<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 6:
        map<T, LeakyRelu<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      case 7:
        map<T, Clamp<T>>(sourcePtr, targetPtr, count, a, b);
        break;
      default:
        if (sourcePtr != targetPtr) memory.copy(targetPtr, sourcePtr, (<usize>count) << alignof<T>());
    }
  }
}
