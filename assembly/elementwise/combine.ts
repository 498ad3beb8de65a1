/**
 * Formulas over up to seven strided operands, element by element or summed over axes: arithmetic that broadcasts,
 * normalisation, and the gradients of both. src/plan/combine.ts says which operand a formula has where.
 * One loop for all of them: it waits for memory more than for the branches.
 */

import { element, elements } from '../elements';
import { CombineParams } from '../params';

/** Formulas, as in src/plan/combine.ts. */
const LINEAR: i32 = 0;
const PRODUCT: i32 = 1;
const QUOTIENT: i32 = 2;
const RECIPROCAL_ROOT: i32 = 3;
const DEVIATION: i32 = 4;
const NORMALIZE: i32 = 5;
const CORRELATION: i32 = 6;

/** What becomes of the values: they are written, added to the target, or summed along the inner axis. */
const ADD: i32 = 1;
const SUM_INNER: i32 = 2;

/** Elements whose sum is made in their own type; those sums are added in float64. */
const CHUNK: i32 = 4096;

/** Of the table, a row per axis from the inner one outward: strides of the target and of seven operands, length. */
const ROW_BYTES: usize = 36;
const LENGTH_OFFSET: usize = 32;

/** Items are (position of the target, piece of the inner axis unless that is summed). */
export function combine(p: CombineParams, begin: i32, end: i32, _thread: i32): void {
  const sumsInner = p.mode == SUM_INNER;
  const bytes = p.elementBytes;
  for (let item = begin; item < end; item++) {
    const outer = item / p.pieces;
    const first = (item - outer * p.pieces) * p.itemLength;
    const count = min(p.itemLength, p.innerLength - first);
    const position = outer * p.loops;
    const targetPtr = place(p, 0, position, first);
    if (p.clears) elements.fill(targetPtr, 1, 0, sumsInner ? 1 : count, stepOf(p, 0), f64x2.splat(0), bytes);
    let sum: f64 = 0;
    for (let loop = 0; loop < p.loops; loop++) {
      for (let at = 0; at < count; at += CHUNK) sum += row(p, position + loop, first + at, min(CHUNK, count - at));
    }
    if (sumsInner) element.add(targetPtr, sum / p.divisor, bytes);
  }
}

/** Address of operand `index` (0: the target) at a position of the outer axes and element `at` of the inner one. */
function place(p: CombineParams, index: i32, position: i32, at: i32): usize {
  let rowPtr = p.tablePtr + (index << 2);
  let offset = at * load<i32>(rowPtr);
  for (let axis = 0; axis < p.outerAxes; axis++) {
    rowPtr += ROW_BYTES;
    const length = load<i32>(rowPtr - (index << 2), LENGTH_OFFSET);
    const outer = position / length;
    offset += (position - outer * length) * load<i32>(rowPtr);
    position = outer;
  }
  // the block begins with the addresses
  return load<usize>(changetype<usize>(p) + (index << 2)) + offset * p.elementBytes;
}

/** Bytes from one element of the inner axis to the next. */
function stepOf(p: CombineParams, index: i32): i32 {
  return load<i32>(p.tablePtr + (index << 2)) * p.elementBytes;
}

/** Vectors of lanes of 4 or 8 bytes. */
class Lane {
  /** Neighbours from `at` on, or one element in every lane. */
  @inline static read(ptr: usize, at: i32, step: i32, bytes: i32, whole: bool): v128 {
    ptr += at * step;
    return whole && step != 0 ? v128.load(ptr) : element.splat(ptr, bytes);
  }

  @inline static number(value: f64, bytes: i32): v128 {
    return bytes == 8 ? f64x2.splat(value) : f32x4.splat(<f32>value);
  }

  @inline static add(a: v128, b: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.add(a, b) : f32x4.add(a, b);
  }

  @inline static sub(a: v128, b: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.sub(a, b) : f32x4.sub(a, b);
  }

  @inline static mul(a: v128, b: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.mul(a, b) : f32x4.mul(a, b);
  }

