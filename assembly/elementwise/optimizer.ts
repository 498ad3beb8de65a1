/**
 * Steps of the optimisers, one pass over a parameter, its gradient and the optimiser's state.
 * An item owns `itemLength` elements of the parameter and of the state.
 */

import { OptimizerParams } from '../params';
import { simd } from '../simd';
import { Lanes } from './lanes';

/**
 * With g = grad + weightDecay · w, by what state there is:
 *
 *   none         w −= stepSize · g
 *   m            m = β₁ m + g; w −= stepSize · m
 *   m and v      m = β₁ m + (1 − β₁) g; v = β₂ v + (1 − β₂) g²; w −= stepSize · m / (√v · secondScale + ε), Adam, whose
 *                bias corrections are in stepSize and secondScale
 */
export function optimizerStep(p: OptimizerParams, begin: i32, end: i32, _thread: i32): void {
  if (p.elementBytes == 8) step<f64>(p, begin, end);
  else step<f32>(p, begin, end);
}

function step<T extends number>(p: OptimizerParams, begin: i32, end: i32): void {
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
      const grad = Lanes.loadSome<T>(p.gradPtr + offset, whole);
      const g = p.weightDecay != 0 ? simd.madd<T>(weightDecay, weight, grad) : grad;
      let update = g;
      if (p.momentPtr != 0) {
        update = Lanes.loadSome<T>(p.momentPtr + offset, whole);
        if (p.secondMomentPtr == 0) update = simd.madd<T>(beta1, update, g);
        else update = simd.madd<T>(rest1, g, v128.mul<T>(beta1, update));
        Lanes.storeSome<T>(p.momentPtr + offset, update, whole);
      }
      if (p.secondMomentPtr != 0) {
        let v = v128.mul<T>(beta2, Lanes.loadSome<T>(p.secondMomentPtr + offset, whole));
        v = simd.madd<T>(v128.mul<T>(rest2, g), g, v);
        Lanes.storeSome<T>(p.secondMomentPtr + offset, v, whole);
        update = v128.div<T>(update, simd.madd<T>(v128.sqrt<T>(v), secondScale, eps));
      }
      Lanes.storeSome<T>(p.weightPtr + offset, simd.madd<T>(minusStep, update, weight), whole);
      offset += whole ? 16 : sizeof<T>();
      count -= whole ? Lanes.count<T>() : 1;
    }
  }
}
