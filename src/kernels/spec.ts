/** What plans of convolutions are asked for, and the checks of it. */

import type { Activation, CheckedActivation } from '../core/activation.ts';
import { checkActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { DtypeError, ArgumentError, ShapeError } from '../core/errors.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount, formatShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkOptions,
  checkPerAxis,
  describe,
  wrongType,
} from '../core/validate.ts';
import { checkMicrokernel } from '../plan/blocking.ts';
import type { Axis, ConvGeometry, Strides, WeightStrides } from '../plan/conv_geometry.ts';
import { UNIT_AXIS } from '../plan/conv_geometry.ts';
import type { Algorithm } from '../plan/forward_algorithms.ts';
import { checkAlgorithm } from '../plan/forward_algorithms.ts';

/**
 * Geometry of a convolution or a transposed one, 1 to 3 spatial axes. Channels are totals over all groups.
 *
 *   transposed: output[input index · stride + tap · dilation − cropBegin] += input · weight
 *   convolution: output += input[output index · stride + tap · dilation − cropBegin] · weight
 *
 * Indices outside `outputSpatial` (of a convolution: `inputSpatial`) are dropped, output elements that nothing
 * reaches are bias: so `cropBegin` may be negative and `outputSpatial` larger than the reach.
 */
export interface ConvSpec {
  readonly dtype: Dtype;
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly inputSpatial: readonly number[];
  readonly kernel: PerAxis;
  readonly stride: PerAxis;
  readonly dilation: PerAxis;
  readonly cropBegin: PerAxis;
  readonly outputSpatial: readonly number[];
  /** `kernels.kernelSet` */
  readonly kernelSet: KernelSet;
  /** Register tile of float32, '6x8' for instance; chosen by the plan when left out. */
  readonly microkernel?: string | undefined;
  readonly algorithm?: string | undefined;
  /** The operation adds a bias, one number per output channel. */
  readonly bias?: boolean | undefined;
  /** Element strides of (batch, inChannels, ...inputSpatial), row-major when left out. */
  readonly inputStrides?: readonly number[] | undefined;
  /**
   * Element strides of the weight, whose axes are PyTorch's: (inChannels, outChannels/groups, ...kernel), of a
   * convolution (outChannels, inChannels/groups, ...kernel); row-major when left out.
   */
  readonly weightStrides?: readonly number[] | undefined;
  /** Element strides of (batch, outChannels, ...outputSpatial), row-major when left out. */
  readonly outputStrides?: readonly number[] | undefined;
  /** The packed weight serves every batch and spatial size with which this field is set, at some cost in speed. */
  readonly anySize?: boolean | undefined;
  /** Of the result. */
  readonly activation?: Activation | undefined;
  /** The operation reads inputActivation(input). */
  readonly inputActivation?: Activation | undefined;
}

export const SPEC_FIELDS: readonly string[] = [
  'dtype',
  'batch',
  'inChannels',
  'outChannels',
  'groups',
  'inputSpatial',
  'kernel',
  'stride',
  'dilation',
  'cropBegin',
  'outputSpatial',
  'kernelSet',
  'microkernel',
  'algorithm',
  'bias',
  'inputStrides',
  'weightStrides',
  'outputStrides',
  'anySize',
  'activation',
  'inputActivation',
];

/** An operand: its strides are checked, and `bytes` is what lies between its first and its last element. */
export interface Operand {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly bytes: number;
}

export interface CheckedSpec {
  readonly transposed: boolean;
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  readonly mr: number | null;
  readonly geometry: ConvGeometry;
  readonly input: Operand;
  readonly weight: Operand;
  readonly output: Operand;
  readonly algorithm: Algorithm;
  readonly bias: boolean;
  readonly anySize: boolean;
  readonly activation: CheckedActivation;
  readonly inputActivation: CheckedActivation;
}

const LIMIT = 2 ** 31;

/**
 * @param transposed of a convolution, the geometry is that of its adjoint
 * @throws {TypeError} for a value of the wrong type
 * @throws {DtypeError} {ShapeError} for sizes below 1 or too large for 32 bits
 * @throws {ArgumentError} for every other value, and for unknown fields
 */
