/** A check and a helper that the elementwise operations and modules share. */

import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Engine } from '../engine/engine.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fromTensorLike, isTensorLike } from '../tensor/tensor_like.ts';
import { checkTensor, commonDtype, commonEngine } from './arguments.ts';

/**
 * A tensor that goes with `reference`: same engine, dtype and shape.
 * @throws {TypeError} when `value` is not a tensor.
 * @throws {EngineError} ERR_DISPOSED or ERR_ENGINE_MISMATCH
 * @throws {DtypeError | ShapeError} when it differs.
 */
export function checkTensorLike(operation: string, argument: string, value: unknown, reference: Tensor): Tensor {
  const checked = checkTensor(operation, argument, value);
  commonEngine(operation, reference, { [argument]: checked });
  commonDtype(operation, reference, { [argument]: checked });
  return checkShapeLike(operation, argument, checked, reference);
}

/** As `checkTensorLike`, of any dtype. */
export function checkShapeLike(operation: string, argument: string, value: unknown, reference: Tensor): Tensor {
  const checked = checkTensor(operation, argument, value);
  commonEngine(operation, reference, { [argument]: checked });
  if (!sameShape(checked.shape, reference.shape)) {
    throw new ShapeError(operation, argument, formatShape(reference.shape), formatShape(checked.shape));
  }
  return checked;
}

/** A tensor, and what frees it when it is a copy of a TensorLike. */
export interface OpenTensor {
  readonly tensor: Tensor;
  release(): void;
}

/**
 * A TensorLike copied in; anything else as it is, for the operation to check.
 * @param engine where the copy lives; default: the engine that `init()` made
 */
export function openTensor(
  operation: string,
  argument: string,
  value: unknown,
  engine: Engine | undefined,
): OpenTensor {
  if (value instanceof Tensor || !isTensorLike(value)) return { tensor: value as Tensor, release: () => undefined };
  const tensor = fromTensorLike(operation, argument, value, engine);
  return { tensor, release: () => tensor.dispose() };
}

/** As `openTensor`; the tensor stays whatever the caller disposes meanwhile. */
export function openRetained(
  operation: string,
  argument: string,
  value: unknown,
  engine: Engine | undefined,
): OpenTensor {
  if (!(value instanceof Tensor) || value.disposed) return openTensor(operation, argument, value, engine);
  const tensor = retainView(value);
  return { tensor, release: () => tensor.dispose() };
}

/** A tensor of its own over the same elements: it lives on when `tensor` is disposed. */
export function retainView(tensor: Tensor): Tensor {
  return tensor.permute(tensor.shape.map((_, axis) => axis));
}
