/** Geometry of conv1d, 2d, 3d, the checks in front: that of the adjoint transposed convolution. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import { checkChoice } from '../core/validate.ts';
import type { CheckedConv, ConvGeometryOptions, SpatialRank } from './conv_options.ts';
import { checkCommon, checkWeightRank, splitInput, threeAxes } from './conv_options.ts';

/** Begin and end of the padding of an axis for `padding: 'same'`. */
function samePadding(kernel: number, dilation: number): [number, number] {
  const total = dilation * (kernel - 1);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/**
 * Geometry of a convolution from shapes and options. In it, "output" is the image that the convolution reads and
 * "input" the one that it writes: the convolution is the adjoint of that transposed convolution.
 * @throws {ShapeError} for ranks, channels and sizes; {ArgumentError} for option values.
 */
export function convGeometry(
  operation: string,
  axes: SpatialRank,
  inputShape: Shape,
  weightShape: Shape,
  options: ConvGeometryOptions,
): CheckedConv {
  const { batched, batch, channels, spatial } = splitInput(operation, axes, inputShape);
  checkWeightRank(operation, axes, weightShape, '(Cout, Cin/groups, ');
  const kernel = weightShape.slice(2);
  const named = typeof options.padding === 'string';
  const common = checkCommon(operation, axes, named ? { ...options, padding: 0 } : options);
  const { stride, dilation, groups } = common;
  let { padding } = common;
  if (named && checkChoice(operation, 'padding', options.padding, ['same', 'valid']) === 'same') {
    if (stride.some((step) => step !== 1)) {
      throw new ArgumentError(operation, 'padding', 'a number when stride is not 1', "'same'");
    }
    padding = kernel.map((length, axis) => samePadding(length, dilation[axis]));
  }
  const [outChannels] = weightShape;
  if (outChannels % groups !== 0) {
    throw new ArgumentError(operation, 'groups', `a divisor of Cout = ${outChannels}`, String(groups));
  }
  if (weightShape[1] * groups !== channels) {
    throw new ShapeError(
      operation,
      'weight',
      `(Cout, Cin/groups, …) with Cin = ${channels}, groups = ${groups}`,
      formatShape(weightShape),
    );
  }
  const result = spatial.map((length, axis) => {
    const padded = length + padding[axis][0] + padding[axis][1];
    const size = Math.floor((padded - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
    if (size < 1) {
      throw new ShapeError(
        operation,
        'weight',
        `a kernel that fits ${padded} (axis ${axis})`,
        formatShape(weightShape),
      );
    }
    return size;
  });
  return {
    geometry: {
      batch,
      groups,
      inChannels: outChannels / groups,
      outChannels: weightShape[1],
      axes: threeAxes(
        result.map((input, axis) => ({
          input,
          output: spatial[axis],
          kernel: kernel[axis],
          stride: stride[axis],
          dilation: dilation[axis],
          crop: padding[axis][0],
        })),
      ),
    },
    outputShape: batched ? [batch, outChannels, ...result] : [outChannels, ...result],
    outChannels,
  };
}
