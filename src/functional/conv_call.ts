/** One call of a convolution of either kind: forward, and its gradients. */

import { checkActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor } from './arguments.ts';
import type { AnyConvBackwardOptions, AnyConvOptions, Placement, SpatialRank } from './conv_options.ts';
import { checkBackwardOptions, checkBiasShape, resultStrides } from './conv_options.ts';
import type { ConvKind } from './conv_problem.ts';
import { checkProblem } from './conv_problem.ts';
import { backwardSteps, forwardStep } from './conv_steps.ts';
import type { ConvGradients } from './gradients.ts';
import { gradientsCall } from './gradients.ts';
import type { TensorArgument } from './operands.ts';
import type { WeightArgument } from './packed_weight.ts';
import { openConvOperands } from './packed_weight.ts';

/** What modules and adapters ask for, beside what every caller may. */
export interface InsideModule {
  /** Of the output; default: that of the operands. */
  readonly resultDtype?: Dtype;
  /** One layout of the packed weight for inputs of any size, and with it the same bits wherever a border is. */
  readonly anySize?: boolean;
  /** Of a transposed convolution. */
  readonly place?: Placement;
}

/** output = operation(input, weight) + bias: checked and placed, ready to run. */
export function beginForward(
  kind: ConvKind,
  operation: string,
  axes: SpatialRank,
  inputArgument: TensorArgument,
  weightArgument: WeightArgument,
  biasArgument: TensorArgument | null | undefined,
  options: AnyConvOptions = {},
  inside: InsideModule = {},
): Call<Tensor> {
  checkOptions(operation, options, kind.forwardOptions);
  const use = { operation: kind.name, direction: 'forward', axes } as const;
  const operands = openConvOperands(operation, { input: inputArgument }, weightArgument, biasArgument, options, use);
  let abandon = (): void => undefined;
  try {
    const { engine, weight, bias, inputs } = operands;
    const dtype = inside.resultDtype ?? operands.dtype;
    const { input } = operands.tensors;
    const checked = checkProblem(kind, operation, axes, input.shape, weight.shape, options, inside.place);
    const { problem, outputShape, outChannels } = checked;
    checkBiasShape(operation, bias, outChannels);
    checkActivation(operation, 'activation', options.activation);
    checkActivation(operation, 'inputActivation', options.inputActivation);
    const { memoryFormat, out } = options;
    const strides = resultStrides(operation, memoryFormat, 'out', out, outputShape, axes);
    const { tensor: output, owned } = resultTensor(operation, 'out', out, engine, dtype, outputShape, inputs, strides);
    abandon = () => {
      if (owned) output.dispose();
    };
    return {
      engine,
      operation,
      reads: operands.storages,
      steps: [forwardStep(problem, { input, weight, bias, output }, options, inside.anySize)],
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
 * Gradients of `beginForward` without activations: checked and placed, ready to run.
 * @param inside resultDtype: of gradInput in a pass of a module, where float16 and float32 may meet; default: that of all
 */
export function beginBackward(
  kind: ConvKind,
  operation: string,
  axes: SpatialRank,
  gradOutputArgument: TensorArgument,
  inputArgument: TensorArgument,
  weightArgument: WeightArgument,
  options: AnyConvBackwardOptions = {},
  { resultDtype, place }: InsideModule = {},
): Call<ConvGradients> {
  checkBackwardOptions(operation, options, kind.backwardOptions);
  const values = { gradOutput: gradOutputArgument, input: inputArgument };
  const use = { operation: kind.name, direction: 'gradInput', axes } as const;
  const mixed = resultDtype !== undefined;
  const operands = openConvOperands(operation, values, weightArgument, null, options, use, mixed);
  try {
    const { weight } = operands;
    const { gradOutput, input } = operands.tensors;
    const checked = checkProblem(kind, operation, axes, input.shape, weight.shape, options, place);
    const { problem, outputShape, outChannels } = checked;
    if (!sameShape(gradOutput.shape, outputShape)) {
      throw new ShapeError(operation, 'gradOutput', formatShape(outputShape), formatShape(gradOutput.shape));
    }
    const shapes = [input.shape, weight.shape, [outChannels]] as const;
    const results = { ...operands, dtype: resultDtype ?? operands.dtype };
    const { memoryFormat, outGradInput } = options;
    const strides = resultStrides(operation, memoryFormat, 'outGradInput', outGradInput, input.shape, axes);
    return gradientsCall(operation, results, shapes, strides, options, (gradInput, gradWeight, gradBias) =>
      backwardSteps(problem, { gradOutput, input, weight }, gradInput, gradWeight, gradBias),
    );
  } catch (error) {
    operands.release();
    throw error;
  }
}
