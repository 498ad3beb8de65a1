/** `upconv/tfjs`: kernels of this package in TensorFlow.js, so that tf.conv2dTranspose and its training run on them. */

import { EngineError } from '../core/errors.ts';
import { checkNumber, checkOptions, wrongType } from '../core/validate.ts';
import { createEngine } from '../engine/default_engine.ts';
import { Engine } from '../engine/engine.ts';
import { convTranspose2dSync, convTranspose3dSync } from '../functional/conv_transpose.ts';
import { convTranspose2dBackwardSync, convTranspose3dBackwardSync } from '../functional/conv_transpose_backward.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { FilterCache } from './tfjs_filters.ts';
import type { TfjsConv } from './tfjs_geometry.ts';
import { convOf, isEmpty } from './tfjs_geometry.ts';
import { memoryOf } from './tfjs_memory.ts';
import { TfjsOperands } from './tfjs_operands.ts';
import type { ConvUtil, KernelArguments, KernelConfig, TensorInfo, Tfjs, TfjsBackend } from './tfjs_types.ts';

export interface RegisterOptions {
  /** Computes in its own memory, with copies; default: an engine in the memory of the wasm backend, without. */
  engine?: Engine;
  /** Limit of the filters that are kept, and of packed copies of an engine that is made here, in bytes; default 128 MiB. */
  cacheBytes?: number;
}

/** What was done since `register`. */
export interface TfjsStats {
  readonly backend: 'wasm' | 'cpu';
  /** Operands are read and written where TensorFlow.js has them, or copied. */
  readonly memory: 'tfjs' | 'copies';
  /** Kernel calls. */
  readonly calls: number;
  /** Both ways. */
  readonly bytesCopied: number;
}

export interface Registration {
  readonly stats: TfjsStats;
  /** Puts the kernels of the backend back, and frees what was taken. Idempotent. */
  readonly unregister: () => void;
}

const DEFAULT_CACHE_BYTES = 128 * 2 ** 20;

const INPUT_KERNELS = ['Conv2DBackpropInput', 'Conv3DBackpropInputV2'];
const FILTER_KERNELS = ['Conv2DBackpropFilter', 'Conv3DBackpropFilterV2'];

/** Backends whose kernels are replaced. */
const registered = new WeakSet();

/**
 * Replaces the kernels of transposed convolutions and of gradients of filters in the current backend of TensorFlow.js, to
 * be called after `tf.setBackend`. tf.conv2dTranspose, tf.layers.conv2dTranspose, tf.conv3dTranspose and the training of
 * convolutions take them without further ado.
 *
 * @param tf the namespace of `@tensorflow/tfjs` or `@tensorflow/tfjs-core`
 * @throws {EngineError} ERR_UNSUPPORTED for backends other than 'wasm' and 'cpu'; ERR_IN_USE when it is registered there
 * @throws {ArgumentError | TypeError} for options; as `createEngine`
 */
export async function register(tf: Tfjs, options: RegisterOptions = {}): Promise<Registration> {
  checkOptions('register', options, ['engine', 'cacheBytes']);
  const { engine: given } = options;
  if (given !== undefined && !(given instanceof Engine)) throw wrongType('register', 'engine', 'an Engine', given);
  const cacheBytes = checkNumber('register', 'cacheBytes', options.cacheBytes ?? DEFAULT_CACHE_BYTES, 0);
  if (typeof tf?.getBackend !== 'function') throw wrongType('register', 'tf', 'TensorFlow.js', tf);
  const name = tf.getBackend();
  if (name !== 'wasm' && name !== 'cpu') {
    throw new EngineError(
      'ERR_UNSUPPORTED',
      `register: the backend of TensorFlow.js expected wasm | cpu, got '${name}'`,
    );
  }
  const backend = tf.backend() as TfjsBackend;
  if (registered.has(backend)) {
    throw new EngineError('ERR_IN_USE', `register: the backend '${name}' has these kernels: unregister() them first`);
  }
  registered.add(backend);
  try {
    const place = given === undefined && backend.wasm !== undefined ? memoryOf(backend.wasm) : null;
    const engine = given ?? (await createEngine({ cacheBytes, ...place }));
    const kernels = new Kernels(tf, name, backend, engine, place !== null, cacheBytes, given === undefined);
    return { stats: kernels.stats, unregister: () => kernels.unregister() };
  } catch (error) {
    registered.delete(backend);
    throw error;
  }
}

class Kernels {
  readonly stats: { -readonly [K in keyof TfjsStats]: TfjsStats[K] };
  readonly #tf: Tfjs;
  readonly #backend: TfjsBackend;
  readonly #engine: Engine;
  readonly #inPlace: boolean;
  readonly #ownsEngine: boolean;
  readonly #filters: FilterCache;
  /** The kernels of the backend by name; undefined where it has none. */
  readonly #replaced = new Map<string, object | null | undefined>();

