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

/** Kinds, as in src/core/activation.ts; the last one, 7, is clamp. */
const RELU: i32 = 1;
const TANH: i32 = 2;
const SIGMOID: i32 = 3;
const GELU: i32 = 5;
export const LEAKY_RELU: i32 = 6;

/** 1 / √(2π) */
const GAUSSIAN_DENSITY: f64 = 0.3989422804014327;

/*
 * Each kind has one method. Forward (`backward` false): the activation of x. Backward: grad times the derivative,
 * where x is what was saved.
 */

interface Kind {
  apply(kind: i32, x: v128, grad: v128, backward: bool, a: v128, b: v128): v128;
}

@final
@unmanaged
class Relu<T extends number> {
  /** −0 stays −0, NaN stays NaN and lets the gradient through, as in PyTorch. */
  @inline apply(_kind: i32, x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    const zero = Lanes.splat<T>(0);
    return backward ? v128.andnot(grad, v128.le<T>(x, zero)) : v128.pmax<T>(x, zero);
  }
}

/** Those of exp and its kin: one loop for all of them, which takes longer than telling them apart. */
@final
@unmanaged
class Smooth<T extends number> {
  @inline apply(kind: i32, x: v128, grad: v128, backward: bool, _a: v128, _b: v128): v128 {
    const one = Lanes.splat<T>(1);
    if (kind == TANH) {
      return backward ? v128.mul<T>(grad, v128.sub<T>(one, v128.mul<T>(x, x))) : Transcendental.tanh<T>(x);
    }
    if (kind == GELU) {
      const gaussian = Transcendental.gaussian<T>(x);
      const cdf = Transcendental.normalCdf<T>(x, gaussian);
      if (!backward) return v128.mul<T>(x, cdf);
      const density = v128.mul<T>(gaussian, Lanes.splat<T>(GAUSSIAN_DENSITY));
      return v128.mul<T>(grad, simd.madd<T>(x, density, cdf));
    }
    if (kind == SIGMOID && backward) return v128.mul<T>(v128.mul<T>(grad, v128.sub<T>(one, x)), x);
    const sigmoid = Transcendental.sigmoid<T>(x);
    if (kind == SIGMOID) return sigmoid;
    // SiLU
    if (!backward) return v128.mul<T>(x, sigmoid);
    const slope = v128.add<T>(one, v128.mul<T>(x, v128.sub<T>(one, sigmoid)));
    return v128.mul<T>(v128.mul<T>(grad, sigmoid), slope);
  }
}

@final
@unmanaged
class LeakyRelu<T extends number> {
  @inline apply(_kind: i32, x: v128, grad: v128, backward: bool, slope: v128, _b: v128): v128 {
    const factor = backward ? grad : x;
    return v128.bitselect(factor, v128.mul<T>(factor, slope), v128.gt<T>(x, Lanes.splat<T>(0)));
  }
}

@final
@unmanaged
class Clamp<T extends number> {
  @inline apply(_kind: i32, x: v128, grad: v128, backward: bool, minimum: v128, maximum: v128): v128 {
    if (!backward) return v128.pmin<T>(v128.pmax<T>(x, minimum), maximum);
    return v128.and(grad, v128.and(v128.ge<T>(x, minimum), v128.le<T>(x, maximum)));
  }
}

/** Every kind. */
@final
@unmanaged
class Any<T extends number> {
  @inline apply(kind: i32, x: v128, grad: v128, backward: bool, a: v128, b: v128): v128 {
    if (<u32>(kind - TANH) <= <u32>(GELU - TANH)) {
      return changetype<Smooth<T>>(<usize>0).apply(kind, x, grad, backward, a, b);
    }
    if (kind == RELU) return changetype<Relu<T>>(<usize>0).apply(kind, x, grad, backward, a, b);
    if (kind == LEAKY_RELU) return changetype<LeakyRelu<T>>(<usize>0).apply(kind, x, grad, backward, a, b);
    return changetype<Clamp<T>>(<usize>0).apply(kind, x, grad, backward, a, b);
  }
}

