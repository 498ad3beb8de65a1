/**
 * The gradients of the gradients of a transposed convolution, from the three products of the first ones.
 *
 * With T the operation, linear in its input x and in its weight w, and ⟨ggI, gradInput⟩ + ⟨ggW, gradWeight⟩ + ⟨ggB, gradBias⟩
 * the number to differentiate:
 *
 *   by gradOutput   T(ggI, w) + T(x, ggW) + ggB
 *   by x            gradInput for the weight ggW
 *   by w            gradWeight for the input ggI
 */

import { computeDtype } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { CombineOperand } from '../plan/combine.ts';
import { constant, planCombine } from '../plan/combine.ts';
import { pointer } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult, storagesOf } from './arguments.ts';
import type { ConvTransposeBackwardOptions, ConvTransposeGeometryOptions, SpatialRank } from './conv_options.ts';
import { checkBackwardOptions, GEOMETRY_OPTIONS } from './conv_options.ts';
import type { ConvProblem } from './conv_problem.ts';
import { checkProblem, CONV, CONV_TRANSPOSE } from './conv_problem.ts';
import { backwardSteps, forwardStep } from './conv_steps.ts';
import type { Target } from './gradients_call.ts';
import { callForGradients, checkMask, gradientOptions } from './gradients_call.ts';
import { KernelOperands } from './kernel_operands.ts';
import { openOperands } from './operands.ts';
import { PackedWeight } from './packed_weight.ts';

export interface ConvTransposeDoubleBackwardOptions
  extends ConvTransposeGeometryOptions, Pick<ConvTransposeBackwardOptions, 'algorithm' | 'engine' | 'signal'> {
  /** Which of gradGradOutput, gradInput, gradWeight to compute; default all. */
  outputMask?: readonly [boolean, boolean, boolean];
  outGradGradOutput?: Tensor;
  outGradInput?: Tensor;
  outGradWeight?: Tensor;
  /** Add to the given gradients instead of overwriting them. */
  accumulate?: boolean;
}

/** Null where the mask leaves one out. */
export interface DoubleGradients {
  gradGradOutput: Tensor | null;
  gradInput: Tensor | null;
  gradWeight: Tensor | null;
}

/** Operands in the order of the arguments. */
export type DoubleBackwardArguments = readonly [
  gradGradInput: unknown,
  gradGradWeight: unknown,
  gradGradBias: unknown,
  gradOutput: unknown,
  input: unknown,
  weight: unknown,
];

const NAMES = ['gradGradInput', 'gradGradWeight', 'gradGradBias', 'gradOutput', 'input', 'weight'] as const;
type Name = (typeof NAMES)[number];
const OPTIONAL = 3;

const OPTIONS = [...GEOMETRY_OPTIONS, 'algorithm', ...gradientOptions('gradGradOutput', 'gradInput', 'gradWeight')];