  constructor(
    tf: Tfjs,
    name: 'wasm' | 'cpu',
    backend: TfjsBackend,
    engine: Engine,
    inPlace: boolean,
    cacheBytes: number,
    ownsEngine: boolean,
  ) {
    this.#tf = tf;
    this.#backend = backend;
    this.#engine = engine;
    this.#inPlace = inPlace;
    this.#ownsEngine = ownsEngine;
    this.#filters = new FilterCache(backend, cacheBytes);
    this.stats = { backend: name, memory: inPlace ? 'tfjs' : 'copies', calls: 0, bytesCopied: 0 };
    for (const kernelName of INPUT_KERNELS) this.#replace(kernelName, (args, call) => this.#backpropInput(args, call));
    for (const kernelName of FILTER_KERNELS)
      this.#replace(kernelName, (args, call) => this.#backpropFilter(args, call));
  }

  unregister(): void {
    if (!registered.delete(this.#backend)) return;
    const { backend } = this.stats;
    for (const [kernelName, config] of this.#replaced) {
      this.#tf.unregisterKernel(kernelName, backend);
      if (config) this.#tf.registerKernel(config);
    }
    if (!this.#engine.disposed) this.#filters.clear();
    if (this.#ownsEngine) this.#engine.dispose();
  }

  #replace(kernelName: string, compute: (args: KernelArguments, call: TfjsOperands) => TensorInfo): void {
    const backendName = this.stats.backend;
    const before = this.#tf.getKernel(kernelName, backendName) as KernelConfig | null | undefined;
    this.#replaced.set(kernelName, before);
    if (before) this.#tf.unregisterKernel(kernelName, backendName);
    const kernelFunc = (args: KernelArguments): TensorInfo => {
      // the backend may have been made anew, with another memory
      const inPlace = this.#inPlace && args.backend === this.#backend;
      const call = new TfjsOperands(this.#engine, args.backend, inPlace);
      try {
        return compute(args, call);
      } finally {
        call.dispose();
        this.stats.calls++;
        this.stats.bytesCopied += call.bytesCopied;
      }
    };
    this.#tf.registerKernel({ kernelName, backendName, kernelFunc } satisfies KernelConfig);
  }

  /** The gradient of a convolution's input, which is the transposed convolution of dy. */
  #backpropInput({ inputs: { dy, filter }, attrs, backend }: KernelArguments, call: TfjsOperands): TensorInfo {
    const conv = this.#convOf(attrs.inputShape!, filter.shape, dy.shape, attrs);
    const { inputShape, largeSpatial, options, sides } = conv;
    if (isEmpty(inputShape, filter.shape, dy.shape)) return call.zeros(inputShape);
    const convTranspose = conv.axes === 2 ? convTranspose2dSync : convTranspose3dSync;
    const small = this.#small(call, dy, conv);
    const kept = backend === this.#backend ? this.#filters.find(filter.dataId) : null;
    const weight = kept ?? call.read(filter);
    const info = call.make(inputShape, (target) => {
      const out = this.#part(call, target, sides, largeSpatial);
      if (out.size < target.size) target.copyFrom(new Float32Array(target.size));
      convTranspose(small, call.hold(weight.permute(conv.filter)), null, { ...options, out });
    });
    if (kept === null && backend === this.#backend) this.#filters.note(filter.dataId, weight);
    return info;
  }

  /** The gradient of a convolution's filter; that of a transposed one is the same with the sides exchanged. */
  #backpropFilter({ inputs: { x, dy }, attrs }: KernelArguments, call: TfjsOperands): TensorInfo {
    const conv = this.#convOf(x.shape, attrs.filterShape!, dy.shape, attrs);
    const { filterShape, largeSpatial, options, sides } = conv;
    if (isEmpty(x.shape, filterShape, dy.shape)) return call.zeros(filterShape);
    const backward = conv.axes === 2 ? convTranspose2dBackwardSync : convTranspose3dBackwardSync;
    const small = this.#small(call, dy, conv);
    const large = this.#part(call, call.read(x), sides, largeSpatial);
    return call.make(filterShape, (target) => {
      const outGradWeight = call.hold(target.permute(conv.filter));
      // of the weight only the shape is asked for
      const weight = call.hold(
        this.#engine.wrap(small.ptr, outGradWeight.shape, { strides: outGradWeight.shape.map(() => 0) }),
      );
      backward(large, small, weight, { ...options, outputMask: [false, true, false], outGradWeight });
    });
  }

  #convOf(
    inputShape: readonly number[],
    filterShape: readonly number[],
    dyShape: readonly number[],
    attrs: KernelArguments['attrs'],
  ): TfjsConv {
    return convOf(this.#tf.backend_util as ConvUtil, inputShape, filterShape, dyShape, attrs);
  }

  /** What is read of dy, as (N, C, …). */
  #small(call: TfjsOperands, dy: TensorInfo, { sides, smallSpatial }: TfjsConv): Tensor {
    return this.#part(call, call.read(dy), sides, smallSpatial);
  }

  /** The first positions of a side, as (N, C, …). */
  #part(call: TfjsOperands, side: Tensor, sides: readonly number[], spatial: readonly number[]): Tensor {
    let part = call.hold(side.permute(sides));
    spatial.forEach((length, axis) => {
      if (part.shape[axis + 2] > length) part = call.hold(part.narrow(axis + 2, 0, length));
    });
    return part;
  }
}
