/** Paths by name, and which of them take a geometry. */

import { ArgumentError } from '../core/errors.ts';
import { elementCount } from '../core/shape.ts';
import { checkChoice } from '../core/validate.ts';
import { planConvForward } from './conv_forward.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { directFlops } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import { planConvTransposeForward } from './conv_transpose_forward.ts';
import { planDepthwiseGather, planDepthwiseScatter } from './depthwise.ts';
import { planDepthwiseGradWeight } from './depthwise_grad_weight.ts';
import type { Product } from './depthwise_choice.ts';
import { acceptsDepthwise, DEPTHWISE_NEEDS, depthwiseIsFaster } from './depthwise_choice.ts';
import type { ForwardSpec } from './forward_spec.ts';
import { planImplicitForward } from './implicit_forward.ts';
import type { GradWeightPlan } from './grad_weight.ts';
import { planGradWeight } from './grad_weight.ts';
import { isMirrored, mirroredForward } from './mirrored.ts';
import {
  acceptsOnePosition,
  acceptsOnePositionGradWeight,
  planOnePosition,
  planOnePositionGradWeight,
} from './one_position.ts';
import { ofUsualHeight } from './usual_length.ts';
import { planWinogradGradWeight } from './winograd_grad_weight.ts';
import { planWinogradForward, planWinogradGather } from './winograd_forward.ts';
import { acceptsWinograd, WINOGRAD_NEEDS } from './winograd_tiles.ts';

/**
 * 'auto' may take any path, 'direct' any that multiplies inputs with weights as they are. A product that gathers (a
 * convolution, gradInput of a transposed one) goes through im2col for 'planes', and for 'implicit' where its stride is
 * not 1 or it has groups. 'implicit' and 'winograd' are of float32; float64, which is for checks, takes 'planes' under them.
 */
export type Algorithm = 'auto' | 'direct' | 'planes' | 'implicit' | 'depthwise' | 'winograd';

const ALGORITHMS: readonly Algorithm[] = ['auto', 'direct', 'planes', 'implicit', 'depthwise', 'winograd'];

/** What may be forced for a geometry. */
export function acceptedAlgorithms(geometry: ConvGeometry): Algorithm[] {
  return [
    'direct',
    'planes',
    'implicit',
    ...(acceptsDepthwise(geometry) ? (['depthwise'] as const) : []),
    ...(acceptsWinograd(geometry) ? (['winograd'] as const) : []),
  ];
}