export function beginDoubleBackward(
  operation: string,
  axes: SpatialRank,
  given: DoubleBackwardArguments,
  options: ConvTransposeDoubleBackwardOptions = {},
): Call<DoubleGradients> {
  checkBackwardOptions(operation, options, OPTIONS);
  const { outputMask = [true, true, true] } = options;
  const mask = checkMask(operation, outputMask, 3);
  const values = NAMES.map((name, index) => [name, checkRaw(operation, name, given[index])] as const);
  // missing ones are zeros; openOperands takes the first for the one that the others have to match
  const present = values.filter(([, value], index) => index >= OPTIONAL || (value !== null && value !== undefined));
  const operands = openOperands<string>(operation, Object.fromEntries(present.toReversed()), null, options.engine);
  const temporaries: Tensor[] = [];
  const release = (): void => {
    for (const temporary of temporaries) temporary.dispose();
    operands.release();
  };
  try {
    const { engine, dtype } = operands;
    const tensors = operands.tensors as Partial<Record<Name, Tensor>> &
      Record<'gradOutput' | 'input' | 'weight', Tensor>;
    const {
      input,
      weight,
      gradOutput,
      gradGradInput: ggInput,
      gradGradWeight: ggWeight,
      gradGradBias: ggBias,
    } = tensors;
    const checked = checkProblem(CONV_TRANSPOSE, operation, axes, input.shape, weight.shape, options);
    const { problem, outputShape, outChannels } = checked;
    const shapes: Partial<Record<Name, readonly number[]>> = {
      gradOutput: outputShape,
      gradGradInput: input.shape,
      gradGradWeight: weight.shape,
      gradGradBias: [outChannels],
    };
    for (const [name, shape] of Object.entries(shapes) as [Name, readonly number[]][]) {
      const tensor = tensors[name];
      if (tensor === undefined || sameShape(tensor.shape, shape)) continue;
      throw new ShapeError(operation, name, formatShape(shape), formatShape(tensor.shape));
    }
    const inputs = Object.values<Tensor>(operands.tensors);
    const results = { engine, inputs, storages: storagesOf(inputs), release };
    const gradients = [
      { name: 'gradGradOutput', dtype, shape: outputShape },
      { name: 'gradInput', dtype, shape: input.shape },
      { name: 'gradWeight', dtype, shape: weight.shape },
    ] as const;
    return callForGradients(operation, results, gradients, mask, options, ([byGradOutput, byInput, byWeight]) => {
      const steps: Step[] = [];
      if (byGradOutput !== null) {
        const products = [ggInput && { input: ggInput, weight }, ggWeight && { input, weight: ggWeight }];
        const several = products.filter((product) => product !== undefined);
        // two roundings to float16 would be one too many
        const rounds = dtype === 'float16' && several.length > 1;
        const sum = rounds
          ? { tensor: allocateResult(operation, engine, computeDtype(dtype), outputShape), accumulate: false }
          : byGradOutput;
        if (rounds) temporaries.push(sum.tensor);
        steps.push(...sumOfProducts(problem, several, ggBias ?? null, sum));
        if (rounds) steps.push(copyStep(engine, sum.tensor, null, byGradOutput));
      }
      if (byInput !== null) {
        if (ggWeight === undefined) steps.push(copyStep(engine, null, null, byInput));
        else steps.push(...backwardSteps(problem, { gradOutput, input, weight: ggWeight }, byInput, null, null));
      }
      if (byWeight !== null) {
        if (ggInput === undefined) steps.push(copyStep(engine, null, null, byWeight));
        else steps.push(...backwardSteps(problem, { gradOutput, input: ggInput, weight }, null, byWeight, null));
      }
      return steps;
    });
  } catch (error) {
    release();
    throw error;
  }
}

/** A packed weight does not do: its gradient, and the forward product, want the raw one. */
function checkRaw(operation: string, name: string, value: unknown): unknown {
  if (!(value instanceof PackedWeight)) return value;
  throw new ArgumentError(operation, name, 'a Tensor', 'a PackedWeight');
}

/** target = Σ T(input, weight) + bias, or added to it. */
function sumOfProducts(
  problem: ConvProblem,
  products: readonly { readonly input: Tensor; readonly weight: Tensor }[],
  bias: Tensor | null,
  target: Target,
): Step[] {
  const { tensor, accumulate } = target;
  const [first, ...rest] = products;
  if (first === undefined || accumulate) {
    const added =
      bias === null && accumulate ? [] : [copyStep(tensor.engine, bias, channelAxisOf(tensor, problem), target)];
    return [...added, ...products.flatMap((product) => addedProduct(problem, product, tensor))];
  }
  return [
    forwardStep(problem, { ...first, bias, output: tensor }, {}),
    ...rest.flatMap((product) => addedProduct(problem, product, tensor)),
  ];
}

/** As gradInput of the convolution whose forward pass is the adjoint, which may be accumulated. */
function addedProduct(problem: ConvProblem, product: { input: Tensor; weight: Tensor }, tensor: Tensor): Step[] {
  const { input, weight } = product;
  const operands = { gradOutput: input, input: tensor, weight };
  return backwardSteps({ ...problem, kind: CONV }, operands, { tensor, accumulate: true }, null, null);
}

function channelAxisOf({ shape }: Tensor, { axes }: ConvProblem): number {
  return shape.length - axes - 1;
}

/**
 * target = source, of its shape or one number per entry of an axis; zeros where there is no source.
 * @param axis of a source with one axis
 */
function copyStep(engine: Engine, source: Tensor | null, axis: number | null, { tensor, accumulate }: Target): Step {
  const seen = new KernelOperands();
  const dtype = computeDtype(tensor.dtype);
  const { shape } = tensor;
  const zero = constant(dtype, 0, shape.length);
  let a: CombineOperand = zero;
  if (source !== null) {
    const { strides } = seen.read('source', source);
    const along = axis === null ? strides : shape.map((_, each) => (each === axis ? strides[0] : 0));
    a = { at: pointer('source'), strides: along };
  }
  const written = accumulate ? seen.update('target', tensor) : seen.write('target', tensor);
  const target = { at: pointer('target'), strides: written.strides };
  const stages = planCombine({ formula: 'linear', dtype, shape, target, operands: [a, zero], accumulate });
  return seen.step(engine, null, stages, NO_WORKSPACE);
}
