/** Options of convolutions, and the checks that PyTorch makes in front: each returns what it checked. */

import type { Activation } from '../core/activation.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import { checkChoice, checkInteger, checkOptions, checkPerAxis, describe } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import type { Axis, ConvGeometry } from '../plan/conv_geometry.ts';
import { UNIT_AXIS } from '../plan/conv_geometry.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Number of spatial axes. */
export type SpatialRank = 1 | 2 | 3;

/** A number or tuple as PyTorch takes it, or [begin, end] per axis. */
export type Padding = PerAxis | readonly (readonly [number, number])[];

export type Algorithm = 'auto' | 'direct' | 'planes' | 'implicit' | 'depthwise' | 'winograd';

/** What decides the size of the output of a transposed convolution. */
export interface ConvTransposeGeometryOptions {
  stride?: PerAxis;
  padding?: Padding;
  outputPadding?: PerAxis;
  groups?: number;
  dilation?: PerAxis;
  /** Spatial sizes, or the full shape; wins over `outputPadding`. */
  outputSize?: readonly number[];
}

export interface ConvTransposeOptions extends ConvTransposeGeometryOptions {
  engine?: Engine;
  algorithm?: Algorithm;
  activation?: Activation;
  inputActivation?: Activation;
  signal?: AbortSignal;
  /** Where to write the result. */
  out?: Tensor;
}

export interface ConvTransposeBackwardOptions extends ConvTransposeGeometryOptions {
  engine?: Engine;
  algorithm?: Algorithm;
  signal?: AbortSignal;
  /** Which of gradInput, gradWeight, gradBias to compute. */
  outputMask?: readonly [boolean, boolean, boolean];
  outGradInput?: Tensor;
  outGradWeight?: Tensor;
  outGradBias?: Tensor;
  /** Add to the given gradients instead of overwriting them. */
  accumulate?: boolean;
}

const GEOMETRY_OPTIONS = ['stride', 'padding', 'outputPadding', 'groups', 'dilation', 'outputSize'];
const CALL_OPTIONS = ['engine', 'algorithm', 'activation', 'inputActivation', 'signal'];
const BACKWARD_OPTIONS = ['outputMask', 'outGradInput', 'outGradWeight', 'outGradBias', 'accumulate'];

const CONV_GEOMETRY_OPTIONS = ['stride', 'padding', 'groups', 'dilation'];

export const FORWARD_OPTIONS: readonly string[] = [...GEOMETRY_OPTIONS, ...CALL_OPTIONS, 'out'];
export const TRANSPOSE_BACKWARD_OPTIONS: readonly string[] = [
  ...GEOMETRY_OPTIONS,
  ...CALL_OPTIONS,
  ...BACKWARD_OPTIONS,
];
export const CONV_FORWARD_OPTIONS: readonly string[] = [...CONV_GEOMETRY_OPTIONS, ...CALL_OPTIONS, 'out'];
export const CONV_BACKWARD_OPTIONS: readonly string[] = [
  ...CONV_GEOMETRY_OPTIONS,
  ...CALL_OPTIONS,
  ...BACKWARD_OPTIONS,
];
export const ALGORITHMS: readonly Algorithm[] = ['auto', 'direct', 'planes', 'implicit', 'depthwise', 'winograd'];

/** Geometry of one call, and the shapes that follow from it. */
export interface CheckedConv {
  readonly geometry: ConvGeometry;
  readonly batched: boolean;
  /** Shape of the result, unbatched when the input is. */
  readonly outputShape: number[];
  readonly outChannels: number;
}

const KERNEL_NAMES: Readonly<Record<SpatialRank, string>> = { 1: 'k', 2: 'kH, kW', 3: 'kD, kH, kW' };

/** Begin and end of the padding of each axis. */
export function checkPadding(operation: string, padding: unknown, axes: number): [number, number][] {
  if (Array.isArray(padding) && padding.some((entry) => Array.isArray(entry))) {
    if (padding.length !== axes) {
      throw new ArgumentError(operation, 'padding', `${axes} pairs [begin, end]`, describe(padding));
    }
    return padding.map((pair: unknown) => {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new ArgumentError(operation, 'padding', 'pairs [begin, end]', describe(padding));
      }
      return [checkInteger(operation, 'padding', pair[0], 0), checkInteger(operation, 'padding', pair[1], 0)];
    });
  }
  return checkPerAxis(operation, 'padding', padding, axes, 0).map((value) => [value, value]);
}