export function checkConvSpec(
  operation: string,
  transposed: boolean,
  spec: ConvSpec,
  known: readonly string[],
): CheckedSpec {
  checkOptions(operation, spec, known);
  const size = (name: 'batch' | 'inChannels' | 'outChannels', minimum: number) =>
    checkSize(operation, name, spec[name], minimum);
  const common = checkCommon(operation, spec);
  const { dtype } = common;
  const batch = size('batch', 0);
  const inChannels = size('inChannels', 1);
  const outChannels = size('outChannels', 1);
  const groups = checkInteger(operation, 'groups', spec.groups, 1);
  for (const [name, channels] of Object.entries({ inChannels, outChannels })) {
    if (channels % groups !== 0) {
      throw new ArgumentError(operation, 'groups', `a divisor of ${name} = ${channels}`, String(groups));
    }
  }
  const inputSpatial = checkSpatial(operation, 'inputSpatial', spec.inputSpatial, undefined);
  const rank = inputSpatial.length;
  const outputSpatial = checkSpatial(operation, 'outputSpatial', spec.outputSpatial, rank);
  const kernel = checkPerAxis(operation, 'kernel', spec.kernel, rank, 1);
  const stride = checkPerAxis(operation, 'stride', spec.stride, rank, 1);
  const dilation = checkPerAxis(operation, 'dilation', spec.dilation, rank, 1);
  const cropBegin = checkPerAxis(operation, 'cropBegin', spec.cropBegin, rank, 1 - LIMIT);
  const [small, large] = transposed ? [inputSpatial, outputSpatial] : [outputSpatial, inputSpatial];
  const anySize = checkBoolean(operation, 'anySize', spec.anySize ?? false);
  const axes = kernel.map((length, axis) =>
    checkAxis(
      operation,
      axis,
      {
        input: small[axis],
        output: large[axis],
        kernel: length,
        stride: stride[axis],
        dilation: dilation[axis],
        crop: cropBegin[axis],
      },
      anySize,
    ),
  );
  const [smallChannels, largeChannels] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
  const geometry: ConvGeometry = {
    batch,
    groups,
    inChannels: smallChannels / groups,
    outChannels: largeChannels / groups,
    axes: [UNIT_AXIS, UNIT_AXIS, ...axes].slice(-3) as [Axis, Axis, Axis],
  };
  const operand = (name: 'input' | 'weight' | 'output', shape: readonly number[]) =>
    checkOperand(operation, dtype, name, shape, spec[`${name}Strides`]);
  return {
    ...common,
    transposed,
    geometry,
    input: operand('input', [batch, inChannels, ...inputSpatial]),
    weight: operand('weight', [smallChannels, largeChannels / groups, ...kernel]),
    output: operand('output', [batch, outChannels, ...outputSpatial]),
    algorithm: checkAlgorithm(operation, spec.algorithm, geometry),
    bias: checkBoolean(operation, 'bias', spec.bias ?? false),
    anySize,
    activation: checkActivation(operation, 'activation', spec.activation),
    inputActivation: checkActivation(operation, 'inputActivation', spec.inputActivation),
  };
}

/** What specs of every operation have. */
export function checkCommon(
  operation: string,
  spec: { readonly dtype: unknown; readonly kernelSet: unknown; readonly microkernel?: unknown },
): { dtype: Dtype; kernelSet: KernelSet; mr: number | null } {
  const { dtype, kernelSet, microkernel } = spec;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new DtypeError(operation, 'dtype', "'float32' | 'float64'", describe(dtype));
  }
  const checked = checkChoice(operation, 'kernelSet', kernelSet, ['simd', 'relaxed', 'wide']);
  return {
    dtype,
    kernelSet: checked,
    mr: microkernel === undefined ? null : checkMicrokernel(operation, microkernel, checked),
  };
}

/** @throws {ShapeError} below `minimum`; {ArgumentError} for what is no integer. */
export function checkSize(operation: string, argument: string, value: unknown, minimum: number): number {
  const size = checkInteger(operation, argument, value, 1 - LIMIT);
  if (size < minimum) throw new ShapeError(operation, argument, `at least ${minimum}`, String(size));
  return size;
}

