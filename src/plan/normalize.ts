/**
 * Plans of normalisation by mean and variance, and of its gradients. What differs between batch, instance and layer
 * normalisation is which axes have statistics of their own.
 *
 *   x̂ = (x − mean) ÷ √(variance + eps)        output = x̂ · weight + bias
 */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount } from '../core/shape.ts';
import type { CombineOperand, CombineSpec } from './combine.ts';
import { constant, planCombine } from './combine.ts';
import type { Pointer, Stage, WorkspaceBytes } from './stage.ts';
import { pointer } from './stage.ts';

export interface NormalizeSpec {
  /** float32 or float64. */
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** Of weight, bias and running statistics. */
  readonly channelAxis: number;
  /** Axes each of whose positions has statistics of its own; over the others they are taken. */
  readonly kept: readonly boolean[];
  readonly eps: number;
  readonly weight: boolean;
  /** The operands `runningMean` and `runningVar` in place of the statistics of the input. */
  readonly usesRunning: boolean;
}

/** How an operand lies, and where sums of it are made from: itself, or a copy of other strides. */
export interface NormalizeOperand {
  readonly strides: readonly number[];
  readonly rows: { readonly name: string; readonly strides: readonly number[] };
}

export interface NormalizeForwardSpec extends NormalizeSpec {
  readonly bias: boolean;
  readonly input: NormalizeOperand;
  readonly outputStrides: readonly number[];
  /** Moves the running statistics towards those of the input by this factor; null leaves them alone. */
  readonly updatesBy: number | null;
}

/** A gradient that is wanted. */
export interface GradientTarget {
  readonly strides: readonly number[];
  readonly accumulate: boolean;
}

export interface NormalizeBackwardSpec extends NormalizeSpec {
  readonly gradOutput: NormalizeOperand;
  readonly input: NormalizeOperand;
  readonly gradInput: GradientTarget | null;
  readonly gradWeight: GradientTarget | null;
  readonly gradBias: GradientTarget | null;
}

export interface NormalizePlan {
  readonly stages: readonly Stage[];
  readonly workspaceBytes: WorkspaceBytes;
}

/** Operands input, weight, bias, runningMean, runningVar as far as the spec has them; output. */
export function planNormalize(spec: NormalizeForwardSpec): NormalizePlan {
  const builder = new Builder(spec);
  const input = operand('input', spec.input.strides);
  const { mean, scale } = builder.statistics(rowsOf(spec.input), spec.updatesBy);
  const [weight, bias] = [builder.perChannel('weight', spec.weight, 1), builder.perChannel('bias', spec.bias, 0)];
  const output = operand('output', spec.outputStrides);
  builder.add({ formula: 'normalize', target: output, operands: [input, mean, scale, weight, bias] });
  return builder.plan;
}

/** Operands gradOutput, input, weight, running statistics; gradInput, gradWeight and gradBias as far as they are wanted. */
export function planNormalizeBackward(spec: NormalizeBackwardSpec): NormalizePlan {
  const { gradInput, gradWeight, gradBias, usesRunning, kept, channelAxis } = spec;
  const builder = new Builder(spec);
  const [input, grad] = [operand('input', spec.input.strides), operand('gradOutput', spec.gradOutput.strides)];
  const [inputRows, gradRows] = [rowsOf(spec.input), rowsOf(spec.gradOutput)];
  const { mean, scale } = builder.statistics(inputRows, null);
  const [zero, one] = [builder.constant(0), builder.constant(1)];
  const weight = builder.perChannel('weight', spec.weight, 1);
  const total = (target: CombineOperand, more: Partial<CombineSpec>): void =>
    builder.add({ formula: 'linear', operands: [gradRows, zero], target, ...more });
  const correlation = (target: CombineOperand, by: CombineOperand, more: Partial<CombineSpec>): void =>
    builder.add({ formula: 'correlation', operands: [inputRows, mean, scale, by, gradRows], target, ...more });
  const channels = (name: string, { strides }: GradientTarget): CombineOperand => operand(name, builder.along(strides));

  if (usesRunning || !kept[channelAxis]) {
    if (gradBias !== null) total(channels('gradBias', gradBias), { accumulate: gradBias.accumulate });
    if (gradWeight !== null)
      correlation(channels('gradWeight', gradWeight), one, { accumulate: gradWeight.accumulate });
    if (gradInput === null) return builder.plan;
  }
  if (usesRunning) {
    const slope = builder.scratch();
    builder.addSmall({ formula: 'product', operands: [scale, weight], target: slope });
    builder.add({ formula: 'product', operands: [grad, slope], ...into(gradInput!) });
    return builder.plan;
  }
  // along: mean of gradOutput · weight, and of the same times x̂
  const [level, along] = [builder.scratch(), builder.scratch()];
  if (kept[channelAxis]) {
    const sums = [builder.scratch(), builder.scratch()] as const;
    total(sums[0], {});
    correlation(sums[1], one, {});
    (
      [
        [gradBias, 'gradBias'],
        [gradWeight, 'gradWeight'],
      ] as const
    ).forEach(([wanted, name], index) => {
      if (wanted === null) return;
      const { accumulate } = wanted;
      builder.addSmall({
        formula: 'linear',
        operands: [sums[index], zero],
        target: channels(name, wanted),
        accumulate,
      });
    });
    if (gradInput === null) return builder.plan;
    [level, along].forEach((target, index) => {
      builder.addSmall({ formula: 'product', operands: [sums[index], weight], alpha: 1 / builder.count, target });
    });
  } else {
    builder.add({ formula: 'product', operands: [gradRows, weight], target: level, divisor: builder.count });
    correlation(along, weight, { divisor: builder.count });
  }
  const operands = [input, mean, scale, weight, grad, level, along];
  builder.add({ formula: 'normalizeGradient', operands, ...into(gradInput!) });
  return builder.plan;
}

