/** Options of convolutions, and the checks that PyTorch makes in front: each returns what it checked. */

import type { Activation } from '../core/activation.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { MemoryFormat } from '../core/memory_format.ts';
import { checkMemoryFormat, formatStrides } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import { checkInteger, checkOptions, checkPerAxis, describe } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import type { Axis, ConvGeometry } from '../plan/conv_geometry.ts';
import { UNIT_AXIS } from '../plan/conv_geometry.ts';
import type { Algorithm } from '../plan/forward_algorithms.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Number of spatial axes. */
export type SpatialRank = 1 | 2 | 3;

/** A number or tuple as PyTorch takes it, or [begin, end] per axis. */
export type Padding = PerAxis | readonly (readonly [number, number])[];

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
  /** Of the result, where `out` does not say; default 'contiguous'. Inputs may have any strides. */
  memoryFormat?: MemoryFormat;
  signal?: AbortSignal;
  /** Where to write the result. */
  out?: Tensor;
}

export interface ConvTransposeBackwardOptions extends ConvTransposeGeometryOptions {
  engine?: Engine;
  algorithm?: Algorithm;
  /** Of gradInput, where `outGradInput` does not say; default 'contiguous'. */
  memoryFormat?: MemoryFormat;
  signal?: AbortSignal;
  /** Which of gradInput, gradWeight, gradBias to compute. */
  outputMask?: readonly [boolean, boolean, boolean];
  outGradInput?: Tensor;
  outGradWeight?: Tensor;
  outGradBias?: Tensor;
  /** Add to the given gradients instead of overwriting them. */
  accumulate?: boolean;
}

/** What decides the size of the output of a convolution. */
export interface ConvGeometryOptions {
  stride?: PerAxis;
  /** 'same' needs stride 1; an odd total pads one more at the end, as PyTorch does. */
  padding?: Padding | 'same' | 'valid';
  groups?: number;
  dilation?: PerAxis;
}

export type ConvOptions = ConvGeometryOptions &
  Pick<
    ConvTransposeOptions,
    'engine' | 'algorithm' | 'activation' | 'inputActivation' | 'memoryFormat' | 'signal' | 'out'
  >;

export type ConvBackwardOptions = ConvGeometryOptions &
  Omit<ConvTransposeBackwardOptions, keyof ConvGeometryOptions | 'outputPadding' | 'outputSize'>;

/** Options of either kind of convolution. */
export type AnyGeometryOptions = ConvGeometryOptions & Pick<ConvTransposeOptions, 'outputPadding' | 'outputSize'>;
export type AnyConvOptions = AnyGeometryOptions & ConvOptions;
export type AnyConvBackwardOptions = AnyGeometryOptions & ConvBackwardOptions;

export const GEOMETRY_OPTIONS: readonly string[] = [
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'dilation',
  'outputSize',
];
const CALL_OPTIONS = ['engine', 'algorithm', 'activation', 'inputActivation', 'memoryFormat', 'signal'];
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

/** Geometry of one call, and the shapes that follow from it. */
export interface CheckedConv {
  readonly geometry: ConvGeometry;
  /** Shape of the result, unbatched when the input is. */
  readonly outputShape: number[];
  readonly outChannels: number;
}

/** Moves the result of a checked transposed convolution; see `placedAt`. */
export type Placement = (checked: CheckedConv) => CheckedConv;

export const KERNEL_NAMES: Readonly<Record<SpatialRank, string>> = { 1: 'k', 2: 'kH, kW', 3: 'kD, kH, kW' };

/** Begin and end of the padding of each axis. */
export function checkPadding(operation: string, padding: unknown, axes: number): [number, number][] {
  if (Array.isArray(padding) && padding.some((entry) => Array.isArray(entry))) {
    if (padding.length !== axes && padding.length !== 1) {
      throw new ArgumentError(operation, 'padding', `${axes} pairs [begin, end]`, describe(padding));
    }
    const pairs: unknown[] =
      padding.length === axes ? padding : Array.from({ length: axes }, (): unknown => padding[0]);
    return Array.from(pairs, (pair) => {
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
  {
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
  }: { stride?: unknown; padding?: unknown; dilation?: unknown; groups?: unknown },
): { stride: number[]; padding: [number, number][]; dilation: number[]; groups: number } {
  return {
    stride: checkPerAxis(operation, 'stride', stride, axes, 1),
    padding: checkPadding(operation, padding, axes),
    dilation: checkPerAxis(operation, 'dilation', dilation, axes, 1),
    groups: checkInteger(operation, 'groups', groups, 1),
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

/**
 * Strides of a new result with `axes` spatial axes.
 * @throws {ArgumentError} for an unknown format, or one beside a place for the result, which has strides of its own.
 */
export function resultStrides(
  operation: string,
  memoryFormat: unknown,
  placeName: string,
  place: unknown,
  shape: Shape,
  axes: SpatialRank,
): number[] {
  const format = checkMemoryFormat(operation, memoryFormat);
  if (memoryFormat !== undefined && place !== undefined) {
    throw new ArgumentError(operation, 'memoryFormat', `none with ${placeName}`, `'${format}'`);
  }
  return formatStrides(format, shape, shape.length - axes - 1);
}

/** D, H, W with unit axes in front. */
export function threeAxes(axes: readonly Axis[]): [Axis, Axis, Axis] {
  return [UNIT_AXIS, UNIT_AXIS, ...axes].slice(-3) as [Axis, Axis, Axis];
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