function checkSpatial(operation: string, argument: string, value: unknown, rank: number | undefined): number[] {
  if (!Array.isArray(value)) {
    throw wrongType(operation, argument, 'an array of numbers', value);
  }
  if (rank === undefined ? value.length < 1 || value.length > 3 : value.length !== rank) {
    throw new ShapeError(operation, argument, `${rank ?? '1 to 3'} axes`, describe(value));
  }
  return Array.from(value, (length) => checkSize(operation, argument, length, 1));
}

/** Coordinates are 32-bit integers in the kernels. */
function checkAxis(operation: string, axis: number, given: Axis, anySize: boolean): Axis {
  const { input, output, kernel, dilation, crop } = given;
  const reach = (kernel - 1) * dilation;
  // one input element per axis: each tap has a phase of its own, whatever the stride
  const stride = input === 1 && !anySize ? Math.min(given.stride, reach + 1) : given.stride;
  const farthest = (input + 1) * stride + reach + output + Math.abs(crop);
  if (farthest >= LIMIT) {
    throw new ShapeError(operation, 'geometry', 'coordinates below 2^31', `up to ${farthest} (axis ${axis})`);
  }
  return { ...given, stride };
}

export function checkOperand(
  operation: string,
  dtype: Dtype,
  name: string,
  shape: readonly number[],
  given: unknown,
): Operand {
  if (elementCount(shape) >= LIMIT) {
    throw new ShapeError(operation, name, 'fewer than 2^31 elements', formatShape(shape));
  }
  let strides = contiguousStrides(shape);
  if (given !== undefined) {
    const argument = `${name}Strides`;
    if (!Array.isArray(given)) {
      throw wrongType(operation, argument, 'an array of numbers', given);
    }
    if (given.length !== shape.length) {
      throw new ArgumentError(
        operation,
        argument,
        `${shape.length} strides, of ${formatShape(shape)}`,
        describe(given),
      );
    }
    strides = Array.from(given, (stride) => checkInteger(operation, argument, stride, 0));
  }
  const elements = elementCount(shape) === 0 ? 0 : reachOf(shape, strides);
  if (elements >= LIMIT) {
    throw new ArgumentError(operation, `${name}Strides`, 'offsets below 2^31', `up to ${elements}`);
  }
  return { shape, strides, bytes: elements * (dtype === 'float64' ? 8 : 4) };
}

/** Elements from the first to the last one, both included. */
function reachOf(shape: Shape, strides: readonly number[]): number {
  return shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 1);
}

/**
 * An operand that is written must not hold two elements at one place.
 * @throws {ArgumentError}
 */
export function checkDistinct(operation: string, argument: string, { shape, strides }: Omit<Operand, 'bytes'>): void {
  const axes = shape.map((length, axis) => ({ length, stride: strides[axis] })).filter(({ length }) => length > 1);
  let reach = 0;
  for (const { length, stride } of axes.sort((a, b) => a.stride - b.stride)) {
    if (stride <= reach) {
      throw new ArgumentError(operation, argument, 'strides whose elements do not overlap', formatShape(strides));
    }
    reach += (length - 1) * stride;
  }
}

/** As plans want the strides of a side: three spatial axes, unit axes in front. */
export function sideStrides({ shape, strides }: Operand): Strides {
  const spatial: [number, number, number] = [0, 0, 0];
  let dense = 1; // what the stride of an axis of length 1 is taken for: any is right, this one keeps rows contiguous
  for (let axis = 2, from = shape.length - 1; axis >= 0; axis--, from--) {
    const exists = from >= 2 && shape[from] !== 1;
    spatial[axis] = exists ? strides[from] : dense;
    if (exists) dense = strides[from] * shape[from];
  }
  return { batch: strides[0], channel: strides[1], spatial };
}

export function weightStrides({ strides }: Operand): WeightStrides {
  const [inChannel, outChannel, ...kernel] = strides;
  return { inChannel, outChannel, spatial: [0, 0, ...kernel].slice(-3) as [number, number, number] };
}
