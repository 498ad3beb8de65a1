/** Tensors of random numbers, in the order in which PyTorch draws them. */

import type { Generator } from '../core/generator.ts';
import { generatorOrDefault } from '../core/generator.ts';
import { roundToHalf } from '../core/half.ts';
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

/** Overwrites `tensor` with numbers of [low, high). Bounds are rounded to the dtype first, of float16 the range too. */
export function fillUniform(tensor: Tensor, low: number, high: number, generator: Generator): Tensor {
  const values = numbersFor(tensor);
  const uniform = uniformOf(tensor, generator);
  const round = ROUND[tensor.dtype];
  const from = round(low);
  const range = tensor.dtype === 'float16' ? round(round(high) - from) : round(high) - from;
  for (let i = 0; i < values.length; i++) values[i] = uniform() * range + from;
  return tensor.copyFrom(values);
}

function numbersFor({ dtype, size }: Tensor): Float32Array | Float64Array {
  return dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
}

/** Numbers of [0, 1) with as many random bits as the dtype takes. */
function uniformOf({ dtype }: Tensor, generator: Generator): () => number {
  if (dtype === 'float64') return () => generator.uniformFloat64();
  return dtype === 'float16' ? () => generator.uniformFloat16() : () => generator.uniformFloat32();
}

const identity = (value: number): number => value;
const ROUND = { float64: identity, float32: Math.fround, float16: roundToHalf } as const;

/** Numbers made at once from as many uniform ones: 8 radii and 8 angles. */
const NORMAL_BLOCK = 16;

/** Overwrites `tensor` with normal numbers. */
export function fillNormal(tensor: Tensor, mean: number, deviation: number, generator: Generator): Tensor {
  const values = numbersFor(tensor);
  if (values.length < NORMAL_BLOCK) {
    for (let i = 0; i < values.length; i++) values[i] = generator.normal() * deviation + mean;
    return tensor.copyFrom(values);
  }
  const uniform = uniformOf(tensor, generator);
  const round = tensor.dtype === 'float16' ? roundToHalf : identity;
  for (let i = 0; i < values.length; i++) values[i] = uniform();
  let start = 0;
  for (; start + NORMAL_BLOCK <= values.length; start += NORMAL_BLOCK) transform(values, start, mean, deviation, round);
  if (start < values.length) {
    // the last block overlaps its neighbour, and is drawn anew
    start = values.length - NORMAL_BLOCK;
    for (let i = start; i < values.length; i++) values[i] = uniform();
    transform(values, start, mean, deviation, round);
  }
  return tensor.copyFrom(values);
}

/** Box and Muller's transform of one block; PyTorch rounds radii and angles, in float16 by a lot. */
function transform(
  values: Float32Array | Float64Array,
  start: number,
  mean: number,
  deviation: number,
  round: (value: number) => number,
): void {
  const half = NORMAL_BLOCK / 2;
  for (let i = start; i < start + half; i++) {
    const radius = round(Math.sqrt(-2 * Math.log(1 - values[i])));
    const angle = round(2 * Math.PI * values[i + half]);
    values[i] = radius * Math.cos(angle) * round(deviation) + round(mean);
    values[i + half] = radius * Math.sin(angle) * round(deviation) + round(mean);
  }
}
