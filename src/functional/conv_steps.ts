/** Convolutions and their gradients as steps over checked tensors: specs for the plans of src/kernels, and addresses. */

import type { Activation } from '../core/activation.ts';
import { computeDtype } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import { formatStrides } from '../core/memory_format.ts';
import type { PackedWeightRequest, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Plan } from '../kernels/plan.ts';
import { scratchOf } from '../kernels/plan.ts';
import type { ConvBackwardSpec } from '../kernels/plan_conv.ts';
import type { ConvSpec } from '../kernels/spec.ts';
import { microkernelName } from '../plan/blocking.ts';
import type { Axis } from '../plan/conv_geometry.ts';
import type { Algorithm } from '../plan/forward_algorithms.ts';
import { acceptedAlgorithms, isFree } from '../plan/forward_algorithms.ts';
import { algorithmsOfAnySize, hasChoice, usualAlgorithm } from '../plan/usual_choice.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ConvProblem } from './conv_problem.ts';
import { CONV_TRANSPOSE } from './conv_problem.ts';
import type { Target } from './gradients_call.ts';
import type { KernelOperand, OperandLayout } from './kernel_operands.ts';
import { KernelOperands } from './kernel_operands.ts';
import { PackedWeight } from './packed_weight.ts';

/** output = operation(input, weight) + bias, through the activations that `functions` names. */
export function forwardStep(
  problem: ConvProblem,
  {
    input,
    weight,
    bias,
    output,
  }: { input: Tensor; weight: Tensor | PackedWeight; bias: Tensor | null; output: Tensor },
  functions: { activation?: Activation; inputActivation?: Activation },
  anySizeOnly = false,
): Step {
  const { activation, inputActivation } = functions;
  const { engine } = input;
  const operands = new KernelOperands();
  const source = weightSource(weight);
  const seen = { input: operands.read('input', input), weight: source, output: operands.write('output', output) };
  if (bias !== null) operands.read('bias', bias, 'row-major');
  const { algorithm, best } = anySizeOnly ? choiceOfBands(problem, input) : { ...problem, best: BEST };
  const spec = specOf({ ...problem, algorithm }, engine, seen, { bias: bias !== null, activation, inputActivation });
  // JSON has no infinities: numbers of activations are in the key as text
  const numbers = `${numbersOf(activation)} ${numbersOf(inputActivation)}`;
  return stepOf(
    problem,
    engine,
    operands,
    source,
    (variant) => {
      const full = { ...spec, ...variant };
      const key = `${problem.kind.name} ${JSON.stringify(full)} ${numbers}`;
      return { key, plan: engine.plan(key, () => problem.kind.plan(full)) };
    },
    best,
  );
}

/** One step for each wanted gradient. */
export function backwardSteps(
  problem: ConvProblem,
  { gradOutput, input, weight }: { gradOutput: Tensor; input: Tensor; weight: Tensor | PackedWeight },
  gradInput: Target | null,
  gradWeight: Target | null,
  gradBias: Target | null,
): Step[] {
  const { engine } = gradOutput;
  const steps: Step[] = [];
  const add = (
    index: 0 | 1 | 2,
    { accumulate }: Target,
    source: WeightSource,
    see: (operands: KernelOperands) => Partial<SeenOperands>,
  ) => {
    const operands = new KernelOperands();
    const seen = { output: operands.read('gradOutput', gradOutput), ...see(operands) };
    const outputMask = [index === 0, index === 1, index === 2] as const;
    const spec = specOf(problem, engine, seen, { outputMask, accumulate });
    const step = stepOf(problem, engine, operands, source, (variant) => {
      const full = { ...spec, ...variant };
      const key = `${problem.kind.name}Backward ${JSON.stringify(full)}`;
      return { key, plan: engine.plan(key, () => problem.kind.planBackward(full)) };
    });
    steps.push(step);
  };
  if (gradInput !== null) {
    const source = weightSource(weight);
    add(0, gradInput, source, (operands) => ({ input: writeTo(operands, 'gradInput', gradInput), weight: source }));
  }
  if (gradWeight !== null) {
    add(1, gradWeight, NO_WEIGHT, (operands) => ({
      input: operands.read('input', input),
      weight: writeTo(operands, 'gradWeight', gradWeight),
    }));
  }
  if (gradBias !== null) {
    add(2, gradBias, NO_WEIGHT, (operands) => {
      writeTo(operands, 'gradBias', gradBias, 'row-major');
      return {};
    });
  }
  return steps;
}

