/** Options of MLGraphBuilder.convTranspose2d, as those of PyTorch's convolution. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import { checkChoice, checkInteger, describe, wrongType } from '../core/validate.ts';
import type { ConvTransposeGeometryOptions } from '../functional/conv_options.ts';

export type InputLayout = 'nchw' | 'nhwc';
export type ConvTranspose2dFilterLayout = 'iohw' | 'hwoi' | 'ohwi';

/** What decides sizes, in WebNN's words. */
export interface ConvTranspose2dGeometryOptions {
  /** [beginningHeight, endingHeight, beginningWidth, endingWidth]; default zeros. */
  padding?: readonly number[];
  /** [height, width]; default ones. */
  strides?: readonly number[];
  /** [height, width]; default ones. */
  dilations?: readonly number[];
  /** [height, width], each less than its stride; ignored where `outputSizes` is given, as WebNN has it. */
  outputPadding?: readonly number[];
  /** [height, width]. */
  outputSizes?: readonly number[];
  /** Of WebNN before 2024: pads so that outputs are `strides` times as large, or have `outputSizes`; `padding` is then ignored. */
  autoPad?: 'explicit' | 'same-upper' | 'same-lower';
  groups?: number;
  inputLayout?: InputLayout;
  filterLayout?: ConvTranspose2dFilterLayout;
}

export const GEOMETRY_OPTIONS: readonly string[] = [
  'padding',
  'strides',
  'dilations',
  'outputPadding',
  'outputSizes',
  'autoPad',
  'groups',
  'inputLayout',
  'filterLayout',
];

/** The axes of (N, C, H, W) and of (I, O, H, W) in the order of a layout. */
const SIDES: Readonly<Record<InputLayout, readonly number[]>> = { nchw: [0, 1, 2, 3], nhwc: [0, 2, 3, 1] };
const FILTERS: Readonly<Record<ConvTranspose2dFilterLayout, readonly number[]>> = {
  iohw: [0, 1, 2, 3],
  hwoi: [2, 3, 1, 0],
  ohwi: [1, 2, 3, 0],
};

/** Which axis each axis of `order` comes from. */
function inverse(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

/** How operands are to be permuted, to (N, C, H, W) and (I, O, H, W), and the result back. */
export interface Permutations {
  readonly input: readonly number[];
  readonly filter: readonly number[];
  readonly output: readonly number[];
}

/** @throws {ArgumentError} for an unknown layout. */
export function checkLayouts(operation: string, options: ConvTranspose2dGeometryOptions): Permutations {
  const { inputLayout = 'nchw', filterLayout = 'iohw' } = options;
  const sides = SIDES[checkChoice(operation, 'inputLayout', inputLayout, ['nchw', 'nhwc'])];
  const filter = FILTERS[checkChoice(operation, 'filterLayout', filterLayout, ['iohw', 'hwoi', 'ohwi'])];
  return { input: inverse(sides), filter: inverse(filter), output: sides };
}

/**
 * @param input shape (N, C, H, W)
 * @param filter shape (I, O, H, W)
 * @throws {ShapeError} for channels that differ; {ArgumentError | TypeError} for option values.
 */
export function checkGeometry(
  operation: string,
  input: Shape,
  filter: Shape,
  options: ConvTranspose2dGeometryOptions,
): ConvTransposeGeometryOptions {
  const { autoPad = 'explicit', groups = 1 } = options;
  const stride = checkValues(operation, 'strides', options.strides ?? [1, 1], 2, 1);
  const dilation = checkValues(operation, 'dilations', options.dilations ?? [1, 1], 2, 1);
  const outputPadding = checkValues(operation, 'outputPadding', options.outputPadding ?? [0, 0], 2, 0);
  const pads = checkValues(operation, 'padding', options.padding ?? [0, 0, 0, 0], 4, 0);
  const sizes = options.outputSizes && checkValues(operation, 'outputSizes', options.outputSizes, 2, 1);
  checkChoice(operation, 'autoPad', autoPad, ['explicit', 'same-upper', 'same-lower']);
  if (sizes === undefined) {
    outputPadding.forEach((extra, axis) => {
      if (extra < stride[axis]) return;
      throw new ArgumentError(
        operation,
        'outputPadding',
        `less than strides = ${stride[axis]}`,
        `${extra} (axis ${axis})`,
      );
    });
  }
  if (input[1] !== filter[0]) {
    throw new ShapeError(operation, 'filter', `${input[1]} input channels, as the input has`, String(filter[0]));
  }
  const full = stride.map((step, axis) => (input[axis + 2] - 1) * step + (filter[axis + 2] - 1) * dilation[axis] + 1);
  const common = { stride, dilation, groups };
  if (autoPad === 'explicit') {
    const padding = [pads.slice(0, 2), pads.slice(2)] as [number, number][];
    checkOutputSizes(operation, sizes, full, padding, stride);
    return { ...common, padding, ...(sizes === undefined ? { outputPadding } : { outputSize: sizes }) };
  }
  const outputSize = sizes ?? stride.map((step, axis) => input[axis + 2] * step + outputPadding[axis]);
  const padding = full.map((length, axis): [number, number] => {
    const total = Math.max(length - outputSize[axis], 0);
    const less = Math.floor(total / 2);
    return autoPad === 'same-upper' ? [less, total - less] : [total - less, less];
  });
  checkOutputSizes(operation, sizes, full, padding, stride);
  return { ...common, padding, outputSize };
}

/** @param full lengths without padding */
function checkOutputSizes(
  operation: string,
  sizes: readonly number[] | undefined,
  full: readonly number[],
  padding: readonly (readonly [number, number])[],
  stride: readonly number[],
): void {
  sizes?.forEach((size, axis) => {
    const least = full[axis] - padding[axis][0] - padding[axis][1];
    const most = least + stride[axis] - 1;
    if (most < 1 || (size >= least && size <= most)) return; // of padding that leaves nothing the operation speaks
    throw new ArgumentError(operation, 'outputSizes', `from ${least} to ${most} (axis ${axis})`, describe(sizes));
  });
}

/** @throws {ShapeError} */
export function checkRank(operation: string, argument: string, shape: Shape): void {
  if (shape.length !== 4) throw new ShapeError(operation, argument, '4 axes', formatShape(shape));
}

function checkValues(operation: string, argument: string, value: unknown, count: number, minimum: number): number[] {
  if (!Array.isArray(value)) throw wrongType(operation, argument, 'an array of numbers', value);
  if (value.length !== count) throw new ArgumentError(operation, argument, `${count} values`, describe(value));
  return Array.from(value, (entry: unknown) => checkInteger(operation, argument, entry, minimum));
}
