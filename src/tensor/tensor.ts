/** A shape, strides and a dtype over a storage; views share the storage. */

import { DisposableBase } from '../core/disposable.ts';
import type { Dtype, OwnedTypedArray, TypedArrayOf } from '../core/dtype.ts';
import {
  checkDtype,
  copyOf,
  elementBytes,
  isNumberArray,
  isNumbers,
  readNumbers,
  typedView,
  writeNumbers,
} from '../core/dtype.ts';
import { ArgumentError, EngineError, ShapeError } from '../core/errors.ts';
import type { MemoryFormat } from '../core/memory_format.ts';
import { checkMemoryFormat, formatStrides } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import {
  contiguousStrides,
  elementCount,
  formatShape,
  isContiguous,
  reshapedStrides,
  sameStrides,
} from '../core/shape.ts';
import { checkInteger, wrongType } from '../core/validate.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import { registerTensors } from '../engine/wrap.ts';
import { planCopy } from '../plan/copy.ts';
import { planConvertHalf } from '../plan/half.ts';
import type { Stage } from '../plan/stage.ts';
import { catchUndisposed, letGo } from './safety_net.ts';

/** Numbers nested as deep as the tensor has axes. */
export type NestedNumbers = number | NestedNumbers[];

export class Tensor extends DisposableBase {
  readonly shape: Shape;
  /** Element strides. */
  readonly strides: readonly number[];
  readonly dtype: Dtype;
  /** Number of elements. */
  readonly size: number;
  /** Accumulated gradient of a parameter; null until a backward pass made one. */
  grad: Tensor | null = null;
  readonly #storage: Storage;
  readonly #offset: number; // elements from the start of the storage
  #disposed = false;

  /** Takes over one reference to `storage`. Use `tensor`, `zeros`, … to make tensors. */
  constructor(storage: Storage, dtype: Dtype, shape: Shape, strides: readonly number[], offset: number) {
    super();
    this.#storage = storage;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.strides = Object.freeze([...strides]);
    this.size = elementCount(shape);
    this.#offset = offset;
    catchUndisposed(this, storage);
  }

  get engine(): Engine {
    return this.#storage.engine;
  }

  /** The storage that views share; for the layers above, which count versions and references. @internal */
  get storage(): Storage {
    return this.#storage;
  }

  /** Bytes of the elements, without gaps. */
  get byteLength(): number {
    return this.size * elementBytes(this.dtype);
  }

  /**
   * Address of the first element in wasm memory.
   * @throws {EngineError} ERR_DISPOSED
   */
  get ptr(): number {
    this.#checkAlive('ptr');
    return this.#storage.ptr + this.#offset * elementBytes(this.dtype);
  }

  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  get disposed(): boolean {
    return this.#disposed || this.engine.disposed;
  }

  /**
   * A view of wasm memory, fresh at each read: valid until the next call or await.
   * The engine cannot see writes through it, so packed copies of this storage are no longer reused.
   * @throws {ArgumentError} when the tensor is not contiguous.
   * @throws {EngineError} ERR_DISPOSED, or ERR_IN_USE while a pending call uses the tensor
   */
  get data(): TypedArrayOf {
    this.#checkAlive('data');
    if (!this.isContiguous) {
      throw new ArgumentError('data', 'tensor', 'a contiguous tensor (use contiguous() or toTypedArray())', 'a view');
    }
    this.#storage.checkWritable('data');
    this.#storage.expose();
    return this.#elements();
  }

  /** Ends the exposure that reading `data` began: later writes go through the API again. */
  commit(): void {
    this.#checkAlive('commit');
    this.#storage.checkWritable('commit');
    this.#storage.commit();
  }

  /** A row-major copy on the JavaScript heap; of float16, its bit patterns. */
  toTypedArray(): OwnedTypedArray {
    this.#checkAlive('toTypedArray');
    return this.#read('toTypedArray', copyOf);
  }

  /**
   * Copies all elements, row-major, into `target` from index `offset`: numbers, or the bit patterns of float16 where
   * `target` is a Uint16Array.
   * @throws {ShapeError} when they do not fit.
   */
  copyTo(target: Float32Array | Float64Array | Uint16Array, offset = 0): void {
    this.#checkAlive('copyTo');
    if (!isNumberArray(target)) throw wrongType('copyTo', 'target', 'a typed array', target);
    checkInteger('copyTo', 'offset', offset, 0);
    if (target.length < offset + this.size) {
      throw new ShapeError('copyTo', 'target', `room for ${this.size} elements at ${offset}`, String(target.length));
    }
    this.#read('copyTo', (elements) => readNumbers(this.dtype, elements, target, offset));
  }

