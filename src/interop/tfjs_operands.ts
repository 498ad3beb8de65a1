/** Operands of TensorFlow.js's kernels as tensors: where they lie in its wasm memory, or copied. */

import { elementCount } from '../core/shape.ts';
import type { Engine } from '../engine/engine.ts';
import { empty, tensor } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { TensorInfo, TfjsBackend } from './tfjs_types.ts';

/** The tensors of one kernel call. */
export class TfjsOperands {
  readonly #engine: Engine;
  readonly #backend: TfjsBackend;
  readonly #inPlace: boolean;
  readonly #owned: Tensor[] = [];
  bytesCopied = 0;

  /** @param inPlace the engine lives in the memory of the backend */
  constructor(engine: Engine, backend: TfjsBackend, inPlace: boolean) {
    this.#engine = engine;
    this.#backend = backend;
    this.#inPlace = inPlace;
  }

  /** Disposes `item` with the call. */
  hold(item: Tensor): Tensor {
    this.#owned.push(item);
    return item;
  }

  read({ dataId, shape, dtype }: TensorInfo): Tensor {
    if (this.#inPlace && dtype === 'float32') return this.hold(this.#wrap(dataId, shape));
    const values = (dtype === 'float32' ? this.#numbers(dataId, shape) : null) ?? this.#backend.readSync(dataId);
    this.bytesCopied += 4 * values.length;
    return this.hold(tensor(values, shape, { engine: this.#engine, dtype: 'float32' }));
  }

  /** A result: `write` fills it, and it becomes a tensor of TensorFlow.js. */
  make(shape: readonly number[], write: (target: Tensor) => void): TensorInfo {
    const backend = this.#backend;
    if (backend.wasm === undefined) {
      const target = this.#fill(shape, write);
      const values = target.toTypedArray() as Float32Array;
      return { dataId: backend.write(values, [...shape], 'float32'), shape, dtype: 'float32' };
    }
    const info = backend.makeOutput!([...shape], 'float32');
    try {
      if (this.#inPlace) write(this.hold(this.#wrap(info.dataId, shape)));
      else this.#fill(shape, write).copyTo(this.#numbers(info.dataId, shape)!);
    } catch (error) {
      backend.disposeData(info.dataId);
      throw error;
    }
    return info;
  }

  /** A result of zeros. */
  zeros(shape: readonly number[]): TensorInfo {
    const values = new Float32Array(elementCount(shape));
    return { dataId: this.#backend.write(values, [...shape], 'float32'), shape, dtype: 'float32' };
  }

  dispose(): void {
    for (const item of this.#owned.splice(0)) item.dispose();
  }

  /** A tensor in the memory of the engine, of which a copy goes out. */
  #fill(shape: readonly number[], write: (target: Tensor) => void): Tensor {
    const target = this.hold(empty(shape, { engine: this.#engine }));
    write(target);
    this.bytesCopied += target.byteLength;
    return target;
  }

  /** Numbers where they lie in the wasm backend, until it allocates. */
  #numbers(dataId: object, shape: readonly number[]): Float32Array | null {
    const { dataIdMap, wasm } = this.#backend;
    if (dataIdMap === undefined || wasm === undefined) return null;
    return new Float32Array(wasm.HEAPU8.buffer, dataIdMap.get(dataId).memoryOffset >>> 0, elementCount(shape));
  }

  #wrap(dataId: object, shape: readonly number[]): Tensor {
    const { memoryOffset } = this.#backend.dataIdMap!.get(dataId);
    return this.#engine.wrap(memoryOffset >>> 0, shape);
  }
}
