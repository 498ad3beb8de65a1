/** Plans of convolutions and their gradients, from specs that speak geometry. */

import { NO_ACTIVATION } from '../core/activation.ts';
import { ArgumentError } from '../core/errors.ts';
import { checkBoolean, describe } from '../core/validate.ts';
import { planChannelSum } from '../plan/channel_sum.ts';
import { planForwardBy, planGatherBy, planGradWeightBy } from '../plan/forward_algorithms.ts';
import type { ForwardSpec } from '../plan/forward_spec.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Part, Plan } from './plan.ts';
import { withOperands } from '../plan/stage.ts';
import { makePlan } from './plan.ts';
import type { CheckedSpec, ConvSpec } from './spec.ts';
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
 *
 * @example
 * ```js
 * import { bind, createKernels, loadVariant, planConvTranspose, run } from 'upconv/kernels';
 *
 * const memory = new WebAssembly.Memory({ initial: 32 }); // yours; addresses below are places in it
 * const kernels = createKernels(await loadVariant('simd'), memory);
 * const plan = planConvTranspose({
 *   dtype: 'float32', batch: 1, inChannels: 1, outChannels: 1, groups: 1, inputSpatial: [2], kernel: [2], stride: [2],
 *   dilation: [1], cropBegin: [0], outputSpatial: [4], kernelSet: kernels.kernelSet,
 * });
 * const at = { input: 1024, weight: 1032, output: 1040, params: 2048, workspace: 2048 + 64 * Math.ceil(plan.paramsBytes / 64) };
 * new Float32Array(memory.buffer, at.input, 4).set([1, 2, 10, 20]); // input, then weight
 * run(kernels, bind(kernels, plan, at));
 * console.log(new Float32Array(memory.buffer, at.output, 4).join(' ')); // 10 20 20 40
 * ```
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
  const { dtype, input, weight, output, bias, activation, inputActivation } = checked;
  checkDistinct(operation, 'outputStrides', output);
  const functions = { bias, activation, inputActivation, accumulate: false };
  const toOutput = transposed ? scatterOf(checked) : gatherOf(checked);
  return makePlan([partOf(toOutput, checked, functions, { input: 'input', output: 'output' })], {
    dtype,
    outputShape: output.shape,
    operands: {
      input: input.bytes,
      weight: weight.bytes,
      ...(bias ? { bias: output.shape[1] * elementBytes(dtype) } : {}),
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
  const { dtype, input, weight, output } = checked;
  const plain = { bias: false, activation: NO_ACTIVATION, inputActivation: NO_ACTIVATION };
  const parts: Part[] = [];
  if (mask[0]) {
    checkDistinct(operation, 'inputStrides', input);
    const toInput = transposed ? gatherOf(checked) : scatterOf(checked);
    const names = { input: 'gradInput', output: 'gradOutput' };
    parts.push(partOf(toInput, checked, { ...plain, accumulate: accumulate[0] }, names));
  }
  if (mask[1]) {
    checkDistinct(operation, 'weightStrides', weight);
    const names = { input: 'input', output: 'gradOutput', weight: 'gradWeight' };
    parts.push(partOf(gradWeightOf(checked), checked, { ...plain, accumulate: accumulate[1] }, names));
  }
  if (mask[2]) {
    const [batch, channels, ...spatial] = output.shape;
    const lengths = [1, 1, ...spatial].slice(-3) as [number, number, number];
    const stage = planChannelSum(dtype, batch, channels, lengths, sideStrides(output), accumulate[2]);
    parts.push({ stages: withOperands([stage], { source: 'gradOutput', target: 'gradBias' }) });
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

/** The plan of the product from the small side to the large one. */
function scatterOf({ algorithm }: CheckedSpec): (spec: ForwardSpec) => Part {
  return (spec) => planForwardBy(algorithm, spec);
}

/** The plan of the product from the large side to the small one. */
function gatherOf({ algorithm }: CheckedSpec): (spec: ForwardSpec) => Part {
  return (spec) => planGatherBy(algorithm, spec);
}

/** The product of both sides. */
function gradWeightOf({ algorithm }: CheckedSpec): (spec: ForwardSpec) => Part {
  return (spec) => planGradWeightBy(algorithm, spec);
}

/**
 * A product between the two sides, which plans call input (the small one) and output (the large one).
 * @param names of the operands, as the operation calls its input and output
 */
function partOf(
  plan: (spec: ForwardSpec) => Part,
  { transposed, dtype, kernelSet, mr, geometry, anySize, input, weight, output }: CheckedSpec,
  functions: Pick<ForwardSpec, 'bias' | 'activation' | 'inputActivation' | 'accumulate'>,
  names: { readonly input: string; readonly output: string; readonly weight?: string },
): Part {
  const [small, large] = transposed ? [input, output] : [output, input];
  const part = plan({
    dtype,
    kernelSet,
    mr,
    geometry,
    input: sideStrides(small),
    weight: weightStrides(weight),
    output: sideStrides(large),
    anySize,
    ...functions,
  });
  const turned = transposed ? names : { ...names, input: names.output, output: names.input };
  return { ...part, stages: withOperands(part.stages, turned) };
}

function checkTriple(operation: string, argument: string, value: unknown): Triple<boolean> {
  const given: unknown[] = Array.isArray(value) ? value : [value, value, value];
  if (given.length !== 3) throw new ArgumentError(operation, argument, 'three booleans', describe(value));
  return Array.from(given, (entry) => checkBoolean(operation, argument, entry)) as unknown as Triple<boolean>;
}