  /** Nested arrays, as deep as the tensor has axes; a number for a tensor without axes. */
  toArray(): NestedNumbers {
    const flat = this.#numbers();
    let position = 0;
    const nest = (axis: number): NestedNumbers =>
      axis === this.shape.length ? flat[position++] : Array.from({ length: this.shape[axis] }, () => nest(axis + 1));
    return nest(0);
  }

  /**
   * The only element.
   * @throws {ShapeError} when there is not exactly one.
   */
  item(): number {
    this.#checkAlive('item');
    if (this.size !== 1) throw new ShapeError('item', 'tensor', 'one element', formatShape(this.shape));
    return this.#numbers()[0];
  }

  /**
   * The same elements in another shape; one entry may be −1. A view when strides allow, else a copy.
   * @throws {ShapeError} when the element counts differ.
   */
  reshape(...shape: (number | readonly number[])[]): Tensor {
    this.#checkAlive('reshape');
    const target = this.#resolveShape(shape.flat());
    const strides = reshapedStrides(this.shape, this.strides, target);
    if (strides !== null) return this.#view(target, strides, 0);
    const dense = this.clone();
    try {
      return dense.reshape(target);
    } finally {
      dense.dispose();
    }
  }

  /** A view with axes in another order. */
  permute(...dims: (number | readonly number[])[]): Tensor {
    this.#checkAlive('permute');
    const order = dims.flat().map((dim) => this.#axis('permute', dim));
    if (order.length !== this.shape.length || new Set(order).size !== order.length) {
      throw new ArgumentError(
        'permute',
        'dims',
        `a permutation of ${this.shape.length} axes`,
        formatShape(dims.flat()),
      );
    }
    return this.#view(
      order.map((axis) => this.shape[axis]),
      order.map((axis) => this.strides[axis]),
      0,
    );
  }

  /** A view with two axes exchanged. */
  transpose(a: number, b: number): Tensor {
    const first = this.#axis('transpose', a);
    const second = this.#axis('transpose', b);
    const order = this.shape.map((_, axis) => axis);
    order[first] = second;
    order[second] = first;
    return this.permute(order);
  }

  /**
   * A view of `length` entries of axis `dim` from `start`; a negative one counts from the end.
   * @throws {ArgumentError} when they are not all there.
   */
  narrow(dim: number, start: number, length: number): Tensor {
    this.#checkAlive('narrow');
    const axis = this.#axis('narrow', dim);
    const extent = this.shape[axis];
    checkInteger('narrow', 'start', start, -extent);
    checkInteger('narrow', 'length', length, 0);
    const first = start < 0 ? start + extent : start;
    if (first + length > extent) {
      throw new ArgumentError('narrow', 'length', `at most ${extent - first} from ${first}`, String(length));
    }
    const shape = this.shape.map((whole, i) => (i === axis ? length : whole));
    return this.#view(shape, this.strides, first * this.strides[axis]);
  }

