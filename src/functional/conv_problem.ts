/** A convolution to compute: which of the two kinds, of which geometry. */

import type { Shape } from '../core/shape.ts';
import type { Plan } from '../kernels/plan.ts';
import type { ConvBackwardSpec } from '../kernels/plan_conv.ts';
import { planConv, planConvBackward, planConvTranspose, planConvTransposeBackward } from '../kernels/plan_conv.ts';
import type { ConvSpec } from '../kernels/spec.ts';
import type { ConvGeometry } from '../plan/conv_geometry.ts';
import type { Algorithm } from '../plan/forward_algorithms.ts';
import { checkAlgorithm } from '../plan/forward_algorithms.ts';
import { convGeometry } from './conv_geometry.ts';
import type { AnyGeometryOptions, CheckedConv, Placement, SpatialRank } from './conv_options.ts';
import {
  CONV_BACKWARD_OPTIONS,
  CONV_FORWARD_OPTIONS,
  FORWARD_OPTIONS,
  TRANSPOSE_BACKWARD_OPTIONS,
} from './conv_options.ts';
import { convTransposeGeometry } from './conv_transpose_geometry.ts';

/** What a convolution and a transposed one differ in. */
export interface ConvKind {
  readonly name: 'convTranspose' | 'conv';
  /** Names of the options of a forward call, and of a backward call. */
  readonly forwardOptions: readonly string[];
  readonly backwardOptions: readonly string[];
  /** @throws {ShapeError | ArgumentError} for shapes and options that do not fit. */
  readonly geometry: (
    operation: string,
    axes: SpatialRank,
    inputShape: Shape,
    weightShape: Shape,
    options: AnyGeometryOptions,
  ) => CheckedConv;
  readonly plan: (spec: ConvSpec) => Plan;
  readonly planBackward: (spec: ConvBackwardSpec) => Plan;
}

export const CONV_TRANSPOSE: ConvKind = {
  name: 'convTranspose',
  forwardOptions: FORWARD_OPTIONS,
  backwardOptions: TRANSPOSE_BACKWARD_OPTIONS,
  geometry: convTransposeGeometry,
  plan: planConvTranspose,
  planBackward: planConvTransposeBackward,
};

export const CONV: ConvKind = {
  name: 'conv',
  forwardOptions: CONV_FORWARD_OPTIONS,
  backwardOptions: CONV_BACKWARD_OPTIONS,
  geometry: convGeometry,
  plan: planConv,
  planBackward: planConvBackward,
};

/** A convolution that was checked. */
export interface ConvProblem {
  readonly kind: ConvKind;
  readonly geometry: ConvGeometry;
  /** Number of spatial axes. */
  readonly axes: SpatialRank;
  /** One that takes the geometry. */
  readonly algorithm: Algorithm;
}

/**
 * The problem that shapes and options pose, and the shape of its result.
 * @param place where adapters put the result
 * @throws {ShapeError} for ranks, channels and sizes; {ArgumentError} for option values.
 */
export function checkProblem(
  kind: ConvKind,
  operation: string,
  axes: SpatialRank,
  inputShape: Shape,
  weightShape: Shape,
  options: AnyGeometryOptions & { readonly algorithm?: unknown },
  place?: Placement,
): { problem: ConvProblem; outputShape: Shape; outChannels: number } {
  const checked = kind.geometry(operation, axes, inputShape, weightShape, options);
  const { geometry, outputShape, outChannels } = place === undefined ? checked : place(checked);
  const algorithm = checkAlgorithm(operation, options.algorithm, geometry);
  return { problem: { kind, geometry, axes, algorithm }, outputShape, outChannels };
}
