/** Calls of batch, instance and layer normalisation, and of their gradients; modules and functions are built on them. */

import { ShapeError } from '../core/errors.ts';
import { keptStrides } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import { elementCount, formatShape, sameShape } from '../core/shape.ts';
import type { Call } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { planNormalize, planNormalizeBackward } from '../plan/normalize.ts';
import type { NormalizeOperand, NormalizeSpec } from '../plan/normalize.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkTensorLike, isTensorLike } from '../tensor/tensor_like.ts';
import { resultTensor, storagesOf } from './arguments.ts';
import type { Target } from './gradients_call.ts';
import { callForGradients } from './gradients_call.ts';
import type { KernelOperand } from './kernel_operands.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { Operands } from './operands.ts';
import { openOperands } from './operands.ts';

/** Mean and variance per channel that training collects. */
export interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** What tells one normalisation from another. */
export interface Normalization {
  readonly operation: string;
  /** Of the input; weight, bias and running statistics have its length. */
  readonly channelAxis: number;
  /** Whether each position along an axis has statistics of its own. */
  readonly keeps: (axis: number, channelAxis: number) => boolean;
  /** Of what a statistic needs more than one, in the words of PyTorch; null: one will do. */
  readonly several: 'value per channel' | 'spatial element' | null;
  readonly eps: number;
  /** Running statistics to use in place of the input's. */
  readonly uses: RunningStatistics | null;
}

/** Running statistics that move towards those of the input by a factor. */
export interface StatisticsUpdate {
  readonly running: RunningStatistics;
  readonly factor: number;
}

/** Gradients that a mask names. */
export interface NormalizationGradients {
  gradInput: Tensor | null;
  gradWeight: Tensor | null;
  gradBias: Tensor | null;
}

export interface GradientPlaces {
  outGradInput?: Tensor;
  outGradWeight?: Tensor;
  outGradBias?: Tensor;
  accumulate?: boolean;
}

/**
 * @param weight tensor, null or undefined; so `bias`
 * @throws {ShapeError} for a weight, bias or running statistic that is not one number per channel, and for less than
 *   two elements to take statistics of
 */
export function beginNormalize(
  kind: Normalization,
  update: StatisticsUpdate | null,
  inputArgument: unknown,
  weightArgument: unknown,
  biasArgument: unknown,
  { engine: asked, out }: { readonly engine?: Engine; readonly out?: Tensor },
): Call<Tensor> {
  const { operation, channelAxis, eps, uses } = kind;
  const running = uses ?? update?.running ?? null;
  const values = { input: inputArgument, ...optional('weight', weightArgument), ...runningOperands(running) };
  const operands = openOperands<string>(operation, values, biasArgument, asked);
  try {
    const { engine, dtype, bias } = operands;
    const { input, weight = null } = operands.tensors as Partial<Record<string, Tensor>> & { input: Tensor };
    const kept = checkShapes(kind, operands);
    const others = Object.values<Tensor>(operands.tensors);
    const inputs = bias === null ? others : [...others, bias];
    const updated = update === null || input.size === 0 ? [] : [running!.mean, running!.variance];
    for (const name of updated.length > 0 ? ['runningMean', 'runningVar'] : []) {
      const written = operands.tensors[name];
      const rest = Object.entries(operands.tensors).filter(([other]) => other !== name);
      const untouched = [bias, ...rest.map(([, tensor]) => tensor)];
      resultTensor(operation, name, written, engine, dtype, written.shape, untouched); // as `out` is checked
    }
    const strides = keptStrides(input.shape, [input]);
    const { tensor: output, owned } = resultTensor(operation, 'out', out, engine, dtype, input.shape, inputs, strides);
    const seen = new KernelOperands();
    const source = read(seen, 'input', input);
    const target = write(seen, 'output', { tensor: output, accumulate: false });
    if (weight !== null) seen.read('weight', weight, 'row-major');
    if (bias !== null) seen.read('bias', bias, 'row-major');
    if (running !== null) {
      const access = updated.length > 0 ? 'update' : 'read';
      seen[access]('runningMean', running.mean, 'row-major');
      seen[access]('runningVar', running.variance, 'row-major');
    }
    const spec = {
      ...commonSpec(source.operand, channelAxis, kept, eps, weight !== null, uses !== null),
      bias: bias !== null,
      input: operandSpec(source),
      outputStrides: target.strides,
      updatesBy: updated.length > 0 ? update!.factor : null,
    };
    const key = `normalize ${JSON.stringify(spec)}`;
    const plan = engine.plan(key, () => planNormalize(spec));
    return {
      engine,
      operation,
      reads: storagesOf(inputs.filter((tensor) => !updated.includes(tensor))),
      writes: storagesOf([output, ...updated]),
      steps: [seen.step(engine, key, plan.stages, plan.workspaceBytes)],
      finish: () => output,
      abandon: () => {
        if (owned) output.dispose();
      },
      release: operands.release,
    };
  } catch (error) {
    operands.release();
    throw error;
  }
}

