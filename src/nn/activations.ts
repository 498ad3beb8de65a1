/** Activations as modules. */

import type { Activation, CheckedActivation } from '../core/activation.ts';
import { checkActivation } from '../core/activation.ts';
import { checkNumber } from '../core/validate.ts';
import { beginActivation, beginActivationGradient } from '../functional/activation.ts';
import { savesOutput } from '../functional/activation_steps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';
import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import { pythonNumber } from './python.ts';
import type { Saved } from './saved.ts';
import { SavedTensor } from './saved.ts';

/** An element of the output depends on that of the input alone. */
export abstract class ActivationModule extends Module {
  readonly #activation: CheckedActivation;

  constructor(activation: Activation) {
    super();
    this.#activation = checkActivation(this.typeName, 'activation', activation);
  }

  /** @internal */
  override *forwardSteps(
    operation: string,
    input: Tensor,
    { out }: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    const output = yield* perform(beginActivation(operation, this.#activation, input, out));
    if (!save) return { output, saved: null };
    const saved = savesOutput(this.#activation) ? new SavedTensor('output', output) : new SavedTensor('input', input);
    return { output, saved };
  }

  /** @internal */
  override *backwardSteps(
    operation: string,
    saved: Saved,
    gradOutput: Tensor,
    { gradInput }: Wanted,
  ): Procedure<Tensor | null> {
    if (!gradInput) return null;
    const kept = (saved as SavedTensor).read(operation);
    return yield* perform(beginActivationGradient(operation, this.#activation, gradOutput, kept));
  }
}

/** max(x, 0) */
export class ReLU extends ActivationModule {
  static override readonly typeName: string = 'ReLU';

  constructor() {
    super('relu');
  }
}

/** x where positive, else slope · x. */
export class LeakyReLU extends ActivationModule {
  static override readonly typeName: string = 'LeakyReLU';
  readonly #slope: number;

  /** @throws {TypeError | ArgumentError} when `slope` is not a finite number. */
  constructor(slope = 0.01) {
    super({ leakyRelu: checkNumber('LeakyReLU', 'slope', slope) });
    this.#slope = slope;
  }

  protected override describeOptions(): string {
    return `negative_slope=${pythonNumber(this.#slope)}`;
  }
}

export class Tanh extends ActivationModule {
  static override readonly typeName: string = 'Tanh';

  constructor() {
    super('tanh');
  }
}

/** 1 / (1 + e^(−x)) */
export class Sigmoid extends ActivationModule {
  static override readonly typeName: string = 'Sigmoid';

  constructor() {
    super('sigmoid');
  }
}

/** x · sigmoid(x) */
export class SiLU extends ActivationModule {
  static override readonly typeName: string = 'SiLU';

  constructor() {
    super('silu');
  }
}

/** x · Φ(x), Φ the distribution function of the normal distribution. */
export class GELU extends ActivationModule {
  static override readonly typeName: string = 'GELU';

  constructor() {
    super('gelu');
  }

  protected override describeOptions(): string {
    return "approximate='none'";
  }
}
