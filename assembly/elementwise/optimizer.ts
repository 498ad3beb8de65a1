/**
 * Steps of the optimisers, one pass over a parameter, its gradient and the optimiser's state.
 * An item owns `itemLength` elements of the parameter and of the state.
 */

import { OptimizerParams } from '../params';
import { simd } from '../simd';
import { Lanes } from './lanes';

/** `g = grad + weightDecay · w; m = momentum · m + g; w −= lr · m`, without m where `momentPtr` is 0. */
export function sgdStep(p: OptimizerParams, begin: i32, end: i32, _thread: i32): void {
  if (p.elementBytes == 8) sgd<f64>(p, begin, end);
  else sgd<f32>(p, begin, end);
}

function sgd<T extends number>(p: OptimizerParams, begin: i32, end: i32): void {
  const weightDecay = Lanes.splat<T>(p.weightDecay);
  const momentum = Lanes.splat<T>(p.beta1);
  const minusRate = Lanes.splat<T>(-p.stepSize);
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    let offset = (<usize>first) << alignof<T>();
    let count = min(p.itemLength, p.length - first);
    while (count > 0) {
      const whole = count >= Lanes.count<T>();
      const weight = Lanes.loadSome<T>(p.weightPtr + offset, whole);
      let grad = Lanes.loadSome<T>(p.gradPtr + offset, whole);
      if (p.weightDecay != 0) grad = simd.madd<T>(weightDecay, weight, grad);
      if (p.momentPtr != 0) {
        grad = simd.madd<T>(momentum, Lanes.loadSome<T>(p.momentPtr + offset, whole), grad);
        Lanes.storeSome<T>(p.momentPtr + offset, grad, whole);
      }
      Lanes.storeSome<T>(p.weightPtr + offset, simd.madd<T>(minusRate, grad, weight), whole);
      offset += whole ? 16 : sizeof<T>();
      count -= whole ? Lanes.count<T>() : 1;
    }
  }
}

/**
 * `g = grad + weightDecay · w; m = β₁ m + (1 − β₁) g; v = β₂ v + (1 − β₂) g²;
 * w −= stepSize · m / (√v · secondScale + ε)`; the bias corrections are in stepSize and secondScale.
 */
export function adamStep(p: OptimizerParams, begin: i32, end: i32, _thread: i32): void {
  if (p.elementBytes == 8) adam<f64>(p, begin, end);
  else adam<f32>(p, begin, end);
}

function adam<T extends number>(p: OptimizerParams, begin: i32, end: i32): void {
  const weightDecay = Lanes.splat<T>(p.weightDecay);
  const beta1 = Lanes.splat<T>(p.beta1);
  const beta2 = Lanes.splat<T>(p.beta2);
  const rest1 = Lanes.splat<T>(1 - p.beta1);
  const rest2 = Lanes.splat<T>(1 - p.beta2);
  const secondScale = Lanes.splat<T>(p.secondScale);
  const eps = Lanes.splat<T>(p.eps);
  const minusStep = Lanes.splat<T>(-p.stepSize);
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    let offset = (<usize>first) << alignof<T>();
    let count = min(p.itemLength, p.length - first);
    while (count > 0) {
      const whole = count >= Lanes.count<T>();
      const weight = Lanes.loadSome<T>(p.weightPtr + offset, whole);
      let grad = Lanes.loadSome<T>(p.gradPtr + offset, whole);
      if (p.weightDecay != 0) grad = simd.madd<T>(weightDecay, weight, grad);
      let m = v128.mul<T>(beta1, Lanes.loadSome<T>(p.momentPtr + offset, whole));
      m = simd.madd<T>(rest1, grad, m);
      let v = v128.mul<T>(beta2, Lanes.loadSome<T>(p.secondMomentPtr + offset, whole));
      v = simd.madd<T>(v128.mul<T>(rest2, grad), grad, v);
      Lanes.storeSome<T>(p.momentPtr + offset, m, whole);
      Lanes.storeSome<T>(p.secondMomentPtr + offset, v, whole);
      const denominator = simd.madd<T>(v128.sqrt<T>(v), secondScale, eps);
      const update = v128.div<T>(m, denominator);
      Lanes.storeSome<T>(p.weightPtr + offset, simd.madd<T>(minusStep, update, weight), whole);
      offset += whole ? 16 : sizeof<T>();
      count -= whole ? Lanes.count<T>() : 1;
    }
  }
}
