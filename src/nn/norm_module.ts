/** What normalisations have in common as modules: weight and bias per channel, running statistics, the two passes. */

import type { Dtype } from '../core/dtype.ts';
import { checkDtype } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import { checkBoolean, checkFinite, checkInteger, checkOptions } from '../core/validate.ts';
import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import { checkTensor } from '../functional/arguments.ts';
import type { Normalization, RunningStatistics, StatisticsUpdate } from '../functional/normalization.ts';
import { beginNormalize, beginNormalizeBackward } from '../functional/normalization.ts';
import { full, zeros } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Frozen } from './frozen.ts';
import { gradientOf } from './gradients.ts';
import { Module } from './module.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';
import { Statistics } from './running_statistics.ts';
import type { Saved } from './saved.ts';
import { SavedTensor } from './saved.ts';

export interface NormOptions {
  /** Added to variances. */
  eps?: number;
  dtype?: Dtype;
  /** Default: the engine that `init()` made. */
  engine?: Engine;
}

/** What a subclass says of itself. */
export interface NormKind extends Pick<Normalization, 'keeps' | 'several'> {
  /** Numbers of axes of a batched input, and of an unbatched one (0: there is none). */
  readonly batched: readonly number[];
  readonly unbatched: number;
  /** Options beyond those of all. */
  readonly options: readonly string[];
  /** Which of them says whether there are weight and bias. */
  readonly affineOption: 'affine' | 'elementwiseAffine';
  readonly defaults: { readonly eps: number; readonly affine: boolean; readonly tracks: boolean };
}

/** Of every kind. */
type AnyNormOptions = NormOptions & {
  readonly affine?: boolean;
  readonly elementwiseAffine?: boolean;
  readonly trackRunningStats?: boolean;
};

class SavedNorm implements Saved {
  readonly input: SavedTensor;
  readonly weight: SavedTensor | null;
  /** Running statistics, where the pass used them. */
  readonly mean: SavedTensor | null;
  readonly variance: SavedTensor | null;

  constructor(input: Tensor, weight: Tensor | null, used: RunningStatistics | null) {
    this.input = new SavedTensor('input', input);
    this.weight = weight === null ? null : new SavedTensor('weight', weight);
    this.mean = used === null ? null : new SavedTensor('running_mean', used.mean);
    this.variance = used === null ? null : new SavedTensor('running_var', used.variance);
  }

  get #all(): SavedTensor[] {
    return [this.input, this.weight, this.mean, this.variance].filter((saved) => saved !== null);
  }

  get storages(): readonly Storage[] {
    return this.#all.flatMap(({ storages }) => storages);
  }

  dispose(): void {
    for (const saved of this.#all) saved.dispose();
  }
}

export abstract class NormModule extends Module {
  /** Channels. */
  readonly numFeatures: number;
  readonly eps: number;
  /** Whether there are weight and bias. */
  readonly affine: boolean;
  /** Whether training collects running statistics, which evaluation uses. */
  readonly trackRunningStats: boolean;
  /** (numFeatures), or null. */
  readonly weight: Tensor | null;
  /** (numFeatures), or null. */
  readonly bias: Tensor | null;
  readonly #kind: NormKind;
  /** Weight and bias; they outlive `freeze`. */
  readonly #parameters: { readonly weight: Tensor | null; readonly bias: Tensor | null };
  readonly #statistics: Statistics | null;