function writeTo(operands: KernelOperands, name: string, target: Target, layout?: OperandLayout): KernelOperand {
  const { tensor, accumulate } = target;
  return accumulate ? operands.update(name, tensor, layout) : operands.write(name, tensor, layout);
}

/** The product of a direction, and whether a path of it is open. */
function productOf(
  { kind, algorithm, geometry }: ConvProblem,
  direction: 'forward' | 'gradInput',
  { dtype, engine }: Tensor,
): Parameters<typeof usualAlgorithm>[0] & { readonly open: boolean } {
  const scatters = (kind === CONV_TRANSPOSE) === (direction === 'forward');
  const product = { dtype: computeDtype(dtype), kernelSet: engine.kernelSet, geometry, scatters };
  return { ...product, open: isFree(algorithm) && hasChoice(product) };
}

/** What all bands of a picture take, of whatever size. */
function choiceOfBands(problem: ConvProblem, input: Tensor): { algorithm: Algorithm; best: Variant } {
  const product = productOf(problem, 'forward', input);
  if (!product.open) return { algorithm: problem.algorithm, best: ANY_SIZE };
  // in a product that gathers, bands of whole rows take the path of the whole anyway
  return product.scatters
    ? { algorithm: usualAlgorithm(product), best: ANY_SIZE }
    : { algorithm: 'direct', best: BEST };
}

/** A layout of a packed weight: its size, and the step that fills it. */
export interface Packing {
  readonly packKey: string;
  readonly bytes: number;
  readonly fill: Step;
}

/**
 * What packs `weight` for `direction`, in the layouts of all calls that the shape may come in; of any size, of all paths
 * that calls may take. A layout may be there twice.
 */
export function packings(
  problem: ConvProblem,
  direction: 'forward' | 'gradInput',
  weight: Tensor,
  anySize: boolean,
): Packing[] {
  const { engine, dtype } = weight;
  const operands = new KernelOperands();
  operands.read('weight', weight, 'row-major'); // as a packed weight is taken to be
  const product = productOf(problem, direction, weight);
  const algorithms = anySize && product.open ? algorithmsOfAnySize(product) : [problem.algorithm];
  const specs = algorithms.flatMap((algorithm) => {
    const spec = specOf({ ...problem, algorithm }, engine, { output: { dtype: computeDtype(dtype) } }, {});
    return anySize ? [{ ...spec, anySize }] : [spec, restricted(spec, direction)];
  });
  return specs.map((each) => {
    const { pack, packKey, packedWeightBytes } =
      direction === 'forward'
        ? problem.kind.plan(each)
        : problem.kind.planBackward({ ...each, outputMask: [true, false, false] });
    return { packKey, bytes: packedWeightBytes, fill: operands.step(engine, null, pack, NO_WORKSPACE) };
  });
}

/** A call with all that rules out a path: the one that it takes is open to every call of the shape. */
function restricted(spec: ConvSpec, direction: 'forward' | 'gradInput'): ConvSpec {
  const { batch, inChannels, outChannels, inputSpatial, outputSpatial } = spec;
  const channelsLast = (channels: number, spatial: readonly number[]) =>
    formatStrides('channelsLast', [batch, channels, ...spatial], 1);
  return {
    ...spec,
    inputStrides: channelsLast(inChannels, inputSpatial),
    outputStrides: channelsLast(outChannels, outputSpatial),
    ...(direction === 'forward' ? { activation: 'relu', inputActivation: 'relu' } : {}),
  };
}

/** What kernels see of the operands; the spec takes those that are left out for row-major. */
interface SeenOperands {
  readonly input?: KernelOperand;
  readonly weight?: { readonly strides: readonly number[] | undefined };
  readonly output: Pick<KernelOperand, 'dtype'> & Partial<KernelOperand>;
}

