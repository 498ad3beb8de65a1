/** Plans of convolutions and their gradients, from specs that speak geometry. */

import { NO_ACTIVATION } from '../core/activation.ts';
import { ArgumentError } from '../core/errors.ts';
import { checkBoolean, describe } from '../core/validate.ts';
import { planChannelSum } from '../plan/channel_sum.ts';
import { planConvForward } from '../plan/conv_forward.ts';
import { planConvTransposeForward } from '../plan/conv_transpose_forward.ts';
import { planDepthwiseForward } from '../plan/depthwise.ts';
import { planGradWeight } from '../plan/grad_weight.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Part, Plan } from './plan.ts';
import { makePlan, withOperands } from './plan.ts';
import type { CheckedSpec, ConvSpec, Operand } from './spec.ts';
import { checkConvSpec, checkDistinct, sideStrides, SPEC_FIELDS, weightStrides } from './spec.ts';

type Triple<T> = readonly [T, T, T];

export interface ConvBackwardSpec extends ConvSpec {
  /** Which of gradInput, gradWeight, gradBias to compute; left out: those that `bind` is given an address for. */
  readonly outputMask?: Triple<boolean> | undefined;
  /** Add to the gradients that are there; one answer for all, or one each. */
  readonly accumulate?: boolean | Triple<boolean> | undefined;
}

const GRADIENTS = ['gradInput', 'gradWeight', 'gradBias'] as const;
const BACKWARD_FIELDS = [...SPEC_FIELDS, 'outputMask', 'accumulate'];

/**
 * Plan of a transposed convolution. `bind` takes `params, workspace, input, weight | packedWeight, bias?, output`.
 * @throws {ShapeError} sizes below 1 or beyond 32 bits
 * @throws {ArgumentError} every other value that is not allowed, unknown fields
 * @throws {DtypeError | TypeError}
 */
export function planConvTranspose(spec: ConvSpec): Plan {
  return planForward('planConvTranspose', true, spec);
}

/** Plan of a convolution; operands and errors as for `planConvTranspose`. */
export function planConv(spec: ConvSpec): Plan {
  return planForward('planConv', false, spec);
}

/**
 * Plan of the gradients of a transposed convolution. `bind` takes `params, workspace, gradOutput, input?,
 * weight? | packedWeight?, gradInput?, gradWeight?, gradBias?`: the input for gradWeight, the weight for gradInput.
 * gradOutput has the strides of the output, each gradient those of what it is the gradient of, gradBias is contiguous.
 * @throws as `planConvTranspose`; {ArgumentError} for an activation other than 'none'
 */
export function planConvTransposeBackward(spec: ConvBackwardSpec): Plan {
  return planBackward('planConvTransposeBackward', true, spec);
}

/** Plan of the gradients of a convolution; operands and errors as for `planConvTransposeBackward`. */
export function planConvBackward(spec: ConvBackwardSpec): Plan {
  return planBackward('planConvBackward', false, spec);
}

function planForward(operation: string, transposed: boolean, spec: ConvSpec): Plan {
  const checked = checkConvSpec(operation, transposed, spec, SPEC_FIELDS);
  checkDistinct(operation, 'outputStrides', checked.output);
  const { dtype, input, weight, output, bias, activation, inputActivation } = checked;
  const functions = { bias, activation, inputActivation, accumulate: false };
  const part = transposed
    ? scatter(checked, input, output, functions)
    : rename(gather(checked, output, input, functions), { input: 'output', output: 'input' });
  const biasBytes = output.shape[1] * elementBytes(dtype);
  return makePlan([part], {
    dtype,
    outputShape: output.shape,
    operands: {
      input: input.bytes,
      weight: weight.bytes,
      ...(bias ? { bias: biasBytes } : {}),
      output: output.bytes,
    },
    optional: [],
  });
}

