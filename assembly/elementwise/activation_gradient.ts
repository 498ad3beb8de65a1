/**
 * Gradients of activations: gradOutput times the derivative, from what the forward pass saved:
 * the output of tanh and sigmoid, the input of the others.
 */

import { Lanes } from './lanes';
import { Transcendental } from './transcendental';

/** 1 / √(2π) */
const GAUSSIAN_DENSITY: f64 = 0.3989422804014327;

@final
@unmanaged
class ReluGradient<T> {
  /** A NaN lets the gradient through, as in PyTorch. */
  @inline value(grad: v128, saved: v128, _a: v128, _b: v128): v128 {
    return v128.andnot(grad, v128.le<T>(saved, Lanes.splat<T>(0)));
  }
}

@final
@unmanaged
class TanhGradient<T> {
  @inline value(grad: v128, output: v128, _a: v128, _b: v128): v128 {
    return v128.mul<T>(grad, v128.sub<T>(Lanes.splat<T>(1), v128.mul<T>(output, output)));
  }
}

@final
@unmanaged
class SigmoidGradient<T> {
  @inline value(grad: v128, output: v128, _a: v128, _b: v128): v128 {
    return v128.mul<T>(v128.mul<T>(grad, v128.sub<T>(Lanes.splat<T>(1), output)), output);
  }
}

@final
@unmanaged
class SiluGradient<T> {
  @inline value(grad: v128, x: v128, _a: v128, _b: v128): v128 {
    const one = Lanes.splat<T>(1);
    const s = Transcendental.sigmoid<T>(x);
    const slope = v128.add<T>(one, v128.mul<T>(x, v128.sub<T>(one, s)));
    return v128.mul<T>(v128.mul<T>(grad, s), slope);
  }
}

@final
@unmanaged
class GeluGradient<T> {
  @inline value(grad: v128, x: v128, _a: v128, _b: v128): v128 {
    const gaussian = Transcendental.gaussian<T>(x);
    const density = v128.mul<T>(gaussian, Lanes.splat<T>(GAUSSIAN_DENSITY));
    return v128.mul<T>(grad, v128.add<T>(Transcendental.normalCdf<T>(x, gaussian), v128.mul<T>(x, density)));
  }
}

@final
@unmanaged
class LeakyReluGradient<T> {
  @inline value(grad: v128, x: v128, slope: v128, _b: v128): v128 {
    return v128.bitselect(grad, v128.mul<T>(grad, slope), v128.gt<T>(x, Lanes.splat<T>(0)));
  }
}

@final
@unmanaged
class ClampGradient<T> {
  @inline value(grad: v128, x: v128, minimum: v128, maximum: v128): v128 {
    return v128.and(grad, v128.and(v128.ge<T>(x, minimum), v128.le<T>(x, maximum)));
  }
}

/** `target[i] = K.value(grad[i], saved[i])`; target may be grad. */
function mapGradient<T, K>(gradPtr: usize, savedPtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
  const kernel = changetype<K>(<usize>0); // no instance: methods are inlined
  const aLanes = Lanes.splat<T>(a);
  const bLanes = Lanes.splat<T>(b);
  while (count > 0) {
    const whole = count >= Lanes.count<T>();
    const grad = Lanes.loadSome<T>(gradPtr, whole);
    const saved = Lanes.loadSome<T>(savedPtr, whole);
    const result = kernel.value(grad, saved, aLanes, bLanes);
    Lanes.storeSome<T>(targetPtr, result, whole);
    const step: usize = whole ? 16 : sizeof<T>();
    gradPtr += step;
    savedPtr += step;
    targetPtr += step;
    count -= whole ? Lanes.count<T>() : 1;
  }
}

export class ActivationGradient {
  /** `target = grad · activation′`, `count` contiguous elements each; target may be grad. */
  static apply<T>(kind: i32, gradPtr: usize, savedPtr: usize, targetPtr: usize, count: i32, a: f64, b: f64): void {
    switch (kind) {
      case 1:
        mapGradient<T, ReluGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 2:
        mapGradient<T, TanhGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 3:
        mapGradient<T, SigmoidGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 4:
        mapGradient<T, SiluGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 5:
        mapGradient<T, GeluGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 6:
        mapGradient<T, LeakyReluGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      case 7:
        mapGradient<T, ClampGradient<T>>(gradPtr, savedPtr, targetPtr, count, a, b);
        break;
      default:
        if (gradPtr != targetPtr) memory.copy(targetPtr, gradPtr, (<usize>count) << alignof<T>());
    }
  }
}