  constructor(kind: NormKind, numFeatures: number, options: NormOptions) {
    super();
    const { typeName } = this;
    checkOptions(typeName, options, ['eps', 'dtype', 'engine', ...kind.options]);
    const { affineOption, defaults } = kind;
    const given: AnyNormOptions = options;
    const { dtype = 'float32' } = given;
    this.#kind = kind;
    this.numFeatures = checkInteger(typeName, 'numFeatures', numFeatures, 1);
    this.eps = checkFinite(typeName, 'eps', given.eps ?? defaults.eps, 0);
    this.affine = checkBoolean(typeName, affineOption, given[affineOption] ?? defaults.affine);
    this.trackRunningStats = checkBoolean(typeName, 'trackRunningStats', given.trackRunningStats ?? defaults.tracks);
    checkDtype(typeName, dtype);
    const engine = engineOrDefault(typeName, given.engine);
    const { affine } = this;
    const made: Tensor[] = [];
    const make = (tensor: Tensor): Tensor => {
      made.push(tensor);
      return tensor;
    };
    try {
      this.weight = affine ? make(full([numFeatures], 1, { dtype, engine })) : null;
      this.bias = affine ? make(zeros([numFeatures], { dtype, engine })) : null;
      this.#statistics = this.trackRunningStats ? new Statistics(numFeatures, dtype, engine) : null;
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
    this.#parameters = { weight: this.weight, bias: this.bias };
  }

  /** (numFeatures): moved towards the means of each batch in training, used in evaluation; null when not tracked. */
  get runningMean(): Tensor | null {
    return this.#statistics?.mean ?? null;
  }

  /** (numFeatures): as `runningMean`, of unbiased variances. */
  get runningVar(): Tensor | null {
    return this.#statistics?.variance ?? null;
  }

  /** A float64 number without axes: batches that the running statistics have seen. */
  get numBatchesTracked(): Tensor | null {
    return this.#statistics?.batches ?? null;
  }

  /** @internal */
  override ownBuffers(): [string, Tensor][] {
    return this.#statistics?.named ?? [];
  }

  /** Weights of 1, biases of 0, and running statistics as at first. */
  resetParameters(): void {
    this.checkAlive(`${this.typeName}.resetParameters`);
    this.checkThawed('resetParameters');
    for (const parameter of this.parameters()) parameter.storage.checkWritable('resetParameters'); // all or none
    this.resetRunningStats();
    const length = this.numFeatures;
    this.weight?.copyFrom(new Float64Array(length).fill(1));
    this.bias?.copyFrom(new Float64Array(length));
  }

  resetRunningStats(): void {
    const operation = `${this.typeName}.resetRunningStats`;
    this.checkAlive(operation);
    this.#statistics?.reset(operation);
  }

  /** How far running statistics move towards those of a batch; counting batches is up to this. */
  protected abstract updateFactor(operation: string, statistics: Statistics): Procedure<number>;

  /** @internal */
  override *forwardSteps(
    operation: string,
    input: Tensor,
    { out }: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    const { shape, dtype } = checkTensor(operation, 'input', input);
    const channelAxis = this.#channelAxis(operation, shape);
    if (save) this.checkThawed('forward');
    const statistics = this.#statistics;
    const expected = statistics?.mean.dtype ?? dtype;
    if (dtype !== expected) throw new DtypeError(operation, 'input', expected, dtype); // before a batch is counted
    const used = this.training ? null : statistics;
    // what `prepare` computes is no batch
    const learns = this.training && statistics !== null && (save || this.preparing === 0);
    let update: StatisticsUpdate | null = null;
    if (learns) update = { running: statistics, factor: yield* this.updateFactor(operation, statistics) };
    const { weight, bias } = this.#parameters;
    const kind = this.#normalization(operation, channelAxis, used);
    const output = yield* perform(beginNormalize(kind, update, input, weight, bias, { out }));
    return { output, saved: save ? new SavedNorm(input, weight, used) : null };
  }

  /** @internal */
  override *backwardSteps(
    operation: string,
    saved: Saved,
    gradOutput: Tensor,
    { gradInput, gradParameters }: Wanted,
  ): Procedure<Tensor | null> {
    const { input, weight, mean, variance } = saved as SavedNorm;
    const learns = gradParameters && this.affine;
    if (!gradInput && !learns) return null;
    const x = input.read(operation);
    const used =
      mean === null || variance === null ? null : { mean: mean.read(operation), variance: variance.read(operation) };
    const kind = this.#normalization(operation, this.#channelAxis(operation, x.shape), used);
    const places = learns ? { outGradWeight: gradientOf(this.weight!), outGradBias: gradientOf(this.bias!) } : {};
    const w = weight?.read(operation) ?? null;
    const mask = [gradInput, learns, learns];
    const call = beginNormalizeBackward(kind, gradOutput, x, w, mask, { ...places, accumulate: true });
    return (yield* perform(call)).gradInput;
  }

  protected override packOwn(): Frozen | null {
    const { weight, bias } = this.#parameters;
    if (weight === null || bias === null) return null;
    const commit = (): void => {
      this.freezeFields(['weight', 'bias'], [weight, bias]);
      weight.grad?.dispose();
      bias.grad?.dispose();
    };
    return { commit, abandon: () => undefined };
  }

  #normalization(operation: string, channelAxis: number, uses: RunningStatistics | null): Normalization {
    const { keeps, several } = this.#kind;
    return { operation, channelAxis, keeps, several, eps: this.eps, uses };
  }

  /** @throws {ShapeError} for a rank that the module does not take, or other channels where they count */
  #channelAxis(operation: string, shape: Shape): number {
    const { batched, unbatched } = this.#kind;
    const rank = shape.length;
    if (rank !== unbatched && !batched.includes(rank)) {
      const ranks = [...(unbatched === 0 ? [] : [unbatched]), ...batched];
      throw new ShapeError(operation, 'input', `${ranks.join(' or ')} axes`, formatShape(shape));
    }
    const axis = rank === unbatched ? 0 : 1;
    const counts = this.affine || this.#statistics !== null;
    if (counts && shape[axis] !== this.numFeatures) {
      throw new ShapeError(operation, 'input', `${this.numFeatures} channels in axis ${axis}`, formatShape(shape));
    }
    return axis;
  }
}
