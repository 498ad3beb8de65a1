/** Paths of the forward pass by name, and which of them take a geometry. */

import { ArgumentError } from '../core/errors.ts';
import { checkChoice } from '../core/validate.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import { planConvTransposeForward } from './conv_transpose_forward.ts';
import { planDepthwiseForward } from './depthwise.ts';
import type { ForwardSpec } from './forward_spec.ts';

/** 'auto' may take any path, 'direct' any that multiplies inputs with weights as they are. */
export type Algorithm = 'auto' | 'direct' | 'planes' | 'implicit' | 'depthwise' | 'winograd';

const ALGORITHMS: readonly Algorithm[] = ['auto', 'direct', 'planes', 'implicit', 'depthwise', 'winograd'];

/** What may be forced for a geometry. */
export function acceptedAlgorithms({ inChannels }: ConvGeometry): Algorithm[] {
  return ['direct', 'planes', ...(inChannels === 1 ? (['depthwise'] as const) : [])];
}

/** @throws {ArgumentError} for an unknown algorithm, or one that does not take this geometry. */
export function checkAlgorithm(operation: string, value: unknown, geometry: ConvGeometry): Algorithm {
  const algorithm = checkChoice(operation, 'algorithm', value === undefined ? 'auto' : value, ALGORITHMS);
  const accepted = acceptedAlgorithms(geometry);
  if (algorithm !== 'auto' && !accepted.includes(algorithm)) {
    const reason = algorithm === 'depthwise' ? 'needs one channel per group' : 'is not built in this version';
    throw new ArgumentError(operation, 'algorithm', accepted.join(' | '), `'${algorithm}', which ${reason}`);
  }
  return algorithm;
}

/** @param algorithm one that takes the geometry */
export function planForwardBy(algorithm: Algorithm, spec: ForwardSpec): ConvPlan {
  const depthwise = algorithm !== 'planes' && spec.geometry.inChannels === 1;
  return depthwise ? planDepthwiseForward(spec) : planConvTransposeForward(spec);
}
