/** Attributes of ONNX's ConvTranspose, version 22 of the operator, and the geometry that they mean. */

import { ArgumentError } from '../../core/errors.ts';
import { checkChoice, checkInteger, checkOptions, checkSizes, describe, wrongType } from '../../core/validate.ts';
import type { SpatialRank } from '../../functional/conv_options.ts';
import type { Place, Places } from '../../functional/placement.ts';

/** As the operator names them; lists have an entry for every spatial axis. */
export interface ConvTransposeAttributes {
  /** SAME_…: the output is `strides` times as long as the input; the odd one of the padding goes to the end or the beginning. */
  auto_pad?: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  dilations?: readonly number[];
  group?: number;
  /** That of W, where it is given. */
  kernel_shape?: readonly number[];
  output_padding?: readonly number[];
  /** Spatial sizes of the output: the padding follows from them, `pads` does not count. */
  output_shape?: readonly number[];
  /** Begin of every axis, then end of every axis. */
  pads?: readonly number[];
  strides?: readonly number[];
}

const NAMES = [
  'auto_pad',
  'dilations',
  'group',
  'kernel_shape',
  'output_padding',
  'output_shape',
  'pads',
  'strides',
] as const satisfies (keyof ConvTransposeAttributes)[];

export interface CheckedAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
  /** The padding depends on the size of the input. */
  readonly hasOutputShape: boolean;
  readonly outputPadding: readonly number[];
  /** Length of an axis before it is cropped. */
  readonly reach: (axis: number, input: number) => number;
  readonly places: Places;
}

/**
 * @param weightShape of W
 * @throws {TypeError | ArgumentError} for an attribute that the operator has not, a wrong number of entries, or a value
 *   out of range
 */
export function checkAttributes(
  operation: string,
  axes: SpatialRank,
  attributes: ConvTransposeAttributes,
  weightShape: readonly number[],
): CheckedAttributes {
  const [channels, , ...kernel] = weightShape;
  if (typeof attributes !== 'object' || attributes === null) {
    throw wrongType(operation, 'attributes', 'an object', attributes);
  }
  checkOptions(operation, attributes, NAMES);
  const listOf = (name: Exclude<(typeof NAMES)[number], 'auto_pad' | 'group'>, minimum: number, count: number) => {
    const value = attributes[name];
    if (value === undefined) return undefined;
    const list = checkSizes(operation, name, value);
    if (list.length === count && list.every((entry) => entry >= minimum)) return list;
    throw new ArgumentError(operation, name, `${count} integers of at least ${minimum}`, describe(list));
  };
  const same = (entry: number): number[] => Array.from({ length: axes }, () => entry);
  const autoPad = checkChoice(operation, 'auto_pad', attributes.auto_pad ?? 'NOTSET', [
    'NOTSET',
    'SAME_UPPER',
    'SAME_LOWER',
    'VALID',
  ]);
  const group = checkInteger(operation, 'group', attributes.group ?? 1, 1);
  if (group > 1 && channels % group !== 0) {
    throw new ArgumentError(operation, 'group', `a divisor of C = ${channels}`, `${group}`);
  }
  const strides = listOf('strides', 1, axes) ?? same(1);
  const dilations = listOf('dilations', 1, axes) ?? same(1);
  const outputPadding = listOf('output_padding', 0, axes) ?? same(0);
  const pads = listOf('pads', 0, 2 * axes) ?? [...same(0), ...same(0)];
  const outputShape = listOf('output_shape', 1, axes);
  checkKernelShape(operation, listOf('kernel_shape', 1, axes), kernel);
  outputPadding.forEach((extra, axis) => {
    const limit = Math.max(strides[axis], dilations[axis]);
    if (extra < limit) return;
    throw new ArgumentError(operation, 'output_padding', `less than max(stride, dilation) = ${limit}`, `${extra}`);
  });
  if (autoPad !== 'NOTSET' && outputShape === undefined && pads.some((pad) => pad !== 0)) {
    throw new ArgumentError(operation, 'pads', `0 with auto_pad '${autoPad}'`, describe(pads));
  }

  const reach = (axis: number, input: number): number =>
    strides[axis] * (input - 1) + outputPadding[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
  const placeAxis = (input: number, axis: number): Place => {
    const whole = reach(axis, input);
    const wanted = outputShape?.[axis] ?? (autoPad.startsWith('SAME') ? input * strides[axis] : undefined);
    if (wanted !== undefined) return placeWanted(whole, wanted, autoPad === 'SAME_UPPER');
    return { crop: pads[axis], output: whole - pads[axis] - pads[axis + axes] };
  };
  return {
    strides,
    dilations,
    group,
    hasOutputShape: outputShape !== undefined,
    outputPadding,
    reach,
    places: (inputSpatial) => inputSpatial.map(placeAxis),
  };
}

/**
 * What is too long is cropped on both sides. What is too short (a kernel below its stride, or a large output_shape) goes on
 * with bias at the end: the operator's formulas give a negative padding, which they do not say how to split.
 */
function placeWanted(whole: number, wanted: number, oddAtEnd: boolean): Place {
  const total = Math.max(0, whole - wanted);
  return { crop: oddAtEnd ? Math.floor(total / 2) : Math.ceil(total / 2), output: wanted };
}

function checkKernelShape(operation: string, given: readonly number[] | undefined, kernel: readonly number[]): void {
  if (given === undefined || given.every((length, axis) => length === kernel[axis])) return;
  throw new ArgumentError(operation, 'kernel_shape', `that of W, ${describe([...kernel])}`, describe([...given]));
}