function operand(name: string, strides: readonly number[]): CombineOperand & { readonly at: Pointer } {
  return { at: pointer(name), strides };
}

function rowsOf({ rows: { name, strides } }: NormalizeOperand): CombineOperand {
  return operand(name, strides);
}

function into({ strides, accumulate }: GradientTarget): Pick<CombineSpec, 'target' | 'accumulate'> {
  return { target: operand('gradInput', strides), accumulate };
}

type Work = Omit<CombineSpec, 'dtype' | 'shape' | 'target'> & { readonly target: CombineOperand };

const ALIGNMENT = 64;

/** Collects stages, and gives statistics a place in scratch memory. */
class Builder {
  /** Elements that one mean is taken of. */
  readonly count: number;
  readonly #spec: NormalizeSpec;
  readonly #stages: Stage[] = [];
  readonly #statisticsShape: Shape;
  #bytes = 0;

  constructor(spec: NormalizeSpec) {
    this.#spec = spec;
    const { shape, kept } = spec;
    this.#statisticsShape = shape.map((length, axis) => (kept[axis] ? length : 1));
    this.count = elementCount(shape.filter((_, axis) => !kept[axis]));
  }

  get plan(): NormalizePlan {
    return { stages: this.#stages, workspaceBytes: { shared: this.#bytes, perThread: 0 } };
  }

  /** A formula over all elements, or sums of them. */
  add(work: Work): void {
    this.#add(work, this.#spec.shape);
  }

  /** A formula over statistics. */
  addSmall(work: Work): void {
    this.#add(work, this.#statisticsShape);
  }

  #add(work: Work, shape: Shape): void {
    const { dtype } = this.#spec;
    this.#stages.push(...planCombine({ ...work, dtype, shape } as CombineSpec));
  }

  constant(value: 0 | 1): CombineOperand {
    return constant(this.#spec.dtype, value, this.#spec.shape.length);
  }

  /** Strides of a vector of channels. */
  along([stride]: readonly number[]): number[] {
    return this.#spec.shape.map((_, axis) => (axis === this.#spec.channelAxis ? stride : 0));
  }

  /** A dense vector of channels, or a constant where it is left out. */
  perChannel(name: string, given: boolean, otherwise: 0 | 1): CombineOperand {
    return given ? operand(name, this.along([1])) : this.constant(otherwise);
  }

  /** A place for one number per statistic. */
  scratch(): CombineOperand {
    const at = pointer('workspace', this.#bytes);
    const bytes = elementCount(this.#statisticsShape) * elementBytes(this.#spec.dtype);
    this.#bytes += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const dense = contiguousStrides(this.#statisticsShape);
    return { at, strides: dense.map((stride, axis) => (this.#spec.kept[axis] ? stride : 0)) };
  }

  /** Mean and 1 ÷ √(variance + eps). */
  statistics(input: CombineOperand, updatesBy: number | null): { mean: CombineOperand; scale: CombineOperand } {
    const { usesRunning, eps } = this.#spec;
    const zero = this.constant(0);
    const scale = this.scratch();
    const mean = usesRunning ? this.perChannel('runningMean', true, 0) : this.scratch();
    const variance = usesRunning ? this.perChannel('runningVar', true, 0) : this.scratch();
    if (!usesRunning) {
      this.add({ formula: 'linear', operands: [input, zero], target: mean, divisor: this.count });
      this.add({ formula: 'deviation', operands: [input, mean], target: variance, divisor: this.count });
    }
    if (updatesBy !== null && this.count > 0) {
      this.#update('runningMean', mean, updatesBy, 1);
      this.#update('runningVar', variance, updatesBy, this.count / (this.count - 1));
    }
    this.addSmall({ formula: 'reciprocalRoot', operands: [variance, zero], alpha: eps, target: scale });
    return { mean, scale };
  }

  /** running · (1 − factor) + (mean over images of `statistic`) · correction · factor */
  #update(name: string, statistic: CombineOperand, factor: number, correction: number): void {
    const { shape, channelAxis } = this.#spec;
    const running = this.perChannel(name, true, 0);
    const each = shape.map((length, axis) => (axis === channelAxis ? length : 1));
    this.#add({ formula: 'linear', operands: [running, this.constant(0)], alpha: 1 - factor, target: running }, each);
    const perChannel = elementCount(this.#statisticsShape) / shape[channelAxis];
    const alpha = (factor * correction) / perChannel;
    const operands = [statistic, this.constant(0)];
    this.addSmall({ formula: 'linear', operands, alpha, target: running, accumulate: true });
  }
}
