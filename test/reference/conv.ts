import { addBias, isBatched } from './conv_transpose.ts';
import type { RefGradients } from './gradients.ts';
import { productGradients } from './gradients.ts';
import { paddingPairs, perAxis } from './options.ts';
import type { RefConvOptions } from './options.ts';
import { addProducts } from './products.ts';
import type { Geometry } from './products.ts';
import { emptySums, reshaped } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

/** Definition: every output element gathers the input under the weight, which is (Cout, Cin/groups, *kernel). */
export function convReference(
  input: RefTensor,
  weight: RefTensor,
  bias: RefTensor | null,
  options: RefConvOptions = {},
): Sums {
  const g = geometryOf(input.shape, weight.shape, options);
  const output = emptySums([g.batch, g.smallChannels, ...g.small]);
  addProducts(g, 'small', output, ['large', input], ['weight', weight]);
  if (bias) addBias(output, bias);
  return isBatched(input, weight) ? output : reshaped(output, output.shape.slice(1));
}

/** Definition: the derivatives of sum(gradOutput * output). */
export function convBackwardReference(
  gradOutput: RefTensor,
  input: RefTensor,
  weight: RefTensor,
  options: RefConvOptions = {},
): RefGradients {
  const g = geometryOf(input.shape, weight.shape, options);
  return productGradients(g, ['large', input], ['small', gradOutput], weight);
}

function geometryOf(inputShape: readonly number[], weightShape: readonly number[], options: RefConvOptions): Geometry {
  const kernel = weightShape.slice(2);
  const axes = kernel.length;
  const large = inputShape.slice(-axes);
  const groups = options.groups ?? 1;
  const stride = perAxis(options.stride, axes, 1);
  const dilation = perAxis(options.dilation, axes, 1);
  const padding = paddingPairs(options.padding, kernel, dilation);
  const small = large.map((length, axis) => {
    const span = length + padding[axis][0] + padding[axis][1] - dilation[axis] * (kernel[axis] - 1) - 1;
    return Math.floor(span / stride[axis]) + 1;
  });
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
    begin: padding.map(([begin]) => begin),
  };
}