function specOf(
  { kind, geometry, axes, algorithm }: ConvProblem,
  engine: Engine,
  { input, weight, output }: SeenOperands,
  more: Partial<ConvBackwardSpec>,
): ConvSpec {
  const { batch, groups } = geometry;
  const own = geometry.axes.slice(3 - axes);
  const each = (name: keyof Axis) => own.map((axis) => axis[name]);
  // the geometry's "input" is the small side: the output of a convolution
  const [small, large] = [geometry.inChannels * groups, geometry.outChannels * groups];
  const transposed = kind === CONV_TRANSPOSE;
  return {
    dtype: output.dtype,
    batch,
    inChannels: transposed ? small : large,
    outChannels: transposed ? large : small,
    groups,
    inputSpatial: each(transposed ? 'input' : 'output'),
    kernel: each('kernel'),
    stride: each('stride'),
    dilation: each('dilation'),
    cropBegin: each('crop'),
    outputSpatial: each(transposed ? 'output' : 'input'),
    kernelSet: engine.kernelSet,
    microkernel: engine.forcedMr === null ? undefined : microkernelName(engine.forcedMr, engine.kernelSet),
    algorithm,
    inputStrides: input && batchedStrides(input, axes),
    weightStrides: weight?.strides,
    outputStrides: batchedStrides(output, axes),
    ...more,
  };
}

function batchedStrides({ shape, strides }: Partial<KernelOperand>, axes: number): readonly number[] | undefined {
  return shape === undefined || strides === undefined || shape.length === axes + 2 ? strides : [0, ...strides];
}

function numbersOf(activation: Activation | undefined): string {
  return typeof activation === 'object' ? Object.values(activation).join() : '';
}

/** Where the packed weight of a step comes from. */
interface WeightSource {
  /** Of the raw weight as the step that packs it sees it. */
  readonly strides: readonly number[] | undefined;
  /** Packed by the caller. */
  readonly packed: PackedWeight | null;
  /** Asks for the raw weight, packed. */
  readonly request: (plan: Plan) => PackedWeightRequest | undefined;
}

/** Of steps that read no weight. */
const NO_WEIGHT: WeightSource = { strides: undefined, packed: null, request: () => undefined };

function weightSource(weight: Tensor | PackedWeight): WeightSource {
  if (weight instanceof PackedWeight) return { ...NO_WEIGHT, packed: weight };
  const { engine, storage, ptr } = weight;
  const operands = new KernelOperands();
  const { strides } = operands.read('weight', weight);
  return {
    strides,
    packed: null,
    request: ({ pack, packKey, packedWeightBytes }) => ({
      storage,
      key: `${packKey} @${ptr - storage.ptr} ${weight.strides.join()}`,
      bytes: packedWeightBytes,
      fill: operands.step(engine, `pack ${packKey}`, pack, NO_WORKSPACE),
    }),
  };
}

/** What plans of one product may differ in. */
type Variant = Pick<ConvSpec, 'algorithm' | 'anySize'>;

const BEST: Variant = {};
/** With a packed weight of any size. */
const ANY_SIZE: Variant = { anySize: true };

/** The paths that a packed weight may be for where it lacks the layout of the best one, in order of preference. */
function otherVariants({ algorithm, geometry }: ConvProblem): Variant[] {
  const open = isFree(algorithm) ? acceptedAlgorithms(geometry) : [];
  const allowed = open.filter((other) => algorithm === 'auto' || other !== 'winograd');
  return [...allowed.map((other) => ({ algorithm: other })), ANY_SIZE];
}

/** @param planOf the plan and its key */
function stepOf(
  problem: ConvProblem,
  engine: Engine,
  operands: KernelOperands,
  { packed, request }: WeightSource,
  planOf: (variant: Variant) => { readonly key: string; readonly plan: Plan },
  best: Variant = BEST,
): Step {
  const stepFor = ({ key, plan }: ReturnType<typeof planOf>): Step =>
    operands.step(engine, key, plan.stages, scratchOf(plan));
  const first = planOf(best);
  if (first.plan.packedWeightBytes === 0) return stepFor(first);
  if (packed === null) return { ...stepFor(first), packedWeight: request(first.plan) };
  for (const variant of [best, ...otherVariants(problem)]) {
    const found = planOf(variant);
    const copy = packed.copy(found.plan.packKey);
    if (copy === null) continue;
    operands.raw('packedWeight', copy.ptr);
    return stepFor(found);
  }
  throw new ArgumentError(
    packed.packedFor.operation,
    'weight',
    'one packed for this input shape and algorithm (without inputShape it serves every size)',
    String(packed),
  );
}
