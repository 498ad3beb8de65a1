/**
 * Activation functions and their gradients on contiguous rows. The table of kinds is src/core/activation.ts.
 *
 * Both are one function, so that what they share is in the module once. The gradient is computed from what the
 * forward pass saved: the output of tanh and sigmoid, either of ReLU and of leaky ReLU with a slope ≥ 0, the input of
 * the others.
 */

import { simd } from '../simd';
import { Lanes } from './lanes';
import { Transcendental } from './transcendental';

/** 1 / √(2π) */
const GAUSSIAN_DENSITY: f64 = 0.3989422804014327;

/*
 * Each kind has one method. Forward (`backward` false): the activation of x. Backward: grad times the derivative,
 * where x is what was saved.
 */

@final
@unmanaged
class Relu<T> {
  /** −0 stays −0, NaN stays NaN and lets the gradient through, as in PyTorch. */
  @inline apply(x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    const zero = Lanes.splat<T>(0);
    return backward ? v128.andnot(grad, v128.le<T>(x, zero)) : v128.pmax<T>(x, zero);
  }
}

@final
@unmanaged
class Tanh<T> {
  @inline apply(x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    if (!backward) return Transcendental.tanh<T>(x);
    return v128.mul<T>(grad, v128.sub<T>(Lanes.splat<T>(1), v128.mul<T>(x, x)));
  }
}

@final
@unmanaged
class Sigmoid<T> {
  @inline apply(x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    if (!backward) return Transcendental.sigmoid<T>(x);
    return v128.mul<T>(v128.mul<T>(grad, v128.sub<T>(Lanes.splat<T>(1), x)), x);
  }
}

@final
@unmanaged
class Silu<T> {
  @inline apply(x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    const one = Lanes.splat<T>(1);
    const s = Transcendental.sigmoid<T>(x);
    if (!backward) return v128.mul<T>(x, s);
    const slope = v128.add<T>(one, v128.mul<T>(x, v128.sub<T>(one, s)));
    return v128.mul<T>(v128.mul<T>(grad, s), slope);
  }
}

@final
@unmanaged
class Gelu<T> {
  @inline apply(x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    const gaussian = Transcendental.gaussian<T>(x);
    const cdf = Transcendental.normalCdf<T>(x, gaussian);
    if (!backward) return v128.mul<T>(x, cdf);
    const density = v128.mul<T>(gaussian, Lanes.splat<T>(GAUSSIAN_DENSITY));
    return v128.mul<T>(grad, simd.madd<T>(x, density, cdf));
  }
}

@final
@unmanaged
class LeakyRelu<T> {
  @inline apply(x: v128, grad: v128, backward: bool, slope: v128, _b: v128): v128 {
    const factor = backward ? grad : x;
    return v128.bitselect(factor, v128.mul<T>(factor, slope), v128.gt<T>(x, Lanes.splat<T>(0)));
  }
}

@final
@unmanaged
class Clamp<T> {
  @inline apply(x: v128, grad: v128, backward: bool, minimum: v128, maximum: v128): v128 {
    if (!backward) return v128.pmin<T>(v128.pmax<T>(x, minimum), maximum);
    return v128.and(grad, v128.and(v128.ge<T>(x, minimum), v128.le<T>(x, maximum)));
  }
}

/** `target[i] = K.apply(saved[i], grad[i])`; `gradPtr` 0 means forward. Target may be one of the others. */
function map<T, K>(savedPtr: usize, gradPtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
  const kernel = changetype<K>(<usize>0); // no instance: methods are inlined
  const aLanes = Lanes.splat<T>(a);
  const bLanes = Lanes.splat<T>(b);
  const backward = gradPtr != 0;
  // one loop for whole vectors and the edge: the function's code is there once
  let offset: usize = 0;
  while (count > 0) {
    const whole = count >= Lanes.count<T>();
    const x = Lanes.loadSome<T>(savedPtr + offset, whole);
    const grad = backward ? Lanes.loadSome<T>(gradPtr + offset, whole) : x;
    Lanes.storeSome<T>(targetPtr + offset, kernel.apply(x, grad, backward, aLanes, bLanes), whole);
    offset += whole ? 16 : sizeof<T>();
    count -= whole ? Lanes.count<T>() : 1;
  }
}

export class Activation {
  /** Applies activation `kind` with parameters `a`, `b` to `count` contiguous elements, in place. */
  @inline static row<T>(kind: i32, ptr: usize, count: i32, a: f64, b: f64): void {
    Activation.apply<T>(kind, ptr, 0, ptr, count, a, b);
  }

  /**
   * `target = activation(saved)`, or with a `gradPtr` that is not 0 `target = grad · activation′`; `count` contiguous
   * elements each. Target may be one of the others.
   */
  static apply<T>(kind: i32, savedPtr: usize, gradPtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
    switch (kind) {
      case 1:
        map<T, Relu<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 2:
        map<T, Tanh<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 3:
        map<T, Sigmoid<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 4:
        map<T, Silu<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 5:
        map<T, Gelu<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 6:
        map<T, LeakyRelu<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      case 7:
        map<T, Clamp<T>>(savedPtr, gradPtr, targetPtr, count, a, b);
        break;
      default:
        memory.copy(targetPtr, gradPtr != 0 ? gradPtr : savedPtr, (<usize>count) << alignof<T>());
    }
  }
}
