/** Paths by name, and which of them take a geometry. */

import { ArgumentError } from '../core/errors.ts';
import { elementCount } from '../core/shape.ts';
import { checkChoice } from '../core/validate.ts';
import { planConvForward } from './conv_forward.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import { planConvTransposeForward } from './conv_transpose_forward.ts';
import { planDepthwiseGather, planDepthwiseScatter } from './depthwise.ts';
import type { Product } from './depthwise_choice.ts';
import { acceptsDepthwise, DEPTHWISE_NEEDS, depthwiseIsFaster } from './depthwise_choice.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { planImplicitForward } from './implicit_forward.ts';
import { isMirrored, mirroredForward } from './mirrored.ts';
import { ofUsualHeight } from './usual_length.ts';

/**
 * 'auto' may take any path, 'direct' any that multiplies inputs with weights as they are. A product that gathers (a
 * convolution, gradInput of a transposed one) goes through im2col for 'planes', and for 'implicit' where its stride is
 * not 1 or it has groups.
 */
export type Algorithm = 'auto' | 'direct' | 'planes' | 'implicit' | 'depthwise' | 'winograd';

const ALGORITHMS: readonly Algorithm[] = ['auto', 'direct', 'planes', 'implicit', 'depthwise', 'winograd'];

/** What may be forced for a geometry. */
export function acceptedAlgorithms(geometry: ConvGeometry): Algorithm[] {
  return ['direct', 'planes', 'implicit', ...(acceptsDepthwise(geometry) ? (['depthwise'] as const) : [])];
}

/** @throws {ArgumentError} for an unknown algorithm, or one that does not take this geometry. */
export function checkAlgorithm(operation: string, value: unknown, geometry: ConvGeometry): Algorithm {
  const algorithm = checkChoice(operation, 'algorithm', value === undefined ? 'auto' : value, ALGORITHMS);
  const accepted = acceptedAlgorithms(geometry);
  if (algorithm !== 'auto' && !accepted.includes(algorithm)) {
    const reason = algorithm === 'depthwise' ? `needs ${DEPTHWISE_NEEDS}` : 'is not built in this version';
    throw new ArgumentError(operation, 'algorithm', accepted.join(' | '), `'${algorithm}', which ${reason}`);
  }
  return algorithm;
}

/** True when the plan may choose. */
export function isFree(algorithm: Algorithm): boolean {
  return algorithm === 'auto' || algorithm === 'direct';
}

/** @param algorithm one that takes the geometry */
export function takesDepthwise(
  product: Product,
  algorithm: Algorithm,
  spec: Parameters<typeof depthwiseIsFaster>[1],
): boolean {
  return isFree(algorithm) ? depthwiseIsFaster(product, spec) : algorithm === 'depthwise';
}

/**
 * The plan of the product to the small side: a convolution, gradInput of a transposed one. With stride 1 it may take the
 * implicit path.
 * @param algorithm one that takes the geometry
 */
export function planGatherBy(algorithm: Algorithm, spec: ForwardSpec): ConvPlan {
  if (takesDepthwise('gather', algorithm, spec)) return planDepthwiseGather(spec);
  if (!isMirrored(spec)) return planConvForward(spec);
  // bands of a picture take the path of the whole, so that they have its bits
  const implicit = isFree(algorithm)
    ? spec.anySize !== true && isImplicitCheaper(ofUsualHeight(spec))
    : algorithm === 'implicit';
  return implicit ? mirroredForward(planImplicitForward, spec) : planConvForward(spec);
}

/** Cycles, see `ConvPlan`, of an element that goes from a plane to the result: im2col's product writes there. */
const FLUSH_ELEMENT = 2;

function isImplicitCheaper(spec: ForwardSpec): boolean {
  const { batch, inChannels, axes } = spec.geometry;
  const flush = FLUSH_ELEMENT * batch * inChannels * elementCount(axes.map(({ input }) => input));
  return mirroredForward(planImplicitForward, spec).cycles! + flush < planConvForward(spec).cycles!;
}

/**
 * The plan of the product to the large side: a transposed convolution, gradInput of a convolution.
 * @param algorithm one that takes the geometry
 */
export function planForwardBy(algorithm: Algorithm, spec: ForwardSpec): ConvPlan {
  const free = isFree(algorithm);
  if (takesDepthwise('scatter', algorithm, spec)) return planDepthwiseScatter(spec);
  if (algorithm === 'planes' || (free && spec.anySize)) return planConvTransposeForward(spec);
  const implicit = planImplicitForward(spec);
  if (!free) return implicit;
  // all micro-kernels take the same path, so that they give the same bits
  const planes = planConvTransposeForward({ ...spec, mr: null });
  if (implicit.cycles! < planes.cycles!) return implicit;
  return spec.mr === null ? planes : planConvTransposeForward(spec);
}
