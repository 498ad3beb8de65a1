/** convTranspose1d, 2d, 3d: forward. */

import { ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { checkOptions, checkPerAxis, checkSizes } from '../core/validate.ts';
import { acceptedAlgorithms } from '../plan/forward_algorithms.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { beginForward } from './conv_call.ts';
import type { ConvTransposeGeometryOptions, ConvTransposeOptions, SpatialRank } from './conv_options.ts';
import { FORWARD_OPTIONS } from './conv_options.ts';
import { CONV_TRANSPOSE } from './conv_problem.ts';
import { checkedOutputSize, convTransposeGeometry } from './conv_transpose_geometry.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';

/**
 * 1-D transposed convolution, `torch.nn.functional.conv_transpose1d`.
 *
 * @param input (N, Cin, L) or (Cin, L)
 * @param weight (Cin, Cout/groups, k)
 * @param bias (Cout), or null
 * @returns (N, Cout, Lout), Lout = (L − 1)·stride − 2·padding + dilation·(k − 1) + outputPadding + 1
 * @throws {ShapeError} ranks, channels, an empty axis, an output below 1
 * @throws {ArgumentError} option values, unknown options
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { convTranspose1d, init, tensor } from 'upconv';
 *
 * await init();
 * const output = await convTranspose1d(tensor([[1, 2, 3]]), tensor([[[1, 1, 1]]]), tensor([0.5]), { stride: 2 });
 * console.log(output.toTypedArray().join(' ')); // 1.5 1.5 3.5 2.5 5.5 3.5 3.5
 * ```
 */
export async function convTranspose1d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Promise<Tensor> {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose1d', 1, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose1d`, on the calling thread. */
export function convTranspose1dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Tensor {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose1d', 1, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * 2-D transposed convolution, `torch.nn.functional.conv_transpose2d`.
 *
 * @param input (N, Cin, H, W) or (Cin, H, W)
 * @param weight (Cin, Cout/groups, kH, kW)
 * @param bias (Cout), or null
 * @returns (N, Cout, Hout, Wout), each axis as in `convTranspose1d`
 * @throws as `convTranspose1d`
 *
 * @example
 * ```js
 * import { convTranspose2d, init, rand } from 'upconv';
 *
 * await init();
 * const options = { stride: 2, padding: 1, activation: 'relu' };
 * const output = await convTranspose2d(rand([1, 64, 16, 16]), rand([64, 32, 4, 4]), rand([32]), options);
 * console.log(output.shape); // [ 1, 32, 32, 32 ]
 * ```
 */
export async function convTranspose2d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Promise<Tensor> {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose2d', 2, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose2d`, on the calling thread. */
export function convTranspose2dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Tensor {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose2d', 2, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * 3-D transposed convolution, `torch.nn.functional.conv_transpose3d`.
 *
 * @param input (N, Cin, D, H, W) or (Cin, D, H, W)
 * @param weight (Cin, Cout/groups, kD, kH, kW)
 * @param bias (Cout), or null
 * @returns (N, Cout, Dout, Hout, Wout), each axis as in `convTranspose1d`
 * @throws as `convTranspose1d`
 *
 * @example
 * ```js
 * import { convTranspose3d, init, rand } from 'upconv';
 *
 * await init();
 * const output = await convTranspose3d(rand([8, 4, 6, 6]), rand([8, 4, 2, 2, 2]), null, { stride: 2 }); // unbatched
 * console.log(output.shape); // [ 4, 8, 12, 12 ]
 * ```
 */
export async function convTranspose3d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Promise<Tensor> {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose3d', 3, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose3d`, on the calling thread. */
export function convTranspose3dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvTransposeOptions,
): Tensor {
  const call = beginForward(CONV_TRANSPOSE, 'convTranspose3d', 3, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Spatial output sizes of a transposed convolution of `inputSpatial` by `kernelSize`.
 * @throws {ShapeError} for an output below 1; {ArgumentError} for option values.
 *
 * @example
 * ```js
 * import { convTransposeOutputSize } from 'upconv';
 *
 * console.log(convTransposeOutputSize([16, 20], [3, 4], { stride: 2, padding: 1 })); // [ 31, 40 ]
 * ```
 */
export function convTransposeOutputSize(
  inputSpatial: readonly number[],
  kernelSize: number | readonly number[],
  options: ConvTransposeGeometryOptions = {},
): number[] {
  const operation = 'convTransposeOutputSize';
  checkOptions(operation, options, FORWARD_OPTIONS);
  const axes = checkInputSpatial(operation, inputSpatial);
  const kernel = checkPerAxis(operation, 'kernelSize', kernelSize, axes, 1);
  return checkedOutputSize(operation, axes, inputSpatial, kernel, options, true).output;
}

/**
 * What `algorithm` may name for these shapes.
 * @throws as `convTranspose1d` for shapes and options that do not fit.
 *
 * @example
 * ```js
 * import { convTransposeAlgorithms } from 'upconv';
 *
 * const names = convTransposeAlgorithms([1, 64, 32, 32], [64, 32, 4, 4], { stride: 2, padding: 1 });
 * console.log(names.join(' ')); // direct planes implicit winograd
 * ```
 */
export function convTransposeAlgorithms(
  inputShape: readonly number[],
  weightShape: readonly number[],
  options: ConvTransposeGeometryOptions = {},
): string[] {
  const operation = 'convTransposeAlgorithms';
  checkOptions(operation, options, FORWARD_OPTIONS);
  checkSizes(operation, 'inputShape', inputShape);
  const axes = checkSizes(operation, 'weightShape', weightShape).length - 2;
  if (axes < 1 || axes > 3) throw new ShapeError(operation, 'weightShape', '3 to 5 axes', formatShape(weightShape));
  const { geometry } = convTransposeGeometry(operation, axes as SpatialRank, inputShape, weightShape, options);
  return acceptedAlgorithms(geometry);
}

function checkInputSpatial(operation: string, inputSpatial: readonly number[]): SpatialRank {
  const axes = checkSizes(operation, 'inputSpatial', inputSpatial).length;
  if (axes < 1 || axes > 3 || inputSpatial.includes(0)) {
    throw new ShapeError(operation, 'inputSpatial', '1 to 3 axes, none empty', formatShape(inputSpatial));
  }
  return axes as SpatialRank;
}
