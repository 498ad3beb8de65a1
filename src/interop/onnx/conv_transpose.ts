/** The operator ConvTranspose of ONNX as functions. */

import { ShapeError } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import { checkOptions, wrongType } from '../../core/validate.ts';
import type { Call } from '../../engine/call.ts';
import { beginBackward, beginForward } from '../../functional/conv_call.ts';
import type { ConvTransposeBackwardOptions, ConvTransposeOptions, SpatialRank } from '../../functional/conv_options.ts';
import { FORWARD_OPTIONS, TRANSPOSE_BACKWARD_OPTIONS } from '../../functional/conv_options.ts';
import { CONV_TRANSPOSE } from '../../functional/conv_problem.ts';
import type { ConvGradients } from '../../functional/gradients.ts';
import type { TensorArgument } from '../../functional/operands.ts';
import { placedAt } from '../../functional/placement.ts';
import type { WeightArgument } from '../../functional/packed_weight.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ConvTransposeAttributes } from './attributes.ts';
import { checkAttributes } from './attributes.ts';

/** X (N, C, *spatial), W (C, M/group, *kernel) and B (M): in this order, or by name. */
export type ConvTransposeInputs =
  | readonly [X: TensorArgument, W: WeightArgument, B?: TensorArgument | null]
  | { readonly X: TensorArgument; readonly W: WeightArgument; readonly B?: TensorArgument | null };

/** What the operator does not know, as in `convTranspose2d`. */
export type OnnxConvTransposeOptions = Omit<ConvTransposeOptions, GeometryName>;
export type OnnxConvTransposeBackwardOptions = Omit<ConvTransposeBackwardOptions, GeometryName>;
type GeometryName = 'stride' | 'padding' | 'outputPadding' | 'groups' | 'dilation' | 'outputSize';

/** What attributes say, in other names. */
const GEOMETRY: ReadonlySet<string> = new Set<GeometryName>([
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'dilation',
  'outputSize',
]);

/**
 * ConvTranspose as version 22 of the operator defines it, with one, two or three spatial axes.
 *
 * @param attributes as in a model: auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads, strides
 * @returns Y (N, M, *spatial)
 * @throws {ArgumentError} for attributes; {ShapeError} for ranks, channels and an output below 1
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { init, rand } from 'upconv';
 * import { convTranspose } from 'upconv/onnx';
 *
 * await init();
 * const attributes = { strides: [2, 2], auto_pad: 'SAME_UPPER' };
 * const Y = await convTranspose(attributes, [rand([1, 4, 5, 5]), rand([4, 2, 3, 3])]);
 * console.log(Y.shape); // [ 1, 2, 10, 10 ]
 * ```
 */
export async function convTranspose(
  attributes: ConvTransposeAttributes,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeOptions = {},
): Promise<Tensor> {
  const call = begin(attributes, inputs, options);
  return call.engine.submit(call, options.signal);
}

/** As `convTranspose`, on the calling thread. */
export function convTransposeSync(
  attributes: ConvTransposeAttributes,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeOptions = {},
): Tensor {
  const call = begin(attributes, inputs, options);
  return call.engine.execute(call, options.signal);
}

/**
 * Gradients of `convTranspose`.
 * @param gradOutput of the shape of Y
 * @throws as `convTranspose`
 */
export async function convTransposeBackward(
  attributes: ConvTransposeAttributes,
  gradOutput: TensorArgument,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeBackwardOptions = {},
): Promise<ConvGradients> {
  const call = beginGradients(attributes, gradOutput, inputs, options);
  return call.engine.submit(call, options.signal);
}

/** As `convTransposeBackward`, on the calling thread. */
export function convTransposeBackwardSync(
  attributes: ConvTransposeAttributes,
  gradOutput: TensorArgument,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeBackwardOptions = {},
): ConvGradients {
  const call = beginGradients(attributes, gradOutput, inputs, options);
  return call.engine.execute(call, options.signal);
}

function begin(
  attributes: ConvTransposeAttributes,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeOptions,
): Call<Tensor> {
  const operation = 'convTranspose';
  checkRest(operation, options, FORWARD_OPTIONS);
  const { axes, X, W, B, geometry, place } = open(operation, attributes, inputs);
  return beginForward(CONV_TRANSPOSE, operation, axes, X, W, B, { ...options, ...geometry }, { place });
}

function beginGradients(
  attributes: ConvTransposeAttributes,
  gradOutput: TensorArgument,
  inputs: ConvTransposeInputs,
  options: OnnxConvTransposeBackwardOptions,
): Call<ConvGradients> {
  const operation = 'convTransposeBackward';
  checkRest(operation, options, TRANSPOSE_BACKWARD_OPTIONS);
  const { axes, X, W, geometry, place } = open(operation, attributes, inputs);
  return beginBackward(CONV_TRANSPOSE, operation, axes, gradOutput, X, W, { ...options, ...geometry }, { place });
}

function checkRest(operation: string, options: object, known: readonly string[]): void {
  checkOptions(
    operation,
    options,
    known.filter((name) => !GEOMETRY.has(name)),
  );
}

function open(operation: string, attributes: ConvTransposeAttributes, inputs: ConvTransposeInputs) {
  const [X, W, B] = namedInputs(operation, inputs);
  const [xShape, wShape] = [shapeOf(operation, 'X', X), shapeOf(operation, 'W', W)];
  const axes = wShape.length - 2;
  if (axes < 1 || axes > 3) throw new ShapeError(operation, 'W', '3 to 5 axes', formatShape(wShape));
  if (xShape.length !== wShape.length) {
    throw new ShapeError(operation, 'X', `${wShape.length} axes, as many as W`, formatShape(xShape));
  }
  if (xShape[1] !== wShape[0]) {
    throw new ShapeError(operation, 'W', `(C, M/group, …) with C = ${xShape[1]} as X has`, formatShape(wShape));
  }
  const rank = axes as SpatialRank;
  const { strides, dilations, group, places } = checkAttributes(operation, rank, attributes, wShape);
  checkBias(operation, B, wShape[1] * group);
  const geometry = { stride: strides, dilation: dilations, groups: group };
  return { axes: rank, X, W, B: B ?? null, geometry, place: placedAt(operation, rank, places) };
}

function checkBias(operation: string, B: TensorArgument | null | undefined, outChannels: number): void {
  if (B === undefined || B === null) return;
  const shape = shapeOf(operation, 'B', B);
  if (shape.length === 1 && shape[0] === outChannels) return;
  throw new ShapeError(operation, 'B', `(M) = [${outChannels}]`, formatShape(shape));
}

type Inputs = readonly [X: TensorArgument, W: WeightArgument, B?: TensorArgument | null];

function namedInputs(operation: string, inputs: ConvTransposeInputs): Inputs {
  const given: unknown = inputs;
  if (Array.isArray(given) && (given.length === 2 || given.length === 3)) return given as unknown as Inputs;
  if (typeof given === 'object' && given !== null && 'X' in given && 'W' in given) {
    const { X, W, B } = inputs as Exclude<ConvTransposeInputs, Inputs>;
    return [X, W, B];
  }
  throw wrongType(operation, 'inputs', '[X, W] or [X, W, B]', given);
}

/** Of tensors of this package, packed weights and TensorLikes. */
function shapeOf(operation: string, argument: string, value: unknown): readonly number[] {
  if (typeof value === 'object' && value !== null) {
    const { shape, dims } = value as { shape?: unknown; dims?: unknown };
    const found = shape ?? dims;
    if (Array.isArray(found)) return found as number[];
  }
  throw wrongType(operation, argument, 'a Tensor', value);
}
