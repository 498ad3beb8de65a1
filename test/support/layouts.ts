/** Tensors in every memory layout, for operations that promise to take any strides. */

import { expect } from 'vitest';
import { full, tensor } from '../../src/index.ts';
import type { Dtype, Engine, Tensor } from '../../src/index.ts';
import type { RefTensor } from '../reference/tensor.ts';
import type { LayoutKind, TargetKind } from './conv_problem.ts';
import { own } from './owned.ts';

/** The numbers of `values`, laid out as `kind` says. */
export function placed({ shape, data }: RefTensor, kind: LayoutKind, dtype: Dtype, engine: Engine): Tensor {
  if (kind === 'plain' || shape.length < 2) return own(tensor(data, shape, { dtype, engine }));
  const view = spaceFor(shape, kind, dtype, engine);
  view.copyFrom(data);
  return view;
}

function spaceFor(shape: readonly number[], kind: LayoutKind, dtype: Dtype, engine: Engine): Tensor {
  const axes = shape.map((_, axis) => axis);
  if (kind === 'permuted') {
    const order = axes.toReversed();
    return own(own(full(shape.toReversed(), Number.NaN, { dtype, engine })).permute(order));
  }
  if (kind === 'transposed') {
    const swapped = [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]];
    return own(own(full(swapped, Number.NaN, { dtype, engine })).transpose(-1, -2));
  }
  let view = own(
    full(
      shape.map((length) => length + 3),
      Number.NaN,
      { dtype, engine },
    ),
  );
  for (const axis of axes) view = own(view.narrow(axis, 1 + (axis % 2), shape[axis]));
  return view;
}

/** A place for a result. */
export interface Target {
  /** undefined: the operation makes its own. */
  readonly out: Tensor | undefined;
  /** Fails the test when something beside the result was written. */
  check(): void;
}

/**
 * A place of `shape` filled with NaN, or with `start`.
 * @param channelAxis the axis that is a slice of a larger tensor for `channels`
 */
export function targetOf(
  shape: readonly number[],
  kind: TargetKind,
  channelAxis: number,
  dtype: Dtype,
  engine: Engine,
  start: RefTensor | null,
): Target {
  if (kind === 'new' && start === null) return { out: undefined, check: () => undefined };
  const nothing = (): void => undefined;
  const fill = (out: Tensor): Tensor => (start === null ? out : out.copyFrom(start.data));
  if (kind === 'channels') {
    const larger = shape.with(channelAxis, shape[channelAxis] + 3);
    const whole = own(full(larger, Number.NaN, { dtype, engine }));
    const out = fill(own(whole.narrow(channelAxis, 1, shape[channelAxis])));
    const check = (): void => {
      const beside = [own(whole.narrow(channelAxis, 0, 1)), own(whole.narrow(channelAxis, shape[channelAxis] + 1, 2))];
      for (const part of beside) expect(own(part.to('float64')).toTypedArray().every(Number.isNaN)).toBe(true);
    };
    return { out, check };
  }
  if (kind === 'permuted' && shape.length > 1) {
    return { out: fill(spaceFor(shape, 'permuted', dtype, engine)), check: nothing };
  }
  return { out: fill(own(full(shape, Number.NaN, { dtype, engine }))), check: nothing };
}
