/** Making tensors. */

import type { Dtype } from '../core/dtype.ts';
import { checkDtype, elementBytes, isNumberArray, typedView } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { halfBits, isFloat16Array } from '../core/half.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount, formatShape } from '../core/shape.ts';
import { checkOptions, checkSizes, wrongType } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import { Tensor } from './tensor.ts';

export interface TensorOptions {
  dtype?: Dtype;
  /** Default: the engine that `init()` made. */
  engine?: Engine;
}

const OPTIONS: readonly string[] = ['dtype', 'engine'];

/** Numbers in an array, a typed array, or arrays nested as deep as the tensor has axes. */
export type TensorData = number | ArrayLike<number> | readonly TensorData[];

/** A tensor with undefined content. */
export function empty(shape: Shape, options: TensorOptions = {}): Tensor {
  return allocate('empty', shape, options);
}

export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('zeros', shape, 0, options);
}

/**
 * A tensor of one number everywhere.
 *
 * @example
 * ```js
 * import { full, init } from 'upconv';
 *
 * await init();
 * console.log(full([2, 2], 0.5).toArray()); // [ [ 0.5, 0.5 ], [ 0.5, 0.5 ] ]
 * ```
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  if (typeof value !== 'number') throw wrongType('full', 'value', 'a number', value);
  return filled('full', shape, value, options);
}

/**
 * Copies numbers into wasm memory.
 *
 * @param data a typed array or flat array with `shape`, or nested arrays, or one number
 * @param shape default: one axis for flat data, the nesting for nested arrays
 * @param options dtype: float64 for a Float64Array, float16 for a Float16Array, else float32; with dtype float16 a
 *   Uint16Array holds bit patterns, and other numbers are rounded to the nearest half
 * @throws {ShapeError} for ragged arrays or a count that does not fit `shape`.
 * @throws {TypeError} for anything that does not hold numbers, BigInt arrays among it.
 *
 * @example
 * ```js
 * import { init, tensor } from 'upconv';
 *
 * await init();
 * const t = tensor([[1, 2], [3, 4]]);
 * console.log(t.shape, t.dtype); // [ 2, 2 ] float32
 * console.log(tensor(Float64Array.of(1, 2, 3, 4), [1, 4]).dtype); // float64
 * ```
 */
export function tensor(data: TensorData, shape?: Shape, options: TensorOptions = {}): Tensor {
  checkOptions('tensor', options, OPTIONS);
  const { flat, nesting } = flatten(data);
  const resolved = checkSizes('tensor', 'shape', shape ?? nesting);
  if (elementCount(resolved) !== flat.length) {
    throw new ShapeError(
      'tensor',
      'data',
      `${elementCount(resolved)} elements for shape ${formatShape(resolved)}`,
      String(flat.length),
    );
  }
  const { dtype = dtypeOf(data) } = options;
  const result = allocate('tensor', resolved, { ...options, dtype });
  result.copyFrom(flat);
  return result;
}

/** The dtype that holds the elements of `data` as they are. */
export function dtypeOf(data: unknown): Dtype {
  if (data instanceof Float64Array) return 'float64';
  return isFloat16Array(data) ? 'float16' : 'float32';
}

function filled(operation: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  const result = allocate(operation, shape, options);
  const { engine, ptr, dtype, size } = result;
  const bytes = size * elementBytes(dtype);
  if (value === 0 && !Object.is(value, -0)) new Uint8Array(engine.buffer, ptr, bytes).fill(0);
  else typedView(dtype, engine.buffer, ptr, size).fill(dtype === 'float16' ? halfBits(value) : value);
  return result;
}

/**
 * As `empty`, for `operation`.
 * @param known names of its options
 */
export function allocate(
  operation: string,
  shape: Shape,
  options: TensorOptions,
  known: readonly string[] = OPTIONS,
): Tensor {
  checkOptions(operation, options, known);
  checkSizes(operation, 'shape', shape);
  const { dtype = 'float32' } = options;
  checkDtype(operation, dtype);
  const engine = engineOrDefault(operation, options.engine);
  const storage = engine.allocateStorage(operation, elementCount(shape) * elementBytes(dtype));
  return new Tensor(storage, dtype, shape, contiguousStrides(shape), 0);
}

function flatten(data: TensorData): { flat: ArrayLike<number>; nesting: number[] } {
  if (typeof data === 'number') return { flat: [data], nesting: [] };
  if (isNumberArray(data)) return { flat: data, nesting: [data.length] };
  if (!Array.isArray(data)) throw wrongType('tensor', 'data', 'numbers', data);
  const nesting: number[] = [];
  for (let level: unknown = data; isLevel(level); level = level[0]) nesting.push(level.length);
  const flat: number[] = [];
  collect(data, nesting, 0, flat);
  return { flat, nesting };
}

type Level = ArrayLike<unknown> & Iterable<unknown>;

/** Rows of nested arrays may be typed arrays. */
function isLevel(data: unknown): data is Level {
  return Array.isArray(data) || isNumberArray(data);
}

function collect(level: Level, nesting: readonly number[], depth: number, flat: number[]): void {
  if (level.length !== nesting[depth]) {
    throw new ShapeError('tensor', 'data', `${nesting[depth]} entries at depth ${depth}`, `${level.length} (ragged)`);
  }
  for (const entry of level) {
    if (isLevel(entry)) {
      if (depth + 1 >= nesting.length) throw new ShapeError('tensor', 'data', 'a number', 'an array (ragged)');
      collect(entry, nesting, depth + 1, flat);
    } else if (typeof entry === 'number') {
      if (depth + 1 < nesting.length) throw new ShapeError('tensor', 'data', 'an array', 'a number (ragged)');
      flat.push(entry);
    } else {
      throw wrongType('tensor', 'data', 'numbers', entry);
    }
  }
}