/** @param mask of gradInput, gradWeight, gradBias */
export function beginNormalizeBackward(
  kind: Normalization,
  gradOutputArgument: unknown,
  inputArgument: unknown,
  weightArgument: unknown,
  mask: readonly boolean[],
  options: GradientPlaces & { readonly engine?: Engine },
): Call<NormalizationGradients> {
  const { operation, channelAxis, eps, uses } = kind;
  const values = {
    gradOutput: gradOutputArgument,
    input: inputArgument,
    ...optional('weight', weightArgument),
    ...runningOperands(uses),
  };
  const operands = openOperands<string>(operation, values, null, options.engine);
  try {
    const { engine, dtype, tensors } = operands;
    const {
      gradOutput,
      input,
      weight = null,
    } = tensors as Record<'gradOutput' | 'input', Tensor> & { weight?: Tensor };
    const kept = checkShapes(kind, operands);
    if (!sameShape(gradOutput.shape, input.shape)) {
      throw new ShapeError(operation, 'gradOutput', formatShape(input.shape), formatShape(gradOutput.shape));
    }
    const channels = [input.shape[channelAxis]];
    const gradients = [
      { name: 'gradInput', dtype, shape: input.shape, strides: keptStrides(input.shape, [input]) },
      { name: 'gradWeight', dtype, shape: channels },
      { name: 'gradBias', dtype, shape: channels },
    ] as const;
    const inputs = Object.values<Tensor>(tensors);
    const results = { engine, inputs, storages: storagesOf(inputs), release: operands.release };
    return callForGradients(operation, results, gradients, mask, options, (targets) => {
      const seen = new KernelOperands();
      const [grad, source] = [read(seen, 'gradOutput', gradOutput), read(seen, 'input', input)];
      if (weight !== null) seen.read('weight', weight, 'row-major');
      if (uses !== null) {
        seen.read('runningMean', uses.mean, 'row-major');
        seen.read('runningVar', uses.variance, 'row-major');
      }
      const [gradInput, gradWeight, gradBias] = targets.map((target, index) =>
        target === null
          ? null
          : { strides: write(seen, gradients[index].name, target).strides, accumulate: target.accumulate },
      );
      const spec = {
        ...commonSpec(source.operand, channelAxis, kept, eps, weight !== null, uses !== null),
        gradOutput: operandSpec(grad),
        input: operandSpec(source),
        gradInput,
        gradWeight,
        gradBias,
      };
      const key = `normalizeBackward ${JSON.stringify(spec)}`;
      const plan = engine.plan(key, () => planNormalizeBackward(spec));
      return [seen.step(engine, key, plan.stages, plan.workspaceBytes)];
    });
  } catch (error) {
    operands.release();
    throw error;
  }
}

function optional(name: string, value: unknown): Record<string, unknown> {
  return value === null || value === undefined ? {} : { [name]: value };
}

function runningOperands(running: RunningStatistics | null): Record<string, unknown> {
  return running === null ? {} : { runningMean: running.mean, runningVar: running.variance };
}

function commonSpec(
  { dtype, shape }: KernelOperand,
  channelAxis: number,
  kept: readonly boolean[],
  eps: number,
  weight: boolean,
  usesRunning: boolean,
): NormalizeSpec {
  return { dtype, shape, channelAxis, kept, eps, weight, usesRunning };
}

/** An operand, and what sums of it are made of. */
interface Read {
  readonly operand: KernelOperand;
  readonly rows: { readonly name: string; readonly strides: readonly number[] };
}

/** Sums walk rows: where elements of a row are not neighbours a copy in rows is faster, and its sums are exacter. */
function read(seen: KernelOperands, name: string, tensor: Tensor): Read {
  const operand = seen.read(name, tensor);
  const { shape, strides } = operand;
  if (strides.at(-1) === 1 || shape.at(-1) === 1) return { operand, rows: { name, strides } };
  const rows = `${name}Rows`;
  return { operand, rows: { name: rows, strides: seen.read(rows, tensor, 'row-major').strides } };
}

function operandSpec({ operand, rows }: Read): NormalizeOperand {
  return { strides: operand.strides, rows };
}

function write(seen: KernelOperands, name: string, { tensor, accumulate }: Target): KernelOperand {
  return accumulate ? seen.update(name, tensor) : seen.write(name, tensor);
}

/** @returns which axes keep statistics */
function checkShapes(
  { operation, channelAxis, keeps, several, uses }: Normalization,
  { tensors, bias }: Operands<string>,
): boolean[] {
  const { shape } = tensors.input;
  const channels = shape[channelAxis];
  for (const [name, tensor] of Object.entries({ ...tensors, bias })) {
    if (tensor === null || name === 'input' || name === 'gradOutput' || sameShape(tensor.shape, [channels])) continue;
    const expected = `[${channels}], one number per channel of the input`;
    throw new ShapeError(operation, name, expected, formatShape(tensor.shape));
  }
  const kept = shape.map((_, axis) => keeps(axis, channelAxis));
  if (uses === null && several !== null && elementCount(shape.filter((_, axis) => !kept[axis])) === 1) {
    throw new ShapeError(operation, 'input', `more than 1 ${several} when training`, formatShape(shape));
  }
  return kept;
}

/**
 * The number of axes of an input, which decides where its channels are; what is no tensor is left to the operation.
 * @throws {ShapeError} for less than `least` or more than `most`
 */
export function checkAxes(operation: string, input: unknown, least: number, most: number = Infinity): number {
  const shape = shapeOf(operation, input);
  if (shape === null || (shape.length >= least && shape.length <= most)) return shape?.length ?? least;
  const expected =
    most === Infinity ? `at least ${least} axes` : least === most ? `${least} axes` : `${least} or ${most} axes`;
  throw new ShapeError(operation, 'input', expected, formatShape(shape));
}

function shapeOf(operation: string, value: unknown): Shape | null {
  if (value instanceof Tensor) return value.shape;
  return isTensorLike(value) ? checkTensorLike(operation, 'input', value).shape : null;
}
