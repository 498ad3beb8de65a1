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
  if (parameter.grad === null) {
    parameter.grad = zeros(shape, { dtype, engine });
    noteZeros(parameter.grad);
  }
  return parameter.grad;
}

/** Versions at which storages held zeros alone. */
const zeroVersions = new WeakMap<Storage, number>();

function noteZeros({ storage, byteLength }: Tensor): void {
  if (byteLength === storage.bytes) zeroVersions.set(storage, storage.version);
}

/** Whether nobody can have written to it since it was set to 0. */
function holdsZeros(storage: Storage): boolean {
  return !storage.exposed && zeroVersions.get(storage) === storage.version;
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
  noteZeros(grad);
}

/**
 * A backward pass that leaves gradients as they were when it fails or is aborted, though part of what it adds was there.
 * So it may be repeated. Gradients that hold numbers are copied before; zeros, as after `zeroGrad`, cost nothing.
 */
export function* restoring<T>(operation: string, gradients: readonly Tensor[], steps: Procedure<T>): Procedure<T> {
  if (gradients.length === 0) return yield* steps;
  // in the turn of the pass: calls before it may write them still
  const copy = (): (Uint8Array | null)[] =>
    gradients.map(({ storage }) => (holdsZeros(storage) ? null : bytesOf(storage).slice()));
  const call = immediate(operation, gradients[0].engine, copy);
  const before = yield* perform({ ...call, reads: gradients.map(({ storage }) => storage) });
  try {
    return yield* steps;
  } catch (error) {
    gradients.forEach((gradient, index) => {
      const { engine, storage } = gradient;
      if (engine.disposed) return;
      const numbers = before[index];
      if (numbers === null) bytesOf(storage).fill(0);
      else bytesOf(storage).set(numbers);
      storage.written();
      if (numbers === null) noteZeros(gradient);
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
