/** What 'auto' takes where sizes are not known: a packed weight for every size, parts of a picture. */

import type { Dtype } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import type { Axis, ConvGeometry } from './conv_geometry.ts';
import { planForwardBy } from './forward_algorithms.ts';

interface Product {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  readonly geometry: ConvGeometry;
}

/** Of axes. */
const USUAL_LENGTH = 64;
/** Between these, choices turn. */
const OTHER_LENGTHS = [16, 256];

/** The path that most sizes take; of products that scatter. */
export function usualAlgorithm(product: Product): 'planes' | 'implicit' {
  return choiceAt(USUAL_LENGTH, product);
}

/** Paths that one size or another takes. */
export function algorithmsOfAnySize(product: Product): ('planes' | 'implicit')[] {
  const implicit = [USUAL_LENGTH, ...OTHER_LENGTHS].some((length) => choiceAt(length, product) === 'implicit');
  return implicit ? ['planes', 'implicit'] : ['planes'];
}

function choiceAt(length: number, { dtype, kernelSet, geometry }: Product): 'planes' | 'implicit' {
  const axes = geometry.axes.map((axis, index) => {
    const { kernel, stride, dilation } = axis;
    const input = index === 2 || kernel > 1 || stride > 1 ? length : 1;
    return { ...axis, input, output: (input - 1) * stride + (kernel - 1) * dilation + 1, crop: 0 };
  }) as [Axis, Axis, Axis];
  const { stages } = planForwardBy('auto', {
    dtype,
    kernelSet,
    mr: null,
    geometry: { ...geometry, batch: 1, axes },
    input: { batch: 0, channel: length, spatial: [0, length, 1] },
    weight: { inChannel: 0, outChannel: 0, spatial: [0, 0, 0] },
    output: { batch: 0, channel: 0, spatial: [0, 0, 1] },
    bias: false,
    accumulate: false,
  });
  return stages[0].entry === 'implicitForward' ? 'implicit' : 'planes';
}
