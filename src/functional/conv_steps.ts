/** Convolutions and their gradients as steps over checked tensors: specs for the plans of src/kernels, and addresses. */

import type { Activation } from '../core/activation.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Step } from '../engine/call.ts';
import type { Plan } from '../kernels/plan.ts';
import type { ConvBackwardSpec } from '../kernels/plan_conv.ts';
import type { ConvSpec } from '../kernels/spec.ts';
import { microkernelName } from '../plan/blocking.ts';
import type { Axis } from '../plan/conv_geometry.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ConvProblem } from './conv_problem.ts';
import { CONV_TRANSPOSE } from './conv_problem.ts';
import { PackedWeight } from './packed_weight.ts';

/** A gradient to compute: its tensor, and whether to add to what is there. */
export interface Target {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

/** output = operation(input, weight) + bias, through the activations that `functions` names. */
export function forwardStep(
  problem: ConvProblem,
  operands: { input: Tensor; weight: Tensor | PackedWeight; bias: Tensor | null; output: Tensor },
  functions: { activation?: Activation; inputActivation?: Activation },
): Step {
  const { input, weight, bias, output } = operands;
  const { activation, inputActivation } = functions;
  const spec = specOf(problem, operands, { bias: bias !== null, activation, inputActivation });
  // JSON has no infinities: numbers of activations are in the key as text
  const numbers = `${numbersOf(activation)} ${numbersOf(inputActivation)}`;
  const pointers = { input: input.ptr, output: output.ptr, ...(bias === null ? {} : { bias: bias.ptr }) };
  const planOf = (anySize: boolean) => {
    const full = anySize ? { ...spec, anySize } : spec;
    return input.engine.plan(`${problem.kind.name} ${JSON.stringify(full)} ${numbers}`, () => problem.kind.plan(full));
  };
  return stepOf(planOf, weight, pointers);
}

/** One step for each wanted gradient. */
export function backwardSteps(
  problem: ConvProblem,
  { gradOutput, input, weight }: { gradOutput: Tensor; input: Tensor; weight: Tensor | PackedWeight },
  gradInput: Target | null,
  gradWeight: Target | null,
  gradBias: Target | null,
): Step[] {
  const steps: Step[] = [];
  const add = (
    index: 0 | 1 | 2,
    target: Target,
    operands: Parameters<typeof specOf>[1],
    pointers: Step['pointers'],
  ) => {
    const outputMask = [index === 0, index === 1, index === 2] as const;
    const spec = specOf(problem, operands, { outputMask, accumulate: target.accumulate });
    const planOf = (anySize: boolean) => {
      const full = anySize ? { ...spec, anySize } : spec;
      const key = `${problem.kind.name}Backward ${JSON.stringify(full)}`;
      return gradOutput.engine.plan(key, () => problem.kind.planBackward(full));
    };
    steps.push(stepOf(planOf, weight, { gradOutput: gradOutput.ptr, ...pointers }));
  };
  if (gradInput !== null) {
    const { tensor } = gradInput;
    add(0, gradInput, { input: tensor, weight, output: gradOutput }, { gradInput: tensor.ptr });
  }
  if (gradWeight !== null) {
    const { tensor } = gradWeight;
    add(1, gradWeight, { input, weight: tensor, output: gradOutput }, { input: input.ptr, gradWeight: tensor.ptr });
  }
  if (gradBias !== null) {
    add(2, gradBias, { output: gradOutput }, { gradBias: gradBias.tensor.ptr });
  }
  return steps;
}

/** The plan whose `pack` fills what `direction` reads, of a row-major weight. */
export function packingPlan(
  problem: ConvProblem,
  direction: 'forward' | 'gradInput',
  { engine, dtype }: Tensor,
  anySize: boolean,
): Plan {
  const spec = { ...specOf(problem, { output: { engine, dtype } }, {}), ...(anySize ? { anySize } : {}) };
  return direction === 'forward'
    ? problem.kind.plan(spec)
    : problem.kind.planBackward({ ...spec, outputMask: [true, false, false] });
}

/** Operands that are left out are taken for row-major, and so is a packed weight. */
function specOf(
  { kind, geometry, axes, depthwise }: ConvProblem,
  operands: { input?: Tensor; weight?: Tensor | PackedWeight; output: Tensor | Pick<Tensor, 'engine' | 'dtype'> },
  more: Partial<ConvBackwardSpec>,
): ConvSpec {
  const { input, weight, output } = operands;
  const { engine, dtype } = output;
  const { batch, groups } = geometry;
  const own = geometry.axes.slice(3 - axes);
  const each = (name: keyof Axis) => own.map((axis) => axis[name]);
  // the geometry's "input" is the small side: the output of a convolution
  const [small, large] = [geometry.inChannels * groups, geometry.outChannels * groups];
  const transposed = kind === CONV_TRANSPOSE;
  return {
    dtype,
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
    microkernel: engine.forcedMr === null ? undefined : microkernelName(engine.forcedMr),
    algorithm: depthwise ? 'depthwise' : 'planes',
    inputStrides: input && batchedStrides(input, axes),
    weightStrides: weight === undefined || weight instanceof PackedWeight ? undefined : weight.strides,
    outputStrides: 'strides' in output ? batchedStrides(output, axes) : undefined,
    ...more,
  };
}

function batchedStrides({ shape, strides }: Tensor, axes: number): readonly number[] {
  return shape.length === axes + 2 ? strides : [0, ...strides];
}

function numbersOf(activation: Activation | undefined): string {
  return typeof activation === 'object' ? Object.values(activation).join() : '';
}

/** @param planOf the plan, the fastest one or that with the layout of any size */
function stepOf(planOf: (anySize: boolean) => Plan, weight: Tensor | PackedWeight, pointers: Step['pointers']): Step {
  const plan = planOf(false);
  const { stages, workspaceBytes, packedWeightBytes } = plan;
  const step = { stages, workspaceBytes: { shared: 0, perThread: workspaceBytes.perThread }, pointers };
  if (packedWeightBytes === 0) return step;
  if (weight instanceof PackedWeight) return packedStep(planOf, weight, pointers);
  return {
    ...step,
    packedWeight: {
      storage: weight.storage,
      weightPtr: weight.ptr,
      key: `${plan.packKey} @${weight.ptr - weight.storage.ptr}`,
      bytes: packedWeightBytes,
      stages: plan.pack,
    },
  };
}

function packedStep(planOf: (anySize: boolean) => Plan, weight: PackedWeight, pointers: Step['pointers']): Step {
  for (const anySize of [false, true]) {
    const { stages, workspaceBytes, packKey } = planOf(anySize);
    const copy = weight.copy(packKey);
    if (copy !== null) {
      return {
        stages,
        workspaceBytes: { shared: 0, perThread: workspaceBytes.perThread },
        pointers: { ...pointers, packedWeight: copy.ptr },
      };
    }
  }
  throw new ArgumentError(
    weight.packedFor.operation,
    'weight',
    'one packed for this input shape and algorithm (without inputShape it serves every size)',
    String(weight),
  );
}