function planBackward(operation: string, transposed: boolean, spec: ConvBackwardSpec): Plan {
  const checked = checkConvSpec(operation, transposed, spec, BACKWARD_FIELDS);
  for (const name of ['activation', 'inputActivation'] as const) {
    if (checked[name].kind !== 0) throw new ArgumentError(operation, name, "'none'", describe(spec[name]));
  }
  const mask = checkTriple(operation, 'outputMask', spec.outputMask ?? true);
  const accumulate = checkTriple(operation, 'accumulate', spec.accumulate ?? false);
  const { dtype, geometry, kernelSet, mr, input, weight, output } = checked;
  if (mask[0]) checkDistinct(operation, 'inputStrides', input);
  if (mask[1]) checkDistinct(operation, 'weightStrides', weight);
  const plain = { bias: false, activation: NO_ACTIVATION, inputActivation: NO_ACTIVATION };
  const parts: Part[] = [];
  if (mask[0]) {
    const functions = { ...plain, accumulate: accumulate[0] };
    parts.push(
      transposed
        ? rename(gather(checked, input, output, functions), { input: 'gradInput', output: 'gradOutput' })
        : rename(scatter(checked, output, input, functions), { input: 'gradOutput', output: 'gradInput' }),
    );
  }
  if (mask[1]) {
    const [small, large] = transposed ? [input, output] : [output, input];
    const part = planGradWeight({
      dtype,
      kernelSet,
      mr,
      geometry,
      input: sideStrides(small),
      weight: weightStrides(weight),
      output: sideStrides(large),
      accumulate: accumulate[1],
    });
    const [smallName, largeName] = transposed ? ['input', 'gradOutput'] : ['gradOutput', 'input'];
    parts.push(rename(part, { input: smallName, output: largeName, weight: 'gradWeight' }));
  }
  if (mask[2]) {
    const [batch, channels, ...spatial] = output.shape;
    const lengths = [1, 1, ...spatial].slice(-3) as [number, number, number];
    const stage = planChannelSum(dtype, batch, channels, lengths, sideStrides(output), accumulate[2]);
    parts.push(rename({ stages: [stage] }, { source: 'gradOutput', target: 'gradBias' }));
  }
  const gradientBytes = [input.bytes, weight.bytes, output.shape[1] * elementBytes(dtype)];
  const wanted = GRADIENTS.filter((_, index) => mask[index]);
  return makePlan(parts, {
    dtype,
    outputShape: output.shape,
    operands: {
      gradOutput: output.bytes,
      input: input.bytes,
      weight: weight.bytes,
      ...Object.fromEntries(wanted.map((name) => [name, gradientBytes[GRADIENTS.indexOf(name)]])),
    },
    optional: spec.outputMask === undefined ? wanted : [],
  });
}

type Functions = Pick<CheckedSpec, 'bias' | 'activation' | 'inputActivation'> & { readonly accumulate: boolean };

/** From the small side to the large one. */
function scatter(checked: CheckedSpec, small: Operand, large: Operand, functions: Functions): Part {
  const { dtype, kernelSet, mr, geometry, weight, depthwise, anySize } = checked;
  const spec = {
    dtype,
    kernelSet,
    mr,
    geometry,
    input: sideStrides(small),
    weight: weightStrides(weight),
    output: sideStrides(large),
    anySize,
    ...functions,
  };
  return depthwise ? planDepthwiseForward(spec) : planConvTransposeForward(spec);
}

/** From the large side to the small one. */
function gather(checked: CheckedSpec, small: Operand, large: Operand, functions: Functions): Part {
  const { dtype, kernelSet, mr, geometry, weight } = checked;
  return planConvForward({
    dtype,
    kernelSet,
    mr,
    geometry,
    input: sideStrides(small),
    weight: weightStrides(weight),
    output: sideStrides(large),
    ...functions,
  });
}

function rename(part: Part, names: Readonly<Record<string, string>>): Part {
  return { ...part, stages: withOperands(part.stages, names) };
}

function checkTriple(operation: string, argument: string, value: unknown): Triple<boolean> {
  const given: unknown[] = Array.isArray(value) ? value : [value, value, value];
  if (given.length !== 3) throw new ArgumentError(operation, argument, 'three booleans', describe(value));
  return given.map((entry) => checkBoolean(operation, argument, entry)) as unknown as Triple<boolean>;
}
