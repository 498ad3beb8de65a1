/**
 * Tensors over foreign bytes. The class of tensors is a layer above; it registers how one is made when it is loaded.
 */

import type { Dtype } from '../core/dtype.ts';
import { checkDtype, elementBytes } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount } from '../core/shape.ts';
import { checkOptions, checkSizes, describe, wrongType } from '../core/validate.ts';
import type { Engine } from './engine.ts';
import type { Storage } from './storage.ts';

/** What `wrap` returns; the layer above declares that it is a Tensor. */
// eslint-disable-next-line typescript/no-empty-interface
export interface WrappedTensor {}

type TensorFactory = (
  storage: Storage,
  dtype: Dtype,
  shape: Shape,
  strides: readonly number[],
  offset: number,
) => WrappedTensor;

let factory: TensorFactory | null = null;

/** Called once by the class of tensors. */
export function registerTensors(make: TensorFactory): void {
  factory = make;
}

/** See `Engine.wrap`. */
export function wrapMemory(
  engine: Engine,
  ptr: number,
  shape: Shape,
  options: { dtype?: Dtype; strides?: readonly number[] },
): WrappedTensor {
  checkOptions('wrap', options, ['dtype', 'strides']);
  const { dtype = 'float32' } = options;
  checkDtype('wrap', dtype);
  const bytes = elementBytes(dtype);
  checkAddress(ptr, bytes);
  checkSizes('wrap', 'shape', shape);
  const { strides = contiguousStrides(shape) } = options;
  if (checkSizes('wrap', 'strides', strides).length !== shape.length) {
    throw new ArgumentError('wrap', 'strides', `${shape.length} entries`, describe(strides));
  }
  const reach = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 1);
  const extent = elementCount(shape) === 0 ? 0 : reach * bytes;
  if (ptr + extent > engine.buffer.byteLength) {
    throw new ArgumentError('wrap', 'ptr', `${extent} bytes inside the memory`, `address ${ptr}`);
  }
  if (factory === null) throw new Error('wrap: the class of tensors is not loaded');
  return factory(engine.foreignStorage(ptr, extent), dtype, shape, strides, 0);
}

function checkAddress(ptr: unknown, alignment: number): void {
  if (typeof ptr !== 'number') throw wrongType('wrap', 'ptr', 'a number', ptr);
  if (!Number.isInteger(ptr) || ptr <= 0 || ptr % alignment !== 0) {
    throw new ArgumentError('wrap', 'ptr', `an address above 0, aligned to ${alignment} bytes`, String(ptr));
  }
}