/** Stride, padding, dilation and groups. */
export function checkCommon(
  operation: string,
  axes: SpatialRank,
  options: { stride?: unknown; padding?: unknown; dilation?: unknown; groups?: unknown },
): { stride: number[]; padding: [number, number][]; dilation: number[]; groups: number } {
  return {
    stride: checkPerAxis(operation, 'stride', options.stride ?? 1, axes, 1),
    padding: checkPadding(operation, options.padding ?? 0, axes),
    dilation: checkPerAxis(operation, 'dilation', options.dilation ?? 1, axes, 1),
    groups: checkInteger(operation, 'groups', options.groups ?? 1, 1),
  };
}

/**
 * Length of one axis after a transposed convolution.
 *
 * A transposed convolution is the adjoint of a convolution, so this inverts the size rule of that convolution.
 * Several input lengths of a strided convolution give one output length; `outputPadding` says which of them is
 * meant, and must therefore be smaller than `stride` or `dilation`.
 */
function outputLength(
  operation: string,
  axis: number,
  lengths: { input: number; kernel: number; stride: number; dilation: number; padding: [number, number] },
  outputPadding: number,
): number {
  const { input, kernel, stride, dilation, padding } = lengths;
  const limit = Math.max(stride, dilation);
  if (outputPadding >= limit) {
    throw new ArgumentError(
      operation,
      'outputPadding',
      `less than max(stride, dilation) = ${limit}`,
      `${outputPadding} (axis ${axis})`,
    );
  }
  return (input - 1) * stride - padding[0] - padding[1] + dilation * (kernel - 1) + outputPadding + 1;
}

/** Output padding that makes the requested size, PyTorch's rule for `output_size`. */
function paddingForSize(
  operation: string,
  outputSize: unknown,
  minimum: readonly number[],
  stride: readonly number[],
  batched: boolean,
): number[] {
  const axes = minimum.length;
  const fullRank = axes + (batched ? 2 : 1);
  if (!Array.isArray(outputSize)) {
    throw new TypeError(`${operation}: outputSize expected an array of numbers, got ${describe(outputSize)}`);
  }
  if (outputSize.length !== axes && outputSize.length !== fullRank) {
    throw new ArgumentError(operation, 'outputSize', `${axes} or ${fullRank} entries`, describe(outputSize));
  }
  const spatial: unknown[] = outputSize.slice(-axes);
  const sizes = spatial.map((size) => checkInteger(operation, 'outputSize', size, 0));
  sizes.forEach((size, axis) => {
    const maximum = minimum[axis] + stride[axis] - 1;
    if (size < minimum[axis] || size > maximum) {
      const expected = `from ${formatShape(minimum)} to ${formatShape(minimum.map((least, i) => least + stride[i] - 1))}`;
      throw new ArgumentError(operation, 'outputSize', expected, formatShape(sizes));
    }
  });
  return sizes.map((size, axis) => size - minimum[axis]);
}

/** Spatial output sizes of a transposed convolution; see `convTransposeOutputSize`. */
export function checkedOutputSize(
  operation: string,
  axes: SpatialRank,
  inputSpatial: readonly number[],
  kernel: readonly number[],
  options: ConvTransposeGeometryOptions,
  batched: boolean,
): { output: number[]; stride: number[]; dilation: number[]; padding: [number, number][]; groups: number } {
  const common = checkCommon(operation, axes, options);
  const { stride, dilation, padding } = common;
  const lengthsOf = (axis: number) => ({
    input: inputSpatial[axis],
    kernel: kernel[axis],
    stride: stride[axis],
    dilation: dilation[axis],
    padding: padding[axis],
  });
  let output: number[];
  if (options.outputSize !== undefined && options.outputSize !== null) {
    const minimum = kernel.map((_, axis) => outputLength(operation, axis, lengthsOf(axis), 0));
    const extra = paddingForSize(operation, options.outputSize, minimum, stride, batched);
    output = minimum.map((least, axis) => least + extra[axis]);
  } else {
    const outputPadding = checkPerAxis(operation, 'outputPadding', options.outputPadding ?? 0, axes, 0);
    output = kernel.map((_, axis) => outputLength(operation, axis, lengthsOf(axis), outputPadding[axis]));
  }
  output.forEach((length, axis) => {
    if (length < 1)
      throw new ShapeError(operation, 'padding', 'an output size of at least 1', `${length} (axis ${axis})`);
    if (length > 2 ** 31 - 1) {
      throw new ShapeError(operation, 'output', 'an axis below 2^31', `${length} (axis ${axis})`);
    }
  });
  return { output, ...common };
}

/**
 * Geometry of a transposed convolution from shapes and options.
 * @throws {ShapeError} for ranks, channels and sizes; {ArgumentError} for option values.
 */
