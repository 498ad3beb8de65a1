/** Gradients of parameters. */

import { EngineError } from '../core/errors.ts';
import type { Procedure } from '../engine/call.ts';
import { immediate, perform } from '../engine/call.ts';
import type { Storage } from '../engine/storage.ts';
import { zeros } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The gradient of a parameter, made of zeros when there is none yet. */
export function gradientOf(parameter: Tensor): Tensor {
  const { shape, dtype, engine } = parameter;
  return (parameter.grad ??= zeros(shape, { dtype, engine }));
}

/** Sets the gradient of a parameter to 0, if there is one. */
export function clearGradient({ grad }: Tensor): void {
  if (grad === null) return;
  checkPlaced('zeroGrad', grad);
  grad.storage.checkWritable('zeroGrad');
  if (!grad.isContiguous) {
    grad.copyFrom(new Float32Array(grad.size));
    return;
  }
  new Uint8Array(grad.engine.buffer, grad.ptr, grad.byteLength).fill(0);
  grad.storage.written();
}

/**
 * A backward pass that may be aborted: gradients are as before when it is, though part of what it adds was there. So it
 * may be repeated.
 */
export function* restoring<T>(operation: string, gradients: readonly Tensor[], steps: Procedure<T>): Procedure<T> {
  if (gradients.length === 0) return yield* steps;
  // in the turn of the pass: calls before it may write them still
  const before = yield* perform(
    immediate(operation, gradients[0].engine, () => gradients.map(({ storage }) => bytesOf(storage).slice())),
  );
  try {
    return yield* steps;
  } catch (error) {
    gradients.forEach(({ engine, storage }, index) => {
      if (engine.disposed) return;
      bytesOf(storage).set(before[index]);
      storage.written();
    });
    throw error;
  }
}

function bytesOf({ engine, ptr, bytes }: Storage): Uint8Array {
  return new Uint8Array(engine.buffer, ptr, bytes);
}

/** Gradients of pending backward passes that have no place in the order of calls, and of how many. */
const unplaced = new WeakMap<Storage, number>();

/**
 * Notes gradients that will be written at a time that nobody knows: when a module of the user's gets there.
 * @returns ends it; call it once
 */
export function markUnplaced(gradients: readonly Tensor[]): () => void {
  const count = ({ storage }: Tensor, by: number): void => {
    unplaced.set(storage, (unplaced.get(storage) ?? 0) + by);
  };
  for (const gradient of gradients) count(gradient, 1);
  return () => gradients.forEach((gradient) => count(gradient, -1));
}

/** @throws {EngineError} ERR_IN_USE when it is not known whether a pending backward comes before or after. */
export function checkPlaced(operation: string, gradient: Tensor): void {
  if ((unplaced.get(gradient.storage) ?? 0) === 0) return;
  throw new EngineError(
    'ERR_IN_USE',
    `${operation}: a gradient is written by a pending backward through a module of your own; await it first`,
  );
}
