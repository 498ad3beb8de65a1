/** conv1d, 2d, 3d: forward. The adjoint of a transposed convolution, on the same kernels. */

import { checkActivation } from '../core/activation.ts';
import { checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor } from './arguments.ts';
import type { ConvOptions } from './conv_geometry.ts';
import { convGeometry } from './conv_geometry.ts';
import type { SpatialRank } from './conv_options.ts';
import { checkAlgorithm, checkBiasShape, CONV_FORWARD_OPTIONS } from './conv_options.ts';
import { forwardStep } from './conv_steps.ts';
import { beginInFloat32, hasHalf, OUT } from './half.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';
import { openConvOperands } from './packed_weight.ts';

/** A checked forward call, ready to run. */
export function beginConv(
  operation: string,
  axes: SpatialRank,
  inputArgument: TensorArgument,
  weightArgument: WeightArgument,
  biasArgument?: TensorArgument | null,
  options: ConvOptions = {},
): Call<Tensor> {
  checkOptions(operation, options, CONV_FORWARD_OPTIONS);
  if (hasHalf(inputArgument, weightArgument, biasArgument)) {
    const arguments_ = { input: inputArgument, weight: weightArgument };
    return beginInFloat32(operation, arguments_, biasArgument, options, OUT, ({ input, weight }, bias, inner) =>
      beginConv(operation, axes, input, weight, bias, inner),
    );
  }
  const use = { operation: 'conv', direction: 'forward', axes } as const;
  const operands = openConvOperands(operation, { input: inputArgument }, weightArgument, biasArgument, options, use);
  let abandon = (): void => undefined;
  try {
    const { engine, dtype, weight, bias, inputs } = operands;
    const { input } = operands.tensors;
    const { geometry, outputShape, outChannels } = convGeometry(operation, axes, input.shape, weight.shape, options);
    checkBiasShape(operation, bias, outChannels);
    const depthwise = checkAlgorithm(operation, options.algorithm, geometry);
    checkActivation(operation, 'activation', options.activation);
    checkActivation(operation, 'inputActivation', options.inputActivation);
    const problem = { kind: 'conv', geometry, axes, depthwise } as const;
    const { tensor: output, owned } = resultTensor(operation, 'out', options.out, engine, dtype, outputShape, inputs);
    abandon = () => {
      if (owned) output.dispose();
    };
    return {
      engine,
      operation,
      reads: operands.storages,
      steps: [forwardStep(problem, { input, weight, bias, output }, options)],
      writes: [output.storage],
      finish: () => output,
      abandon,
      release: operands.release,
    };
  } catch (error) {
    abandon();
    operands.release();
    throw error;
  }
}

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
 */
export async function conv1d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginConv('conv1d', 1, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv1d`, on the calling thread. */
export function conv1dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginConv('conv1d', 1, input, weight, bias, options);
  return call.engine.execute(call);
}

/** 2-D convolution, `torch.nn.functional.conv2d`; weight (Cout, Cin/groups, kH, kW), see `conv1d`. */
export async function conv2d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginConv('conv2d', 2, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv2d`, on the calling thread. */
export function conv2dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginConv('conv2d', 2, input, weight, bias, options);
  return call.engine.execute(call);
}

/** 3-D convolution, `torch.nn.functional.conv3d`; weight (Cout, Cin/groups, kD, kH, kW), see `conv1d`. */
export async function conv3d(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Promise<Tensor> {
  const call = beginConv('conv3d', 3, input, weight, bias, options);
  return call.engine.submit(call, options?.signal);
}

/** As `conv3d`, on the calling thread. */
export function conv3dSync(
  input: TensorArgument,
  weight: WeightArgument,
  bias?: TensorArgument | null,
  options?: ConvOptions,
): Tensor {
  const call = beginConv('conv3d', 3, input, weight, bias, options);
  return call.engine.execute(call);
}
