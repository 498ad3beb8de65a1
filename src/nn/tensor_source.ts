/** Values for a parameter or for the state of an optimiser: from tensors of any engine and dtype, or plain objects. */

import type { Dtype } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { sameShape } from '../core/shape.ts';
import { wrongType } from '../core/validate.ts';
import { checkTensor } from '../functional/arguments.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { CheckedTensorLike, TensorLike } from '../tensor/tensor_like.ts';
import { checkTensorLike, isTensorLike } from '../tensor/tensor_like.ts';

/** A tensor of any engine, or row-major or strided numbers with a shape. */
export type TensorSource = Tensor | TensorLike;

export interface OpenSource {
  readonly shape: Shape;
  /** Copies the values into a tensor of as many elements, converting the dtype. */
  readonly copyInto: (target: Tensor) => void;
  /** The values, row-major, for a tensor of that dtype. */
  readonly numbers: (dtype: Dtype) => ArrayLike<number>;
}

/**
 * @throws {TypeError} for what is neither.
 * @throws {EngineError} ERR_DISPOSED; ERR_IN_USE for a tensor that a pending call writes.
 * @throws {ShapeError | ArgumentError} for an object whose shape, strides or offset do not fit its data.
 */
export function openSource(operation: string, argument: string, source: unknown): OpenSource {
  if (source instanceof Tensor) {
    const { shape, storage } = checkTensor(operation, argument, source);
    storage.checkReadable(operation);
    return {
      shape,
      copyInto: (target) => {
        const asItIs = sameEngine(source, target) && sameShape(shape, target.shape);
        target.copyFrom(asItIs ? source : numbersOf(source));
      },
      numbers: () => numbersOf(source),
    };
  }
  if (!isTensorLike(source)) {
    throw wrongType(operation, argument, 'a Tensor or { data, shape }', source);
  }
  const { shape } = checkTensorLike(operation, argument, source);
  const openFor = (dtype: Dtype): CheckedTensorLike => {
    // elements of a float16 tensor are bit patterns, whether their owner says so or not
    const patterns = dtype === 'float16' && source.data instanceof Uint16Array;
    return checkTensorLike(operation, argument, patterns ? { ...source, type: 'float16' } : source);
  };
  return {
    shape,
    copyInto: (target) => void target.copyFrom(openFor(target.dtype).read(target.dtype)),
    numbers: (dtype) => openFor(dtype).read('float64'),
  };
}

const sameEngine = (a: Tensor, b: Tensor): boolean => a.engine === b.engine;

/** Exact: float32 holds what float16 does. */
function numbersOf(tensor: Tensor): Float32Array | Float64Array {
  const numbers = tensor.dtype === 'float64' ? new Float64Array(tensor.size) : new Float32Array(tensor.size);
  tensor.copyTo(numbers);
  return numbers;
}
