/** `upconv`: transposed convolution without a GPU. The public entry point: re-exports only. */

export type { Dtype } from './core/dtype.ts';
export type { ErrorCode } from './core/errors.ts';
export {
  ArgumentError,
  DtypeError,
  EngineError,
  OutOfMemoryError,
  ShapeError,
  UpconvError,
  WorkerError,
} from './core/errors.ts';
export type { Engine, EngineInfo, EngineMemory } from './engine/engine.ts';
export { createEngine, createEngineSync, init } from './engine/engine.ts';
export type { EngineOptions } from './engine/options.ts';
export type { TensorData, TensorOptions } from './tensor/create.ts';
export { empty, full, tensor, zeros } from './tensor/create.ts';
export { Tensor } from './tensor/tensor.ts';