  @inline static div(a: v128, b: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.div(a, b) : f32x4.div(a, b);
  }

  @inline static sqrt(a: v128, bytes: i32): v128 {
    return bytes == 8 ? f64x2.sqrt(a) : f32x4.sqrt(a);
  }
}

/** `count` elements of the inner axis; returns their sum where it is wanted. */
function row(p: CombineParams, position: i32, first: i32, count: i32): f64 {
  const formula = p.formula;
  const mode = p.mode;
  const bytes = p.elementBytes;
  const alpha = Lane.number(p.alpha, bytes);
  const beta = Lane.number(p.beta, bytes);
  const targetStep = stepOf(p, 0);
  const aStep = stepOf(p, 1);
  const bStep = stepOf(p, 2);
  const cStep = stepOf(p, 3);
  const dStep = stepOf(p, 4);
  const eStep = stepOf(p, 5);
  const fStep = stepOf(p, 6);
  const gStep = stepOf(p, 7);
  const targetPtr = place(p, 0, position, first);
  const aPtr = place(p, 1, position, first);
  const bPtr = place(p, 2, position, first);
  const cPtr = place(p, 3, position, first);
  const dPtr = place(p, 4, position, first);
  const ePtr = place(p, 5, position, first);
  const fPtr = place(p, 6, position, first);
  const gPtr = place(p, 7, position, first);
  const lanes = 16 / bytes;
  const vectorsEnd = p.vectors ? count - lanes : -1;
  let sums = f64x2.splat(0);
  for (let at = 0; at < count;) {
    const whole = at <= vectorsEnd;
    let value = Lane.read(aPtr, at, aStep, bytes, whole);
    const b = Lane.read(bPtr, at, bStep, bytes, whole);
    if (formula == LINEAR) value = Lane.add(Lane.mul(value, alpha, bytes), Lane.mul(b, beta, bytes), bytes);
    else if (formula == PRODUCT) value = Lane.mul(Lane.mul(value, b, bytes), alpha, bytes);
    else if (formula == QUOTIENT) value = Lane.div(value, alpha, bytes);
    else if (formula == RECIPROCAL_ROOT) {
      value = Lane.div(beta, Lane.sqrt(Lane.add(value, alpha, bytes), bytes), bytes);
    } else {
      value = Lane.sub(value, b, bytes);
      if (formula == DEVIATION) value = Lane.mul(value, value, bytes);
      else {
        const scale = Lane.read(cPtr, at, cStep, bytes, whole);
        const weight = Lane.read(dPtr, at, dStep, bytes, whole);
        const e = Lane.read(ePtr, at, eStep, bytes, whole);
        value = Lane.mul(value, scale, bytes);
        if (formula == NORMALIZE) value = Lane.add(Lane.mul(value, weight, bytes), e, bytes);
        else {
          const grad = Lane.mul(e, weight, bytes);
          if (formula == CORRELATION) value = Lane.mul(grad, value, bytes);
          else {
            value = Lane.mul(value, Lane.read(gPtr, at, gStep, bytes, whole), bytes);
            value = Lane.sub(Lane.sub(grad, Lane.read(fPtr, at, fStep, bytes, whole), bytes), value, bytes);
            value = Lane.mul(value, scale, bytes);
          }
        }
      }
    }
    if (mode == SUM_INNER) {
      if (!whole) value = v128.and(value, bytes == 8 ? i64x2(-1, 0) : i32x4(-1, 0, 0, 0));
      sums = Lane.add(sums, value, bytes);
    } else {
      if (mode == ADD) value = Lane.add(value, Lane.read(targetPtr, at, targetStep, bytes, whole), bytes);
      const ptr = targetPtr + at * targetStep;
      if (whole) v128.store(ptr, value);
      else if (bytes == 8) v128.store64_lane(ptr, value, 0);
      else v128.store32_lane(ptr, value, 0);
    }
    at += whole ? lanes : 1;
  }
  return element.total(sums, bytes);
}
