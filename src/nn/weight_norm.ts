/** Weights in PyTorch's weight normalisation, g · v ÷ ‖v‖: checkpoints hold g and v in the place of the product. */

import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount } from '../core/shape.ts';
import { gather } from '../core/strided.ts';

/** Keys of g and v for a parameter of `path`: of `utils.weight_norm`, and of `utils.parametrizations.weight_norm`. */
export function weightNormKeys(path: string): readonly (readonly [magnitude: string, direction: string])[] {
  const dot = path.lastIndexOf('.') + 1;
  const parametrization = `${path.slice(0, dot)}parametrizations.${path.slice(dot)}.original`;
  return [
    [`${path}_g`, `${path}_v`],
    [`${parametrization}0`, `${parametrization}1`],
  ];
}

/** PyTorch's default, dim 0: a norm for each entry of the first axis, which is Cout of convolutions and Cin of transposed ones. */
export function defaultMagnitudeShape(weight: Shape): number[] {
  return weight.map((length, axis) => (axis === 0 ? length : 1));
}

/** Whether g of this shape scales such a weight: any `dim`, and one norm of all (`dim=None`). */
export function isMagnitudeShape(magnitude: Shape, weight: Shape): boolean {
  if (magnitude.length === 0) return true;
  return (
    magnitude.length === weight.length && magnitude.every((length, axis) => length === 1 || length === weight[axis])
  );
}

/** g · v ÷ ‖v‖, the norm over all axes along which g has one entry. Computed in float64. */
export function foldWeightNorm(
  { shape: magnitudeShape, values: magnitude }: { shape: Shape; values: ArrayLike<number> },
  { shape, values: direction }: { shape: Shape; values: ArrayLike<number> },
): Float64Array<ArrayBuffer> {
  const norms = magnitudeShape.length === 0 ? shape.map(() => 1) : magnitudeShape;
  const strides = contiguousStrides(norms).map((stride, axis) => (norms[axis] === 1 ? 0 : stride));
  const ordinals = Int32Array.from({ length: magnitude.length }, (_, norm) => norm);
  const normOf = gather(ordinals, shape, strides, 0, new Int32Array(elementCount(shape)));
  const sums = new Float64Array(magnitude.length);
  normOf.forEach((norm, i) => (sums[norm] += direction[i] ** 2));
  const scales = sums.map((sum, norm) => magnitude[norm] / Math.sqrt(sum));
  return Float64Array.from(normOf, (norm, i) => direction[i] * scales[norm]);
}
