/**
 * Images smaller than a strip of nr columns: the batch becomes the W axis, whose neighbours are then images. A change
 * of geometry and strides only; an axis with one tap, stride 1 and no crop adds nothing to the arithmetic.
 */

import type { ConvGeometry, Strides, WeightStrides } from './conv_geometry.ts';
import { UNIT_AXIS } from './conv_geometry.ts';

interface Spec {
  readonly geometry: ConvGeometry;
  readonly input: Strides;
  readonly weight: WeightStrides;
  readonly output: Strides;
}

/** The same problem with axes (H, W, batch), or `spec` itself when its D axis is in use. */
export function batchAsColumns<S extends Spec>(spec: S): S {
  const { geometry } = spec;
  const [d, h, w] = geometry.axes;
  if (d.input !== 1 || d.output !== 1 || d.kernel !== 1 || d.crop !== 0) return spec;
  const batch = { ...UNIT_AXIS, input: geometry.batch, output: geometry.batch };
  return {
    ...spec,
    geometry: { ...geometry, batch: 1, axes: [h, w, batch] },
    input: turned(spec.input),
    output: turned(spec.output),
    weight: { ...spec.weight, spatial: [spec.weight.spatial[1], spec.weight.spatial[2], 0] },
  };
}

function turned({ batch, channel, spatial }: Strides): Strides {
  return { batch: 0, channel, spatial: [spatial[1], spatial[2], batch] };
}
