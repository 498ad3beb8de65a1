import type { RefGradients } from './gradients.ts';
import { productGradients } from './gradients.ts';
import { cropPairs, perAxis } from './options.ts';
import type { RefOptions } from './options.ts';
import { addProducts } from './products.ts';
import type { Geometry } from './products.ts';
import { addTerm, elementCount, emptySums, reshaped } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

/**
 * Definition: every input element scatters `weight` into the output, which starts as the bias.
 * The number of spatial axes is the weight's rank less 2; an input of one axis less than the weight is unbatched.
 */
export function convTransposeReference(
  input: RefTensor,
  weight: RefTensor,
  bias: RefTensor | null,
  options: RefOptions = {},
): Sums {
  const g = geometryOf(input.shape, weight.shape, options);
  const output = emptySums([g.batch, g.largeChannels, ...g.large]);
  addProducts(g, 'large', output, ['small', input], ['weight', weight]);
  if (bias) addBias(output, bias);
  return isBatched(input, weight) ? output : reshaped(output, output.shape.slice(1));
}

/** Definition: the derivatives of sum(gradOutput * output). */
export function convTransposeBackwardReference(
  gradOutput: RefTensor,
  input: RefTensor,
  weight: RefTensor,
  options: RefOptions = {},
): RefGradients {
  const g = geometryOf(input.shape, weight.shape, options);
  return productGradients(g, ['small', input], ['large', gradOutput], weight);
}

/** Adds bias[c] to every element of channel c of a batched output. */
export function addBias(output: Sums, bias: RefTensor): void {
  const channels = output.shape[1];
  const pixels = elementCount(output.shape.slice(2));
  for (let index = 0; index < output.data.length; index++) {
    addTerm(output, index, bias.data[Math.floor(index / pixels) % channels]);
  }
}

export function isBatched(input: RefTensor, weight: RefTensor): boolean {
  return input.shape.length === weight.shape.length;
}

function geometryOf(inputShape: readonly number[], weightShape: readonly number[], options: RefOptions): Geometry {
  const kernel = weightShape.slice(2);
  const axes = kernel.length;
  const small = inputShape.slice(-axes);
  const groups = options.groups ?? 1;
  const stride = perAxis(options.stride, axes, 1);
  const dilation = perAxis(options.dilation, axes, 1);
  const outputPadding = perAxis(options.outputPadding, axes, 0);
  const crop = cropPairs(options.padding, axes);
  const full = small.map((length, axis) => (length - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1);
  let large = full.map((length, axis) => length - crop[axis][0] - crop[axis][1] + outputPadding[axis]);
  if (options.outputSize) large = options.outputSize.slice(-axes);
  if (options.crop) large = [...options.crop.outputSpatial];
  return {
    batch: inputShape.length === weightShape.length ? inputShape[0] : 1,
    groups,
    smallChannels: weightShape[0],
    largeChannels: weightShape[1] * groups,
    small,
    large,
    kernel,
    stride,
    dilation,
    begin: options.crop ? [...options.crop.begin] : crop.map(([begin]) => begin),
  };
}
