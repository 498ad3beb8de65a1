/** Convolutions of TensorFlow.js as the transposed ones that their gradients are. */

import { elementCount } from '../core/shape.ts';
import type { ConvTransposeGeometryOptions } from '../functional/conv_options.ts';
import type { ConvAttributes, ConvInfo, ConvUtil } from './tfjs_types.ts';

/** A convolution whose input (N, …) and filter are of these shapes; "small" is the side of its output, dy. */
export interface TfjsConv {
  readonly axes: 2 | 3;
  readonly options: ConvTransposeGeometryOptions;
  /** In the order of TensorFlow.js. */
  readonly inputShape: readonly number[];
  readonly filterShape: readonly number[];
  /** Sizes of dy that are read; it may be larger. */
  readonly smallSpatial: readonly number[];
  /** Sizes of the input that dy reaches; what lies beyond has no part in the convolution. */
  readonly largeSpatial: readonly number[];
  /** How sides are permuted to (N, C, …), and filters to (out, in, …). */
  readonly sides: readonly number[];
  readonly filter: readonly number[];
}

const AXES = [
  ['Depth', 'front'],
  ['Height', 'top'],
  ['Width', 'left'],
] as const;

/**
 * Sizes and padding of a convolution, computed by TensorFlow.js from its own words for them.
 * @param dyShape of what the convolution gave, or of what a transposed one begins with
 */
export function convOf(
  util: ConvUtil,
  inputShape: readonly number[],
  filterShape: readonly number[],
  dyShape: readonly number[],
  attributes: ConvAttributes,
): TfjsConv {
  const axes = filterShape.length === 4 ? 2 : 3;
  const format = axes === 2 ? util.convertConv2DDataFormat(attributes.dataFormat) : 'channelsLast';
  const info =
    axes === 2
      ? infoOf2d(util, inputShape, filterShape, dyShape, attributes, format)
      : (util.computeConv3DInfo(inputShape, filterShape, attributes.strides, 1, attributes.pad) as ConvInfo);
  const spatial = AXES.slice(-axes).map(([name, side]) => {
    const [input, output] = [info[`in${name}`], info[`out${name}`]];
    const stride = info[`stride${name}`];
    const begin = info.padInfo[side];
    const window = (output - 1) * stride + info[`filter${name}`] - begin;
    // all that a window reaches beyond the input at its end, whatever rounding left there
    const padding = [begin, Math.max(window - input, 0)] as const;
    return { output, stride, padding, reached: Math.min(input, window + stride - 1) };
  });
  const last = Array.from({ length: axes }, (_, axis) => axis + 1);
  return {
    axes,
    options: {
      stride: spatial.map(({ stride }) => stride),
      padding: spatial.map(({ padding }) => padding),
      outputSize: spatial.map(({ reached }) => reached),
    },
    inputShape,
    filterShape,
    smallSpatial: spatial.map(({ output }) => output),
    largeSpatial: spatial.map(({ reached }) => reached),
    sides: format === 'channelsLast' ? [0, axes + 1, ...last] : Array.from({ length: axes + 2 }, (_, axis) => axis),
    filter: [axes + 1, axes, ...last.map((axis) => axis - 1)],
  };
}

/**
 * With one number for the padding TensorFlow.js takes the height of filter and stride for their width, too. Convolutions
 * of its own have outputs of that size; where dy has another one, a transposed convolution was asked for, and every
 * axis is computed by itself.
 */
function infoOf2d(
  util: ConvUtil,
  inputShape: readonly number[],
  filterShape: readonly number[],
  dyShape: readonly number[],
  { strides, pad, dimRoundingMode }: ConvAttributes,
  format: 'channelsFirst' | 'channelsLast',
): ConvInfo {
  const compute = (padding: unknown): ConvInfo =>
    util.computeConv2DInfo(inputShape, filterShape, strides, 1, padding, dimRoundingMode, false, format) as ConvInfo;
  const info = compute(pad);
  if (typeof pad !== 'number') return info;
  const [height, width] = dyShape.slice(format === 'channelsLast' ? 1 : 2);
  if (info.outHeight === height && info.outWidth === width) return info;
  const none = [0, 0];
  const both = [pad, pad];
  return compute(format === 'channelsLast' ? [none, both, both, none] : [none, none, both, both]);
}

/** True when there is nothing to compute, or nothing to compute it from. */
export function isEmpty(...shapes: (readonly number[])[]): boolean {
  return shapes.some((shape) => elementCount(shape) === 0);
}
