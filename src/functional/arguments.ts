/** Checks of tensor arguments, shared by every operation. */

import { ArgumentError, DtypeError, EngineError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides } from '../core/shape.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import { wrongType } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import { checkDistinct } from '../kernels/spec.ts';
import type { Storage } from '../engine/storage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { overlap } from './overlap.ts';

/**
 * A tensor that lives.
 * @throws {TypeError} when `value` is not a tensor, with a hint for first mistakes.
 * @throws {EngineError} ERR_DISPOSED
 */
export function checkTensor(operation: string, argument: string, value: unknown): Tensor {
  if (!(value instanceof Tensor)) {
    throw wrongType(operation, argument, 'a Tensor', value);
  }
  if (value.disposed) throw new EngineError('ERR_DISPOSED', `${operation}: ${argument} is disposed`);
  return value;
}

/**
 * The engine of all operands, and the one that was `asked` for.
 * @throws {EngineError} ERR_ENGINE_MISMATCH
 */
export function commonEngine(
  operation: string,
  first: Tensor,
  others: Readonly<Record<string, Tensor | null>>,
  asked?: Engine,
): Engine {
  if (asked !== undefined && asked !== first.engine) {
    throw new EngineError('ERR_ENGINE_MISMATCH', `${operation}: options.engine is not the engine of the tensors`);
  }
  for (const [argument, tensor] of Object.entries(others)) {
    if (tensor !== null && tensor.engine !== first.engine) {
      throw new EngineError(
        'ERR_ENGINE_MISMATCH',
        `${operation}: ${argument} is of another engine than the first tensor`,
      );
    }
  }
  return first.engine;
}

/**
 * The dtype of all operands.
 * @throws {DtypeError} when they differ.
 */
export function commonDtype(operation: string, first: Tensor, others: Readonly<Record<string, Tensor | null>>): Dtype {
  for (const [argument, tensor] of Object.entries(others)) {
    if (tensor !== null && tensor.dtype !== first.dtype)
      throw new DtypeError(operation, argument, first.dtype, tensor.dtype);
  }
  return first.dtype;
}

/** A new dense tensor, content undefined. */
export function allocateResult(
  operation: string,
  engine: Engine,
  dtype: Dtype,
  shape: Shape,
  strides: readonly number[] = contiguousStrides(shape),
): Tensor {
  const bytes = shape.reduce((product, length) => product * length, elementBytes(dtype));
  return new Tensor(engine.allocateStorage(operation, bytes), dtype, shape, strides, 0);
}

/**
 * `out` when it was given, else a new tensor with `strides` (default: row-major).
 * @throws {ShapeError | DtypeError | EngineError} when `out` does not fit.
 * @throws {ArgumentError} when it overlaps one of `inputs`, or itself.
 */
export function resultTensor(
  operation: string,
  argument: string,
  out: unknown,
  engine: Engine,
  dtype: Dtype,
  shape: Shape,
  inputs: readonly (Tensor | null)[],
  strides?: readonly number[],
): { tensor: Tensor; owned: boolean } {
  if (out === undefined) return { tensor: allocateResult(operation, engine, dtype, shape, strides), owned: true };
  const tensor = checkTensor(operation, argument, out);
  if (tensor.engine !== engine)
    throw new EngineError('ERR_ENGINE_MISMATCH', `${operation}: ${argument} is of another engine`);
  if (tensor.dtype !== dtype) throw new DtypeError(operation, argument, dtype, tensor.dtype);
  if (!sameShape(tensor.shape, shape)) {
    throw new ShapeError(operation, argument, formatShape(shape), formatShape(tensor.shape));
  }
  checkDistinct(operation, argument, tensor);
  for (const input of inputs) {
    if (input !== null && overlap(tensor, input)) {
      throw new ArgumentError(operation, argument, 'memory that no input uses', 'an overlap with an input');
    }
  }
  return { tensor, owned: false };
}

/** Storages of the tensors that are there. */
export function storagesOf(tensors: readonly (Tensor | null | undefined)[]): Storage[] {
  return tensors.flatMap((tensor) => (tensor === null || tensor === undefined ? [] : [tensor.storage]));
}
