/** WebNN's convTranspose2d: its options and layouts around ours. Layouts are strides, nothing is copied to be turned. */

import type { Activation } from '../core/activation.ts';
import { wrongType, checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { beginForward } from '../functional/conv_call.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';
import type { TensorArgument } from '../functional/operands.ts';
import { openOperands } from '../functional/operands.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ConvTranspose2dGeometryOptions } from './webnn_options.ts';
import { checkGeometry, checkLayouts, checkRank, GEOMETRY_OPTIONS } from './webnn_options.ts';

export interface ConvTranspose2dOptions extends ConvTranspose2dGeometryOptions {
  /** (outputChannels). */
  bias?: TensorArgument;
  /** Of the result, as WebNN before 2024 had it. */
  activation?: Activation;
  /** Stands in messages of errors. */
  label?: string;
  /** Default: that of the tensors, or the one that `init()` made. */
  engine?: Engine;
  signal?: AbortSignal;
}

const OPTIONS: readonly string[] = [...GEOMETRY_OPTIONS, 'bias', 'activation', 'label', 'engine', 'signal'];

/**
 * `MLGraphBuilder.convTranspose2d`, computed at once.
 *
 * @param input (N, C, H, W), or (N, H, W, C) with inputLayout 'nhwc'
 * @param filter (C, O / groups, kH, kW), or in the order that `filterLayout` names
 * @returns (N, O, H′, W′) or (N, H′, W′, O), as `inputLayout` says, row-major
 * @throws {ShapeError} ranks, channels, an empty axis, an output below 1
 * @throws {ArgumentError} option values, unknown options
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { init, rand } from 'upconv';
 * import { convTranspose2d } from 'upconv/webnn';
 *
 * await init();
 * const options = { strides: [2, 2], padding: [1, 1, 1, 1], inputLayout: 'nhwc', filterLayout: 'ohwi' };
 * const output = await convTranspose2d(rand([1, 8, 8, 16]), rand([4, 4, 4, 16]), options);
 * console.log(output.shape); // [ 1, 16, 16, 4 ]
 * ```
 */
export async function convTranspose2d(
  input: TensorArgument,
  filter: TensorArgument,
  options?: ConvTranspose2dOptions,
): Promise<Tensor> {
  const call = begin(input, filter, options);
  return call.engine.submit(call, options?.signal);
}

/** As `convTranspose2d`, on the calling thread. */
export function convTranspose2dSync(
  input: TensorArgument,
  filter: TensorArgument,
  options?: ConvTranspose2dOptions,
): Tensor {
  const call = begin(input, filter, options);
  return call.engine.execute(call, options?.signal);
}

function begin(input: TensorArgument, filter: TensorArgument, options: ConvTranspose2dOptions = {}): Call<Tensor> {
  checkOptions('convTranspose2d', options, OPTIONS);
  const { bias, activation, label = '' } = options;
  if (typeof label !== 'string') throw wrongType('convTranspose2d', 'label', 'a string', label);
  const operation = label === '' ? 'convTranspose2d' : `convTranspose2d '${label}'`;
  const order = checkLayouts(operation, options);
  const operands = openOperands(operation, { input, filter }, bias, options.engine);
  const views: Tensor[] = [];
  const release = (): void => {
    for (const view of views.splice(0)) view.dispose();
    operands.release();
  };
  try {
    for (const name of ['input', 'filter'] as const) {
      checkRank(operation, name, operands.tensors[name].shape);
      views.push(operands.tensors[name].permute(order[name]));
    }
    const [x, weight] = views;
    const call = beginForward(CONV_TRANSPOSE, operation, 2, x, weight, operands.bias, {
      ...checkGeometry(operation, x.shape, weight.shape, options),
      activation,
      memoryFormat: options.inputLayout === 'nhwc' ? 'channelsLast' : 'contiguous',
    });
    return {
      ...call,
      finish: () => permuted(call.finish(), order.output),
      release: () => {
        call.release();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

function permuted(tensor: Tensor, order: readonly number[]): Tensor {
  const view = tensor.permute(order);
  tensor.dispose();
  return view;
}
