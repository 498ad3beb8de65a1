/** Output size and geometry of conv_transpose1d, 2d, 3d: the checks that PyTorch makes in front. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import { checkInteger, checkPerAxis, describe, wrongType } from '../core/validate.ts';
import type { AnyGeometryOptions, CheckedConv, SpatialRank } from './conv_options.ts';
import { checkCommon, checkWeightRank, KERNEL_NAMES, splitInput, threeAxes } from './conv_options.ts';

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
    throw wrongType(operation, 'outputSize', 'an array of numbers', outputSize);
  }
  if (outputSize.length !== axes && outputSize.length !== fullRank) {
    throw new ArgumentError(operation, 'outputSize', `${axes} or ${fullRank} entries`, describe(outputSize));
  }
  const spatial: unknown[] = outputSize.slice(-axes);
  const sizes = Array.from(spatial, (size) => checkInteger(operation, 'outputSize', size, 0));
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
  options: AnyGeometryOptions,
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
    const { outputPadding = 0 } = options;
    const extra = checkPerAxis(operation, 'outputPadding', outputPadding, axes, 0);
    output = kernel.map((_, axis) => outputLength(operation, axis, lengthsOf(axis), extra[axis]));
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
  options: AnyGeometryOptions,
): CheckedConv {
  const { batched, batch, channels, spatial } = splitInput(operation, axes, inputShape);
  checkWeightRank(operation, axes, weightShape, '(Cin, Cout/groups, ');
  const kernel = weightShape.slice(2);
  const { groups = 1 } = options;
  checkInteger(operation, 'groups', groups, 1);
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
    outputShape: batched ? [batch, outChannels, ...output] : [outChannels, ...output],
    outChannels,
  };
}