  /** A view without the axis `dim` if its length is 1; without `dim`, without any such axis. */
  squeeze(dim?: number): Tensor {
    this.#checkAlive('squeeze');
    const only = dim === undefined ? null : this.#axis('squeeze', dim);
    const kept = this.shape
      .map((_, axis) => axis)
      .filter((axis) => this.shape[axis] !== 1 || (only !== null && axis !== only));
    return this.#view(
      kept.map((axis) => this.shape[axis]),
      kept.map((axis) => this.strides[axis]),
      0,
    );
  }

  /** A view with an axis of length 1 before axis `dim`. */
  unsqueeze(dim: number): Tensor {
    this.#checkAlive('unsqueeze');
    const rank = this.shape.length;
    checkInteger('unsqueeze', 'dim', dim < 0 ? dim + rank + 1 : dim, 0);
    const axis = dim < 0 ? dim + rank + 1 : dim;
    if (axis > rank) throw new ArgumentError('unsqueeze', 'dim', `at most ${rank}`, String(dim));
    const stride = axis < rank ? this.strides[axis] * this.shape[axis] : 1;
    return this.#view(this.shape.toSpliced(axis, 0, 1), this.strides.toSpliced(axis, 0, stride), 0);
  }

  /**
   * This tensor's elements in a memory format: a view if they are already, else a copy. With 'channelsLast' axis 1 is
   * dense, of (N, C, …).
   */
  contiguous({ memoryFormat }: { readonly memoryFormat?: MemoryFormat } = {}): Tensor {
    this.#checkAlive('contiguous');
    const strides = formatStrides(checkMemoryFormat('contiguous', memoryFormat), this.shape, 1);
    if (this.size === 0 || sameStrides(this.shape, this.strides, strides)) return this.#view(this.shape, strides, 0);
    return this.#copy('contiguous', strides);
  }

  /** A copy with a storage of its own, row-major. */
  clone(): Tensor {
    return this.#copy('clone', contiguousStrides(this.shape));
  }

  /** A copy in another dtype, or in the same. */
  to(dtype: Dtype): Tensor {
    this.#checkAlive('to');
    this.#storage.checkReadable('to');
    checkDtype('to', dtype);
    if (dtype === this.dtype) return this.clone();
    const dense = this.contiguous();
    try {
      // the copy may grow the memory: views are taken only after it
      return this.#filled(dtype, contiguousStrides(this.shape), (copy) => {
        if (this.dtype === 'float16') copy.#fromHalf(dense);
        else if (dtype === 'float16' && this.dtype === 'float32')
          copy.#convertHalf({ half: copy, float: dense }, dtype);
        else writeNumbers(dtype, copy.#elements(), dense.#elements());
      });
    } finally {
      dense.dispose();
    }
  }

  /**
   * Overwrites all elements, row-major, with `data`: numbers, or a tensor of the same shape, converted if need be. In a
   * float16 tensor a Uint16Array holds bit patterns.
   * @throws {ShapeError} when the counts or shapes differ.
   */
  copyFrom(data: Tensor | ArrayLike<number>): this {
    this.#checkAlive('copyFrom');
    this.#storage.checkWritable('copyFrom');
    if (data instanceof Tensor) {
      if (formatShape(data.shape) !== formatShape(this.shape)) {
        throw new ShapeError('copyFrom', 'data', formatShape(this.shape), formatShape(data.shape));
      }
      if (data.engine !== this.engine)
        throw new EngineError('ERR_ENGINE_MISMATCH', 'copyFrom: data is of another engine');
      if (data.dtype === this.dtype) this.#writeFrom(data);
      else this.#takeFrom(data.to(this.dtype));
    } else {
      if (!isNumbers(data)) throw wrongType('copyFrom', 'data', 'numbers', data);
      if (data.length !== this.size)
        throw new ShapeError('copyFrom', 'data', `${this.size} elements`, String(data.length));
      if (this.isContiguous) {
        writeNumbers(this.dtype, this.#elements(), data);
      } else {
        const write = (dense: Tensor): void => writeNumbers(this.dtype, dense.#elements(), data);
        this.#takeFrom(this.#filled(this.dtype, contiguousStrides(this.shape), write));
      }
      this.engine.countCopiedIn(this.byteLength);
    }
    this.#storage.written();
    return this;
  }

  /** Gives up this tensor; its storage is freed with the last tensor that shares it. Idempotent. */
  override dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    letGo(this);
    if (!this.engine.disposed) this.#storage.release();
  }

  override toString(): string {
    return `Tensor(${formatShape(this.shape)}, ${this.dtype})`;
  }

  /** Calls `copy` with all elements, row-major. */
  #read<T>(operation: string, copy: (elements: TypedArrayOf) => T): T {
    this.#storage.checkReadable(operation);
    const dense = this.isContiguous ? this : this.clone();
    try {
      const copied = copy(dense.#elements());
      this.engine.countCopiedOut(this.byteLength);
      return copied;
    } finally {
      if (dense !== this) dense.dispose();
    }
  }

  /** Fresh typed array over the elements, which must be contiguous; does not mark the storage exposed. */
  #elements(): TypedArrayOf {
    const ptr = this.#storage.ptr + this.#offset * elementBytes(this.dtype);
    return typedView(this.dtype, this.engine.buffer, ptr, this.size);
  }

  /** A new tensor of this shape with what `fill` writes into it; none is left when that fails. */
  #filled(dtype: Dtype, strides: readonly number[], fill: (made: Tensor) => void): Tensor {
    const storage = this.engine.allocateStorage('tensor', this.size * elementBytes(dtype));
    const made = new Tensor(storage, dtype, this.shape, strides, 0);
    try {
      fill(made);
      return made;
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  #copy(operation: string, strides: readonly number[]): Tensor {
    this.#checkAlive(operation);
    this.#storage.checkReadable(operation);
    return this.#filled(this.dtype, strides, (copy) => copy.#writeFrom(this));
  }

  /** As `#writeFrom`; disposes `source`. */
  #takeFrom(source: Tensor): void {
    try {
      this.#writeFrom(source);
    } finally {
      source.dispose();
    }
  }

  /** Strided copy of `source`, same shape and dtype. */
  #writeFrom(source: Tensor): void {
    if (this.size === 0) return;
    this.#run(planCopy(this.dtype, this.shape, source.strides, this.strides), { source, target: this });
  }

  /** The elements of a contiguous float16 tensor, which float32 and float64 hold exactly. */
  #fromHalf(half: Tensor): void {
    if (this.dtype === 'float32') this.#convertHalf({ half, float: this }, 'float32');
    else readNumbers('float16', half.#elements(), this.#elements(), 0);
  }

  #convertHalf(operands: { half: Tensor; float: Tensor }, to: 'float32' | 'float16'): void {
    if (this.size > 0) this.#run(planConvertHalf(to, this.size), { ...operands });
  }

  /** The elements as numbers. */
  #numbers(): Float32Array | Float64Array {
    const numbers = this.dtype === 'float64' ? new Float64Array(this.size) : new Float32Array(this.size);
    this.copyTo(numbers);
    return numbers;
  }

  /** Runs a stage that writes this tensor, which nobody else knows yet or the caller may write. */
  #run(stage: Stage, operands: Readonly<Record<string, Tensor>>): void {
    const pointers = Object.fromEntries(Object.entries(operands).map(([name, { ptr }]) => [name, ptr]));
    this.engine.execute({
      engine: this.engine,
      operation: 'copy',
      reads: Object.values(operands).flatMap((tensor) => (tensor === this ? [] : [tensor.#storage])),
      steps: [{ stages: [stage], workspaceBytes: NO_WORKSPACE, pointers }],
      writes: [this.#storage],
      finish: () => undefined,
      abandon: () => undefined,
      release: () => undefined,
    });
  }

  #view(shape: Shape, strides: readonly number[], offset: number): Tensor {
    return new Tensor(this.#storage.retain(), this.dtype, shape, strides, this.#offset + offset);
  }

  #axis(operation: string, dim: number): number {
    const rank = this.shape.length;
    if (checkInteger(operation, 'dim', dim, -rank) >= rank) {
      throw new ArgumentError(operation, 'dim', `an axis of a tensor with ${rank} axes`, String(dim));
    }
    return dim < 0 ? dim + rank : dim;
  }

  #resolveShape(shape: readonly number[]): number[] {
    for (const length of shape) {
      if (typeof length !== 'number') throw wrongType('reshape', 'shape', 'numbers', length);
    }
    const unknown = shape.indexOf(-1);
    const known = elementCount(shape.filter((_, axis) => axis !== unknown));
    const resolved = shape.map((length, axis) => (axis === unknown ? this.size / known : length));
    if (elementCount(resolved) !== this.size || resolved.some((length) => !Number.isInteger(length) || length < 0)) {
      throw new ShapeError('reshape', 'shape', `${this.size} elements`, formatShape(shape));
    }
    return resolved;
  }

  #checkAlive(operation: string): void {
    if (this.engine.disposed)
      throw new EngineError('ERR_DISPOSED', `${operation}: the engine of this tensor is disposed`);
    if (this.#disposed) throw new EngineError('ERR_DISPOSED', `${operation}: the tensor is disposed`);
  }
}

registerTensors((storage, dtype, shape, strides, offset) => new Tensor(storage, dtype, shape, strides, offset));

declare module '../engine/wrap.ts' {
  // what `engine.wrap` returns is a tensor
  // eslint-disable-next-line typescript/no-empty-object-type
  interface WrappedTensor extends Tensor {}
}
