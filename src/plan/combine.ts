/** Plan of a formula over operands that broadcast against each other, and of its sums over axes. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { elementCount } from '../core/shape.ts';
import type { FieldValue, Pointer, Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** Formulas of assembly/elementwise/combine.ts over operands a, b, …, and numbers alpha, beta. */
export const FORMULAS = {
  /** alpha · a + beta · b */
  linear: 0,
  /** alpha · a · b */
  product: 1,
  /** a ÷ alpha */
  quotient: 2,
  /** 1 ÷ √(a + alpha) */
  reciprocalRoot: 3,
  /** (a − b)² */
  deviation: 4,
  /** (a − b) · c · d + e */
  normalize: 5,
  /** (a − b) · c · d · e */
  correlation: 6,
  /** (d · e − f − (a − b) · c · g) · c */
  normalizeGradient: 7,
} as const;
export type Formula = keyof typeof FORMULAS;

/** Where an operand lies: a place in memory, or a constant. Element strides per axis of the formula, 0 to broadcast. */
export interface CombineOperand {
  readonly at: Pointer | Int32Array;
  readonly strides: readonly number[];
}

export interface CombineSpec {
  readonly formula: Formula;
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** Stride 0: the axis is summed. May be one of the operands where nothing is. */
  readonly target: { readonly at: Pointer; readonly strides: readonly number[] };
  /** At least two. */
  readonly operands: readonly CombineOperand[];
  readonly alpha?: number;
  readonly beta?: number;
  /** Of sums. */
  readonly divisor?: number;
  /** Adds to what is there; without divisor. */
  readonly accumulate?: boolean;
}

const OPERANDS = 7;
/** Elements of an item along an axis of the target. */
const ITEM_LENGTH = 16384;
const MODES = { write: 0, add: 1, sumInner: 2 } as const;

interface Axis {
  readonly length: number;
  /** Of the target, then of the operands. */
  readonly strides: readonly number[];
}

const isSummed = ({ strides }: Axis): boolean => strides[0] === 0;

/** 0 or 1 in every element, for operands that are left out. */
export function constant(dtype: Dtype, value: 0 | 1, axes: number): CombineOperand {
  const numbers = dtype === 'float64' ? Float64Array.of(value) : Float32Array.of(value);
  return { at: new Int32Array(numbers.buffer), strides: Array.from({ length: axes }, () => 0) };
}

/** Stages that write the target, or with `accumulate` add to it. */
export function planCombine(spec: CombineSpec): Stage[] {
  const { formula, dtype, shape, target, operands, alpha = 1, beta = 1, divisor = 1, accumulate = false } = spec;
  const given = [target.strides, ...operands.map(({ strides }) => strides)];
  const axes = joinedAxes(shape, given);
  const kept = axes.filter((axis) => !isSummed(axis));
  const summed = axes.filter(isSummed);
  if (elementCount(summed.map(({ length }) => length)) === 0) return accumulate ? [] : [sumOfNothing(spec)];
  const inner = innerAxis(axes, operands.length);
  const sumsInner = isSummed(inner);
  const outwards = [...summed.toReversed(), ...kept.toReversed()].filter((axis) => axis !== inner);
  const loops = elementCount(summed.filter((axis) => axis !== inner).map(({ length }) => length));
  const itemLength = sumsInner ? inner.length : ITEM_LENGTH;
  const pieces = Math.ceil(inner.length / itemLength);
  const positions = elementCount(kept.filter((axis) => axis !== inner).map(({ length }) => length));
  const adds = loops > 1 || accumulate;
  const pointers: Record<string, FieldValue> = { targetPtr: target.at };
  operands.forEach(({ at }, index) => {
    pointers[`${'abcdefg'[index]}Ptr`] = at;
  });
  const stage: Stage = {
    entry: 'combine',
    items: positions * pieces,
    flops: 8 * elementCount(axes.map(({ length }) => length)),
    block: 'combine',
    fields: {
      ...pointers,
      tablePtr: Int32Array.from([inner, ...outwards].flatMap(tableRow)),
      outerAxes: outwards.length,
      loops,
      innerLength: inner.length,
      pieces,
      itemLength,
      formula: FORMULAS[formula],
      mode: sumsInner ? MODES.sumInner : adds ? MODES.add : MODES.write,
      clears: (sumsInner || adds) && !accumulate ? 1 : 0,
      vectors: inner.strides.every((stride) => stride === 0 || stride === 1) ? 1 : 0,
      elementBytes: elementBytes(dtype),
      alpha,
      beta,
      divisor,
    },
  };
  if (sumsInner || divisor === 1) return [stage];
  const quotient = {
    formula: 'quotient',
    dtype,
    shape: shape.map((length, axis) => (target.strides[axis] === 0 ? 1 : length)),
    target,
    operands: [target, constant(dtype, 0, shape.length)],
    alpha: divisor,
  } as const;
  return [stage, ...planCombine(quotient)];
}

/** A stage that writes zeros to a row-major operand. */
export function planZeros(dtype: Dtype, name: string, length: number): Stage {
  const zero = constant(dtype, 0, 1);
  const target = { at: pointer(name), strides: [1] };
  return planCombine({ formula: 'linear', dtype, shape: [length], target, operands: [zero, zero] })[0];
}

/** Axes longer than 1, those of the longest steps first; neighbours that everything walks alike are one. */
function joinedAxes(shape: Shape, strides: readonly (readonly number[])[]): Axis[] {
  const axes = shape
    .map((length, axis): Axis => ({ length, strides: strides.map((of) => of[axis]) }))
    .filter(({ length }) => length !== 1)
    .sort((a, b) => Math.max(...b.strides) - Math.max(...a.strides));
  const joined: Axis[] = [];
  for (const axis of axes) {
    const previous = joined.at(-1);
    if (previous?.strides.every((stride, index) => stride === axis.strides[index] * axis.length)) {
      joined[joined.length - 1] = { length: previous.length * axis.length, strides: axis.strides };
    } else {
      joined.push(axis);
    }
  }
  return joined;
}

/** Sums of more elements than this are made in float64, along the inner axis, though that may be the slower one. */
const LONG_SUM = 4096;

/** The one that the innermost loop walks: that of the shortest steps. */
function innerAxis(axes: readonly Axis[], operands: number): Axis {
  const last = axes.at(-1) ?? { length: 1, strides: [1, ...Array.from({ length: operands }, () => 0)] };
  const summed = axes.filter(isSummed);
  const isLong = elementCount(summed.map(({ length }) => length)) > LONG_SUM;
  return isLong ? summed[summed.length - 1] : last;
}

/** The strides of the target and of all operands that there may be, then the length. */
function tableRow({ length, strides }: Axis): number[] {
  return [...strides, ...Array.from({ length: 1 + OPERANDS - strides.length }, () => 0), length];
}

/** Zeros, as the sum over an axis without elements is; NaN when it is a mean. */
function sumOfNothing({ dtype, shape, target, divisor = 1 }: CombineSpec): Stage {
  const zero = constant(dtype, 0, shape.length);
  const kept = shape.map((length, axis) => (target.strides[axis] === 0 ? 1 : length));
  const operands = [zero, zero];
  return planCombine({ formula: 'quotient', dtype, shape: kept, target, operands, alpha: divisor })[0];
}
