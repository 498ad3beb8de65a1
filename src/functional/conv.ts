/** conv1d, 2d, 3d: forward. The adjoint of a transposed convolution, on the same kernels. */

import type { Tensor } from '../tensor/tensor.ts';
import { beginForward } from './conv_call.ts';
import type { ConvOptions } from './conv_options.ts';
import { CONV } from './conv_problem.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';

/**
 * 1-D convolution (cross-correlation), `torch.nn.functional.conv1d`.
 *
 * @param input (N, Cin, L) or (Cin, L)
 * @param weight (Cout, Cin/groups, k)
 * @param bias (Cout), or null
 * @returns (N, Cout, Lout), Lout = ⌊(L + padding begin + end − dilation·(k − 1) − 1) ÷ stride⌋ + 1
 * @throws {ShapeError} ranks, channels, an empty axis, a kernel larger than the padded input
 * @throws {ArgumentError} option values, unknown options
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { conv1d, init, tensor } from 'upconv';
 *
 * await init();
 * const output = await conv1d(tensor([[1, 2, 3, 4]]), tensor([[[1, 0, -1]]]), null, { padding: 'same' });
 * console.log(output.toArray()); // [ [ -2, -2, -2, 3 ] ]
 * ```
 */
export async function conv1d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginForward(CONV, 'conv1d', 1, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv1d`, on the calling thread. */
export function conv1dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginForward(CONV, 'conv1d', 1, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/** 2-D convolution, `torch.nn.functional.conv2d`; weight (Cout, Cin/groups, kH, kW), see `conv1d`. */
export async function conv2d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginForward(CONV, 'conv2d', 2, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv2d`, on the calling thread. */
export function conv2dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginForward(CONV, 'conv2d', 2, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}

/** 3-D convolution, `torch.nn.functional.conv3d`; weight (Cout, Cin/groups, kD, kH, kW), see `conv1d`. */
export async function conv3d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginForward(CONV, 'conv3d', 3, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv3d`, on the calling thread. */
export function conv3dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginForward(CONV, 'conv3d', 3, input, weight, bias, options);
  return call.engine.execute(call, options?.signal);
}
