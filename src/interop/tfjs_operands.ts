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
    const values = this.#backend.readSync(dataId);
    this.bytesCopied += 4 * values.length;
    return this.hold(tensor(values, shape, { engine: this.#engine, dtype: 'float32' }));
  }

  /** A result: `write` fills it, and it becomes a tensor of TensorFlow.js. */
  make(shape: readonly number[], write: (target: Tensor) => void): TensorInfo {
    const backend = this.#backend;
    if (this.#inPlace) {
      const info = backend.makeOutput!([...shape], 'float32');
      try {
        write(this.hold(this.#wrap(info.dataId, shape)));
      } catch (error) {
        backend.disposeData(info.dataId);
        throw error;
      }
      return info;
    }
    const target = this.hold(empty(shape, { engine: this.#engine }));
    write(target);
    const values = target.toTypedArray() as Float32Array;
    this.bytesCopied += values.byteLength;
    return { dataId: backend.write(values, [...shape], 'float32'), shape, dtype: 'float32' };
  }

  /** A result of zeros. */
  zeros(shape: readonly number[]): TensorInfo {
    const values = new Float32Array(elementCount(shape));
    return { dataId: this.#backend.write(values, [...shape], 'float32'), shape, dtype: 'float32' };
  }

  dispose(): void {
    for (const item of this.#owned.splice(0)) item.dispose();
  }

  #wrap(dataId: object, shape: readonly number[]): Tensor {
    const { memoryOffset } = this.#backend.dataIdMap!.get(dataId);
    return this.#engine.wrap(memoryOffset >>> 0, shape);
  }
}
