/** PReLU: a leaky ReLU with learnt slopes. */

import type { Dtype } from '../core/dtype.ts';
import { checkInteger, checkNumber, checkOptions } from '../core/validate.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import { beginPrelu, beginPreluGradient } from '../functional/activation.ts';
import { full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gradientOf } from './gradients.ts';
import type { Frozen } from './frozen.ts';
import { Module } from './module.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';
import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import type { Saved } from './saved.ts';
import { SavedTensor } from './saved.ts';

export interface PReLUOptions {
  /** Slope to start from; default 0.25. */
  init?: number;
  dtype?: Dtype;
  engine?: Engine;
}

class SavedPrelu implements Saved {
  readonly input: SavedTensor;
  readonly weight: SavedTensor;

  constructor(input: Tensor, weight: Tensor) {
    this.input = new SavedTensor('input', input);
    this.weight = new SavedTensor('weight', weight);
  }

  get storages(): readonly Storage[] {
    return [...this.input.storages, ...this.weight.storages];
  }

  dispose(): void {
    this.input.dispose();
    this.weight.dispose();
  }
}

export class PReLU extends Module {
  static override readonly typeName: string = 'PReLU';

  /** (numParameters) */
  readonly weight: Tensor;
  /** The weight; it outlives `freeze`. */
  readonly #slopes: Tensor;

  /**
   * @param numParameters slopes: 1, or one per channel (axis 1)
   * @throws {TypeError | ArgumentError} when it is not an integer of at least 1.
   */
  constructor(numParameters = 1, options: PReLUOptions = {}) {
    super();
    checkOptions('PReLU', options, ['init', 'dtype', 'engine']);
    const { init = 0.25, dtype } = options;
    checkInteger('PReLU', 'numParameters', numParameters, 1);
    const engine = engineOrDefault('PReLU', options.engine);
    this.weight = full([numParameters], checkNumber('PReLU', 'init', init), { dtype, engine });
    this.#slopes = this.weight;
  }

  protected override describeOptions(): string {
    return `num_parameters=${this.#slopes.size}`;
  }

  protected override packOwn(): Frozen {
    const commit = (): void => {
      this.freezeFields(['weight'], [this.#slopes]);
      this.#slopes.grad?.dispose();
    };
    return { commit, abandon: () => undefined };
  }

  /** @internal */
  override *forwardSteps(
    operation: string,
    input: Tensor,
    { out }: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    if (save) this.checkThawed('forward');
    const output = yield* perform(beginPrelu(operation, input, this.#slopes, out));
    return { output, saved: save ? new SavedPrelu(input, this.#slopes) : null };
  }

  /** @internal */
  override *backwardSteps(
    operation: string,
    saved: Saved,
    gradOutput: Tensor,
    { gradInput, gradParameters }: Wanted,
  ): Procedure<Tensor | null> {
    const { input, weight } = saved as SavedPrelu;
    const gradWeight = gradParameters ? gradientOf(this.weight) : null;
    return yield* perform(
      beginPreluGradient(operation, gradOutput, input.read(operation), weight.read(operation), {
        gradInput,
        gradWeight,
      }),
    );
  }
}