/**
 * `target[i] = activation(saved[i], grad[i])`; `gradPtr` 0 means forward. Target may be one of the others. One loop for
 * whole vectors and the edge: the code of the kinds is there once.
 */
function map<T extends number>(
  kind: i32,
  savedPtr: usize,
  gradPtr: usize,
  targetPtr: usize,
  count: i32,
  a: f64,
  b: f64,
): void {
  const kernel = changetype<Any<T>>(<usize>0); // no instance: methods are inlined
  const aLanes = Lanes.splat<T>(a);
  const bLanes = Lanes.splat<T>(b);
  const backward = gradPtr != 0;
  let offset: usize = 0;
  while (count > 0) {
    const whole = count >= Lanes.count<T>();
    const x = Lanes.loadSome<T>(savedPtr + offset, whole);
    const grad = backward ? Lanes.loadSome<T>(gradPtr + offset, whole) : x;
    Lanes.storeSome<T>(targetPtr + offset, kernel.apply(kind, x, grad, backward, aLanes, bLanes), whole);
    offset += whole ? 16 : sizeof<T>();
    count -= whole ? Lanes.count<T>() : 1;
  }
}

/** `map` of whole vectors of float32 for a kind of so few instructions that a loop of its own is twice as fast. */
function mapVectors<K extends Kind>(
  savedPtr: usize,
  gradPtr: usize,
  targetPtr: usize,
  bytes: usize,
  a: f64,
  b: f64,
): void {
  const kernel = changetype<K>(<usize>0);
  const aLanes = Lanes.splat<f32>(a);
  const bLanes = Lanes.splat<f32>(b);
  const backward = gradPtr != 0;
  // by a count: the end may be that of memory, 2^32
  for (; bytes > 0; bytes -= 16) {
    const x = v128.load(savedPtr);
    const grad = backward ? v128.load(gradPtr) : x;
    v128.store(targetPtr, kernel.apply(0, x, grad, backward, aLanes, bLanes));
    savedPtr += 16;
    gradPtr += 16;
    targetPtr += 16;
  }
}

export class Activation {
  /** Applies activation `kind`, 0 is none, with parameters `a`, `b` to `count` contiguous elements, in place. */
  static row(bytes: i32, kind: i32, ptr: usize, count: i32, a: f64, b: f64): void {
    if (kind != 0) Activation.apply(bytes, kind, ptr, 0, ptr, count, a, b);
  }

  /**
   * `target = activation(saved)`, or with a `gradPtr` that is not 0 `target = grad · activation′`; `count` contiguous
   * elements each. Target may be one of the others.
   */
  static apply(
    bytes: i32,
    kind: i32,
    savedPtr: usize,
    gradPtr: usize,
    targetPtr: usize,
    count: i32,
    a: f64,
    b: f64,
  ): void {
    if (kind == 0) {
      memory.copy(targetPtr, gradPtr != 0 ? gradPtr : savedPtr, count * bytes);
      return;
    }
    if (bytes == 8) {
      map<f64>(kind, savedPtr, gradPtr, targetPtr, count, a, b);
      return;
    }
    const whole: usize = (count & ~3) * 4;
    let done = whole;
    if (kind == RELU) mapVectors<Relu<f32>>(savedPtr, gradPtr, targetPtr, whole, a, b);
    else if (kind == LEAKY_RELU) mapVectors<LeakyRelu<f32>>(savedPtr, gradPtr, targetPtr, whole, a, b);
    else done = 0;
    if (done > 0) {
      savedPtr += done;
      targetPtr += done;
      if (gradPtr != 0) gradPtr += done;
      count &= 3;
    }
    map<f32>(kind, savedPtr, gradPtr, targetPtr, count, a, b);
  }
}