/** @throws {ArgumentError} for an unknown algorithm, or one that does not take this geometry. */
export function checkAlgorithm(operation: string, value: unknown, geometry: ConvGeometry): Algorithm {
  const algorithm = checkChoice(operation, 'algorithm', value === undefined ? 'auto' : value, ALGORITHMS);
  if (algorithm === 'auto') return algorithm;
  const accepted = acceptedAlgorithms(geometry);
  if (!accepted.includes(algorithm)) {
    const needs = algorithm === 'depthwise' ? DEPTHWISE_NEEDS : WINOGRAD_NEEDS;
    throw new ArgumentError(operation, 'algorithm', accepted.join(' | '), `'${algorithm}', which needs ${needs}`);
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

/** A path with transforms has to be this much cheaper: more is packed, and the costs are estimates. */
const TRANSFORM_GAIN = 1.03;
/** gradWeight reads both sides once more, for sums of what they hold. */
const GRAD_WEIGHT_GAIN = 1.1;
/**
 * Products that 'auto' transforms are at least so large and deep: errors are relative to all of a tile, and with few
 * channels an element's own products may be much smaller.
 */
const LEAST_TRANSFORMED_FLOPS = 1e7;
const LEAST_TRANSFORMED_DEPTH = 16;

/** A transformed weight is up to eight times the raw one: several fit the cache of packed weights. */
const MOST_TRANSFORMED_BYTES = 100 * 2 ** 20;

type Planner = (spec: ForwardSpec) => ConvPlan;

/** True when 'auto' may take a path with transforms. @param depth channels that a result sums up */
function mayTransform(algorithm: Algorithm, { dtype, anySize, geometry }: ForwardSpec, depth: number): boolean {
  return (
    algorithm === 'auto' &&
    anySize !== true &&
    dtype !== 'float64' &&
    depth >= LEAST_TRANSFORMED_DEPTH &&
    directFlops(geometry) >= LEAST_TRANSFORMED_FLOPS &&
    acceptsWinograd(geometry)
  );
}

function transformedCycles({ cycles, packedWeightBytes }: ConvPlan): number {
  return packedWeightBytes > MOST_TRANSFORMED_BYTES ? Infinity : cycles! * TRANSFORM_GAIN;
}

/** 'implicit' and 'winograd' as the dtype has them. */
function ofDtype(algorithm: Algorithm, { dtype }: ForwardSpec): Algorithm {
  return dtype === 'float64' && (algorithm === 'implicit' || algorithm === 'winograd') ? 'planes' : algorithm;
}

/** True when one direct path is weighed against another. */
function mayChoose(algorithm: Algorithm, { anySize, dtype }: ForwardSpec): boolean {
  return isFree(algorithm) && anySize !== true && dtype !== 'float64';
}

/**
 * The plan of the product to the small side: a convolution, gradInput of a transposed one. With stride 1 it may take the
 * paths of the other product.
 * @param asked one that takes the geometry
 */
export function planGatherBy(asked: Algorithm, spec: ForwardSpec): ConvPlan {
  const algorithm = ofDtype(asked, spec);
  if (takesDepthwise('gather', algorithm, spec)) return planDepthwiseGather(spec);
  const direct = directGather(algorithm, spec);
  if (algorithm === 'winograd') return planWinogradGather(spec);
  if (!mayTransform(algorithm, spec, spec.geometry.outChannels)) return direct(spec);
  const free = { ...spec, mr: null };
  const [transformed, plain] = [planWinogradGather(free), direct(free)];
  return transformedCycles(transformed) + flushCycles(free) < gatherCycles(direct, free, plain)
    ? withHeight(planWinogradGather, spec, transformed)
    : withHeight(direct, spec, plain);
}

/** The plan of a path with the height that is asked for. @param free the one with a free choice of height */
function withHeight<P>(path: (spec: ForwardSpec) => P, spec: ForwardSpec, free: P): P {
  return spec.mr === null ? free : path(spec);
}

function planMirrored(spec: ForwardSpec): ConvPlan {
  return mirroredForward(planImplicitForward, spec);
}

function directGather(algorithm: Algorithm, spec: ForwardSpec): Planner {
  if (!isMirrored(spec)) return planConvForward;
  if (algorithm === 'implicit') return planMirrored;
  if (!mayChoose(algorithm, spec)) return planConvForward;
  // bands of a picture take the path of the whole, so that they have its bits
  const usual = ofUsualHeight(spec);
  return gatherCycles(planMirrored, usual) < gatherCycles(planConvForward, usual) ? planMirrored : planConvForward;
}

/** Cycles, see `ConvPlan`, of an element that goes from a plane to the result: im2col's product writes there. */
const FLUSH_ELEMENT = 2;

function flushCycles({ geometry: { batch, inChannels, axes } }: ForwardSpec): number {
  return FLUSH_ELEMENT * batch * inChannels * elementCount(axes.map(({ input }) => input));
}

function gatherCycles(path: Planner, spec: ForwardSpec, plan: ConvPlan = path(spec)): number {
  return plan.cycles! + (path === planConvForward ? 0 : flushCycles(spec));
}

/**
 * The plan of the product to the large side: a transposed convolution, gradInput of a convolution.
 * @param asked one that takes the geometry
 */
export function planForwardBy(asked: Algorithm, spec: ForwardSpec): ConvPlan {
  const algorithm = ofDtype(asked, spec);
  if (takesDepthwise('scatter', algorithm, spec)) return planDepthwiseScatter(spec);
  if (algorithm === 'implicit') return planImplicitForward(spec);
  if (algorithm === 'winograd') return planWinogradForward(spec);
  if (!mayChoose(algorithm, spec)) return planConvTransposeForward(spec);
  // all micro-kernels take the same path, so that they give the same bits
  const free = { ...spec, mr: null };
  const paths: Planner[] = [planImplicitForward, planConvTransposeForward];
  if (acceptsOnePosition(free)) paths.push(planOnePosition);
  if (mayTransform(algorithm, spec, spec.geometry.inChannels)) paths.push(planWinogradForward);
  const plans = paths.map((path) => path(free));
  const cycles = plans.map((plan, index) => {
    return paths[index] === planWinogradForward ? transformedCycles(plan) : plan.cycles!;
  });
  const best = cycles.indexOf(Math.min(...cycles));
  return withHeight(paths[best], spec, plans[best]);
}

/**
 * The plan of the product of both sides.
 * @param asked one that takes the geometry
 */
export function planGradWeightBy(asked: Algorithm, spec: ForwardSpec): GradWeightPlan {
  const algorithm = ofDtype(asked, spec);
  if (takesDepthwise('gradWeight', algorithm, spec)) return planDepthwiseGradWeight(spec);
  // the wide variant has no room for it
  const direct = spec.kernelSet === 'wide' || spec.geometry.batch === 0;
  if (!direct && algorithm === 'winograd') return planWinogradGradWeight(spec);
  // 1.05 times as fast for one image, 2 to 3 times for many
  const isOnePosition = mayChoose(algorithm, spec) && acceptsOnePositionGradWeight(spec);
  const plainPath = isOnePosition ? planOnePositionGradWeight : planGradWeight;
  // sums are over positions, of which a product that is large enough has many
  if (direct || !mayTransform(algorithm, spec, Infinity)) return plainPath(spec);
  // all micro-kernels take the same path, so that they give the same bits
  const free = { ...spec, mr: null };
  const plain = plainPath(free);
  const transformed = planWinogradGradWeight(free, plain);
  return transformed.cycles! * GRAD_WEIGHT_GAIN < plain.cycles!
    ? withHeight(planWinogradGradWeight, spec, transformed)
    : withHeight(plainPath, spec, plain);
}
