/** Stages of activations, losses and optimiser steps. All of them walk contiguous tensors in pieces. */

import type { CheckedActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** Elements of an item: long enough to hide the call, short enough to share out. */
const ITEM_LENGTH = 16384;

/** Kinds of assembly/reduce/loss.ts. */
export const LOSS_KINDS = { mse: 0, l1: 1, bceWithLogits: 2 } as const;
export type LossKind = keyof typeof LOSS_KINDS;

/** Items of `length` elements. */
export function pieces(length: number): number {
  return Math.ceil(length / ITEM_LENGTH);
}

/** `target = activation(saved)`; the two operands may be one tensor. */
export function planActivation(dtype: Dtype, length: number, { kind, a, b }: CheckedActivation): Stage {
  return {
    entry: 'activation',
    items: pieces(length),
    block: 'activation',
    fields: {
      savedPtr: pointer('saved'),
      targetPtr: pointer('target'),
      length,
      itemLength: ITEM_LENGTH,
      elementBytes: elementBytes(dtype),
      kind,
      a,
      b,
    },
  };
}

/** `target = grad · activation′`; target may be grad. `saved` is what the activation keeps, see `savesOutput`. */
export function planActivationGradient(dtype: Dtype, length: number, activation: CheckedActivation): Stage {
  const forward = planActivation(dtype, length, activation);
  return {
    ...forward,
    fields: { ...forward.fields, gradPtr: pointer('grad') },
  };
}

/** A tensor as PReLU sees it: `rows` = images · channels, each of `rowLength` elements. */
export interface PreluShape {
  readonly rows: number;
  readonly channels: number;
  readonly rowLength: number;
}

function preluFields(dtype: Dtype, shape: PreluShape): { items: number; numbers: Record<string, number> } {
  const itemsPerRow = pieces(shape.rowLength);
  return {
    items: shape.rows * itemsPerRow,
    numbers: { ...shape, itemsPerRow, itemLength: ITEM_LENGTH, elementBytes: elementBytes(dtype) },
  };
}

/** Operands input, weight (one slope per channel), target. */
export function planPrelu(dtype: Dtype, shape: PreluShape): Stage {
  const { items, numbers } = preluFields(dtype, shape);
  return {
    entry: 'prelu',
    items,
    block: 'prelu',
    fields: {
      inputPtr: pointer('input'),
      weightPtr: pointer('weight'),
      targetPtr: pointer('target'),
      ...numbers,
    },
  };
}

/**
 * Operands grad, input, weight; target (gradInput, may be absent); gradWeight, which is added to (may be absent).
 * Needs 8 bytes of shared workspace per item.
 */
export function planPreluGradient(dtype: Dtype, shape: PreluShape): { stages: Stage[]; workspaceBytes: number } {
  const { items, numbers } = preluFields(dtype, shape);
  const partialPtr = pointer('workspace');
  const gradient: Stage = {
    entry: 'prelu',
    items,
    block: 'prelu',
    fields: {
      inputPtr: pointer('input'),
      weightPtr: pointer('weight'),
      gradPtr: pointer('grad'),
      targetPtr: pointer('target'),
      partialPtr,
      ...numbers,
    },
  };
  const sum: Stage = {
    entry: 'preluGradWeight',
    items: shape.channels,
    block: 'prelu',
    fields: { partialPtr, gradWeightPtr: pointer('gradWeight'), ...numbers },
  };
  return { stages: [gradient, sum], workspaceBytes: items * 8 };
}

/** Operands prediction, target, grad, and `partials`: one float64 per item, the sum of its losses. */
export function planLoss(kind: LossKind, dtype: Dtype, length: number, scale: number): Stage {
  return {
    entry: 'loss',
    items: pieces(length),
    block: 'loss',
    fields: {
      predictionPtr: pointer('prediction'),
      targetPtr: pointer('target'),
      gradPtr: pointer('grad'),
      partialPtr: pointer('partials'),
      length,
      itemLength: ITEM_LENGTH,
      elementBytes: elementBytes(dtype),
      kind: LOSS_KINDS[kind],
      scale,
    },
  };
}

/** Numbers of one optimiser step; see assembly/elementwise/optimizer.ts. */
export interface OptimizerNumbers {
  readonly stepSize: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly secondScale: number;
}

/** Operands weight, grad, moment (absent: no momentum), secondMoment (absent: SGD, else Adam). */
export function planOptimizer(dtype: Dtype, length: number, numbers: Partial<OptimizerNumbers>): Stage {
  return {
    entry: 'optimizerStep',
    items: pieces(length),
    block: 'optimizer',
    fields: {
      weightPtr: pointer('weight'),
      gradPtr: pointer('grad'),
      momentPtr: pointer('moment'),
      secondMomentPtr: pointer('secondMoment'),
      length,
      itemLength: ITEM_LENGTH,
      elementBytes: elementBytes(dtype),
      ...numbers,
    },
  };
}
