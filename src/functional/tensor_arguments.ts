/** A check and a helper that the elementwise operations and modules share. */

import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
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
  if (!sameShape(checked.shape, reference.shape)) {
    throw new ShapeError(operation, argument, formatShape(reference.shape), formatShape(checked.shape));
  }
  return checked;
}

/** A tensor of its own over the same elements: it lives on when `tensor` is disposed. */
export function retainView(tensor: Tensor): Tensor {
  return tensor.permute(tensor.shape.map((_, axis) => axis));
}
