/** Which geometries the depthwise kernels take, and where they are faster than the general products. */

import type { Dtype } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import type { Axis, ConvGeometry } from './conv_geometry.ts';
import { axisPhases } from './conv_geometry.ts';
import { LARGEST_STRIDE, shiftsOf, SHORTEST_ROW } from './depthwise_boxes.ts';

/** From the small side to the large one, from the large one to the small one, and of both sides. */
export type Product = 'scatter' | 'gather' | 'gradWeight';

/** Channels per group, on the small side, that the kernels take. */
const MOST_CHANNELS = 4;

/** Elements of the large side that an item of a gather may hold. */
const LARGEST_BOX = 131072;

/** What `acceptsDepthwise` asks for. */
export const DEPTHWISE_NEEDS: string = `at most ${MOST_CHANNELS} channels per group along the weight's first axis and strides up to ${LARGEST_STRIDE}`;

export function acceptsDepthwise({ inChannels, axes }: ConvGeometry): boolean {
  return inChannels <= MOST_CHANNELS && axes[2].stride <= LARGEST_STRIDE;
}

interface Problem {
  readonly dtype: Dtype;
  readonly geometry: ConvGeometry;
  /** The choice must not depend on sizes, so that one packed weight serves all. */
  readonly anySize?: boolean;
}

/** Bounds of what was measured to be faster: ARCHITECTURE.md, "Depthwise". */
export function depthwiseIsFaster(product: Product, { dtype, geometry, anySize = false }: Problem): boolean {
  const { inChannels, outChannels, axes } = geometry;
  const { kernel, stride } = axes[2];
  const taps = elementCount(axes.map((axis) => axis.kernel));
  const positions = elementCount(axes.map(({ input }) => input));
  if (!acceptsDepthwise(geometry) || (!anySize && positions < 16 * inChannels)) return false;
  // float64 goes tap by tap
  if (dtype === 'float64') return product === 'scatter' && inChannels === 1;
  if (inChannels > 1 && (inChannels * outChannels > 12 || taps === 1)) return false;
  if (product === 'scatter') return inChannels === 1; // else the implicit path is a rival
  const channels = product === 'gather' ? outChannels : 1;
  if (channels > 64 || channels * leastBox(axes) > LARGEST_BOX) return false;
  if (product === 'gather' && stride === 1) return true;
  // lanes of the vectors of weights that hold one
  const filled = kernel / (shiftsOf(axisPhases(axes[2], false)).length * stride);
  if (inChannels === 1) return filled > 1 / 3;
  return inChannels === 2 && filled > 2 / 3 && kernel > stride && (product === 'gather' || outChannels <= 2);
}

/** Elements of a channel of the large side that the smallest box of positions reaches. */
function leastBox(axes: readonly Axis[]): number {
  const [d, h, w] = axes.map(({ kernel, dilation }) => (kernel - 1) * dilation + 1);
  return d * h * (w + SHORTEST_ROW * axes[2].stride);
}
