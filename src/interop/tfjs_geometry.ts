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
  /** How sides are permuted to (N, C, …), and filters to (out, in, …). */
  readonly sides: readonly number[];
  readonly filter: readonly number[];
}

const AXES = [
  ['Depth', 'front'],
  ['Height', 'top'],
  ['Width', 'left'],
] as const;

/** Sizes and padding of a convolution, computed by TensorFlow.js from its own words for them. */
export function convOf(
  util: ConvUtil,
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dataFormat, dimRoundingMode }: ConvAttributes,
): TfjsConv {
  const axes = filterShape.length === 4 ? 2 : 3;
  const format = axes === 2 ? util.convertConv2DDataFormat(dataFormat) : 'channelsLast';
  const info = (
    axes === 2
      ? util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode, false, format)
      : util.computeConv3DInfo(inputShape, filterShape, strides, 1, pad)
  ) as ConvInfo;
  const spatial = AXES.slice(-axes).map(([name, side]) => {
    const [input, output] = [info[`in${name}`], info[`out${name}`]];
    const stride = info[`stride${name}`];
    const begin = info.padInfo[side];
    // all that a window reaches beyond the input at its end, whatever rounding left there
    const end = Math.max((output - 1) * stride + info[`filter${name}`] - begin - input, 0);
    return { input, output, stride, padding: [begin, end] as const };
  });
  const last = Array.from({ length: axes }, (_, axis) => axis + 1);
  return {
    axes,
    options: {
      stride: spatial.map(({ stride }) => stride),
      padding: spatial.map(({ padding }) => padding),
      outputSize: spatial.map(({ input }) => input),
    },
    inputShape,
    filterShape,
    smallSpatial: spatial.map(({ output }) => output),
    sides: format === 'channelsLast' ? [0, axes + 1, ...last] : Array.from({ length: axes + 2 }, (_, axis) => axis),
    filter: [axes + 1, axes, ...last.map((axis) => axis - 1)],
  };
}

/** True when there is nothing to compute, or nothing to compute it from. */
export function isEmpty(...shapes: (readonly number[])[]): boolean {
  return shapes.some((shape) => elementCount(shape) === 0);
}
