/** Tensors of random numbers, in the order in which PyTorch draws them. */

import type { Generator } from '../core/generator.ts';
import { generatorOrDefault } from '../core/generator.ts';
import type { Shape } from '../core/shape.ts';
import type { TensorOptions } from './create.ts';
import { allocate } from './create.ts';
import type { Tensor } from './tensor.ts';

export interface RandomOptions extends TensorOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

const OPTIONS: readonly string[] = ['dtype', 'engine', 'generator'];

/** Numbers of [0, 1), the bits of `torch.rand`; float16 ones have 11 random bits, so that none is rounded to 1. */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  const generator = generatorOrDefault('rand', options?.generator);
  return fillUniform(allocate('rand', shape, options, OPTIONS), 0, 1, generator);
}

/** Standard normal numbers; `torch.randn` up to the last bit. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  const generator = generatorOrDefault('randn', options?.generator);
  return fillNormal(allocate('randn', shape, options, OPTIONS), 0, 1, generator);
}

/** Overwrites `tensor` with numbers of [low, high). The bounds are rounded to the dtype first. */
export function fillUniform(tensor: Tensor, low: number, high: number, generator: Generator): Tensor {
  const values = numbersFor(tensor);
  if (tensor.dtype === 'float64') {
    for (let i = 0; i < values.length; i++) values[i] = generator.uniformFloat64() * (high - low) + low;
  } else if (tensor.dtype === 'float16') {
    for (let i = 0; i < values.length; i++) values[i] = (generator.nextUint32() % 2048) * 2 ** -11 * (high - low) + low;
  } else {
    const from = Math.fround(low);
    const range = Math.fround(high) - from;
    for (let i = 0; i < values.length; i++) values[i] = generator.uniformFloat32() * range + from;
  }
  return tensor.copyFrom(values);
}

function numbersFor({ dtype, size }: Tensor): Float32Array | Float64Array {
  return dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
}

/** Numbers made at once from as many uniform ones: 8 radii and 8 angles. */
const NORMAL_BLOCK = 16;

/** Overwrites `tensor` with normal numbers. */
export function fillNormal(tensor: Tensor, mean: number, deviation: number, generator: Generator): Tensor {
  const values = numbersFor(tensor);
  if (values.length < NORMAL_BLOCK) {
    for (let i = 0; i < values.length; i++) values[i] = generator.normal() * deviation + mean;
    return tensor.copyFrom(values);
  }
  const uniform = (): number => (tensor.dtype === 'float64' ? generator.uniformFloat64() : generator.uniformFloat32());
  for (let i = 0; i < values.length; i++) values[i] = uniform();
  let start = 0;
  for (; start + NORMAL_BLOCK <= values.length; start += NORMAL_BLOCK) transform(values, start, mean, deviation);
  if (start < values.length) {
    // the last block overlaps its neighbour, and is drawn anew
    start = values.length - NORMAL_BLOCK;
    for (let i = start; i < values.length; i++) values[i] = uniform();
    transform(values, start, mean, deviation);
  }
  return tensor.copyFrom(values);
}

/** Box and Muller's transform of one block. */
function transform(values: Float32Array | Float64Array, start: number, mean: number, deviation: number): void {
  const half = NORMAL_BLOCK / 2;
  for (let i = start; i < start + half; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]));
    const angle = 2 * Math.PI * values[i + half];
    values[i] = radius * Math.cos(angle) * deviation + mean;
    values[i + half] = radius * Math.sin(angle) * deviation + mean;
  }
}
