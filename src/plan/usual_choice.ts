/** What 'auto' takes where sizes are not known: a packed weight for every size, parts of a picture. */

import type { Dtype } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { planForwardBy, planGatherBy, takesDepthwise } from './forward_algorithms.ts';
import { isMirrored } from './mirrored.ts';
import { atLength, USUAL_LENGTH } from './usual_length.ts';

interface Product {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  readonly geometry: ConvGeometry;
  /** To the large side; else to the small one. */
  readonly scatters: boolean;
}

/** True when 'auto' chooses between paths. */
export function hasChoice({ scatters, ...product }: Product): boolean {
  if (takesDepthwise(scatters ? 'scatter' : 'gather', 'auto', { ...product, anySize: true })) return false;
  return scatters || isMirrored(product);
}

/** Lengths of axes; between these, choices turn. */
const OTHER_LENGTHS = [16, 256];

/** The path that most sizes take. */
export function usualAlgorithm(product: Product): 'planes' | 'implicit' {
  return choiceAt(USUAL_LENGTH, product);
}

/** Paths that one size or another takes. */
export function algorithmsOfAnySize(product: Product): ('planes' | 'implicit')[] {
  const implicit = [USUAL_LENGTH, ...OTHER_LENGTHS].some((length) => choiceAt(length, product) === 'implicit');
  return implicit ? ['planes', 'implicit'] : ['planes'];
}

function choiceAt(length: number, { scatters, ...product }: Product): 'planes' | 'implicit' {
  const { stages } = (scatters ? planForwardBy : planGatherBy)('direct', atLength(length, product));
  return stages[0].entry === 'implicitForward' ? 'implicit' : 'planes';
}