export function convTransposeGeometry(
  operation: string,
  axes: SpatialRank,
  inputShape: Shape,
  weightShape: Shape,
  options: ConvTransposeGeometryOptions,
): CheckedConv {
  const { batched, batch, channels, spatial } = splitInput(operation, axes, inputShape);
  checkWeightRank(operation, axes, weightShape, '(Cin, Cout/groups, ');
  const kernel = weightShape.slice(2);
  const groups = checkInteger(operation, 'groups', options.groups ?? 1, 1);
  if (weightShape[0] % groups !== 0) {
    throw new ArgumentError(operation, 'groups', `a divisor of Cin = ${weightShape[0]}`, String(groups));
  }
  if (weightShape[0] !== channels) {
    throw new ShapeError(
      operation,
      'weight',
      `(Cin, Cout/groups, ${KERNEL_NAMES[axes]}) with Cin = ${channels}`,
      formatShape(weightShape),
    );
  }
  const { output, stride, dilation, padding } = checkedOutputSize(operation, axes, spatial, kernel, options, batched);
  const outChannels = weightShape[1] * groups;
  return {
    geometry: {
      batch,
      groups,
      inChannels: channels / groups,
      outChannels: weightShape[1],
      axes: threeAxes(
        spatial.map((input, axis) => ({
          input,
          output: output[axis],
          kernel: kernel[axis],
          stride: stride[axis],
          dilation: dilation[axis],
          crop: padding[axis][0],
        })),
      ),
    },
    batched,
    outputShape: batched ? [batch, outChannels, ...output] : [outChannels, ...output],
    outChannels,
  };
}

/** Batch, channels and spatial sizes of an input that may be unbatched. */
export function splitInput(
  operation: string,
  axes: SpatialRank,
  shape: Shape,
): { batched: boolean; batch: number; channels: number; spatial: number[] } {
  if (shape.length !== axes + 1 && shape.length !== axes + 2) {
    throw new ShapeError(
      operation,
      'input',
      `${axes + 1} axes (unbatched) or ${axes + 2} (batched)`,
      formatShape(shape),
    );
  }
  const batched = shape.length === axes + 2;
  const spatial = shape.slice(-axes);
  if (spatial.includes(0)) throw new ShapeError(operation, 'input', 'no empty spatial axis', formatShape(shape));
  return { batched, batch: batched ? shape[0] : 1, channels: shape[shape.length - axes - 1], spatial };
}

/** @throws {ShapeError} for a wrong rank or an empty axis of the weight. */
export function checkWeightRank(operation: string, axes: SpatialRank, shape: Shape, layout: string): void {
  if (shape.length !== axes + 2 || shape.includes(0)) {
    throw new ShapeError(operation, 'weight', `${layout}${KERNEL_NAMES[axes]}), no axis empty`, formatShape(shape));
  }
}

/** @throws {ShapeError} when `bias` is not one number per output channel. */
export function checkBiasShape(operation: string, bias: Tensor | null, outChannels: number): void {
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(operation, 'bias', `(Cout) = [${outChannels}]`, formatShape(bias.shape));
  }
}

/** D, H, W with unit axes in front. */
export function threeAxes(axes: readonly Axis[]): [Axis, Axis, Axis] {
  return [UNIT_AXIS, UNIT_AXIS, ...axes].slice(-3) as [Axis, Axis, Axis];
}

/**
 * @throws {ArgumentError} for an unknown algorithm, or one that does not take this geometry.
 * @returns whether the depthwise kernels run
 */
export function checkAlgorithm(operation: string, value: unknown, geometry: ConvGeometry): boolean {
  const algorithm = checkChoice(operation, 'algorithm', value ?? 'auto', ALGORITHMS);
  const accepted = acceptedAlgorithms(geometry);
  if (algorithm !== 'auto' && !accepted.includes(algorithm)) {
    const reason = algorithm === 'depthwise' ? 'needs groups = Cin' : 'is not built in this version';
    throw new ArgumentError(operation, 'algorithm', accepted.join(' | '), `'${algorithm}', which ${reason}`);
  }
  return algorithm === 'depthwise' || (algorithm !== 'planes' && accepted.includes('depthwise'));
}

/** Algorithms that take a geometry, see `convTransposeAlgorithms`. */
export function acceptedAlgorithms({ inChannels }: ConvGeometry): Algorithm[] {
  return inChannels === 1 ? ['direct', 'planes', 'depthwise'] : ['direct', 'planes'];
}

/** Rejects unknown options, and an activation where gradients are asked for. */
export function checkBackwardOptions(operation: string, options: object, known: readonly string[]): void {
  checkOptions(operation, options, known);
  for (const [name, value] of Object.entries(options)) {
    if ((name === 'activation' || name === 'inputActivation') && value !== undefined && value !== 'none') {
      throw new ArgumentError(operation, name, "'none' (modules differentiate through theirs)", describe(value));
    }
  }
}
