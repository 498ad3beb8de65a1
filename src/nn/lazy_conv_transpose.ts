/** Transposed convolutions that learn from their first input, or from a state dict, how many channels it has. */

import { ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import type { Procedure } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { checkTensor } from '../functional/arguments.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';
import type { SpatialRank } from '../functional/conv_options.ts';
import { splitInput } from '../functional/conv_options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ConvTransposeModuleOptions } from './conv_arguments.ts';
import { checkGrouped } from './conv_arguments.ts';
import { ConvModule } from './conv_module.ts';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './conv_transpose.ts';
import type { ForwardOptions, ForwardResult } from './pass_types.ts';

/** With its parameters made it is a module of the class that it stands for, as in PyTorch. */
abstract class LazyConvTranspose extends ConvModule {
  readonly #axes: SpatialRank;
  readonly #becomes: object | null;

  /** @param becomes the class that it stands for; null: a subclass of the user's stays one */
  constructor(
    axes: SpatialRank,
    becomes: { readonly prototype: object } | null,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeModuleOptions,
  ) {
    super({ kind: CONV_TRANSPOSE, axes }, null, outChannels, kernelSize, options);
    this.#axes = axes;
    this.#becomes = becomes?.prototype ?? null;
  }

  override *forwardSteps(
    operation: string,
    input: Tensor,
    options: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    const { shape, engine } = checkTensor(operation, 'input', input);
    const { channels } = splitInput(operation, this.#axes, shape);
    this.checkAlive(operation);
    this.#make(operation, channels, this.home().engine ?? engine);
    return yield* super.forwardSteps(operation, input, options, save);
  }

  override initializeFrom(operation: string, weightShape: Shape): void {
    if (weightShape.length !== this.#axes + 2) {
      throw new ShapeError(operation, 'weight', `${this.#axes + 2} axes`, formatShape(weightShape));
    }
    this.#make(operation, weightShape[0], this.home().engine);
  }

  #make(operation: string, inChannels: number, engine: Engine | undefined): void {
    if (this.uninitialized.length === 0) return;
    checkGrouped(operation, 'inChannels', inChannels, this.groups);
    this.initialize(inChannels, engine);
    if (this.#becomes !== null) Object.setPrototypeOf(this, this.#becomes);
  }
}

/**
 * `ConvTranspose1d` whose `inChannels` are those of the first input, or of the weight that `loadStateDict` finds. Before that
 * its parameters cannot be asked for (ERR_NOT_INITIALIZED): make optimisers after the first forward.
 */
export class LazyConvTranspose1d extends LazyConvTranspose {
  static override readonly typeName: string = 'LazyConvTranspose1d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(1, new.target === LazyConvTranspose1d ? ConvTranspose1d : null, outChannels, kernelSize, options);
  }
}

/** `ConvTranspose2d` with `inChannels` left open, see `LazyConvTranspose1d`. */
export class LazyConvTranspose2d extends LazyConvTranspose {
  static override readonly typeName: string = 'LazyConvTranspose2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(2, new.target === LazyConvTranspose2d ? ConvTranspose2d : null, outChannels, kernelSize, options);
  }
}

/** `ConvTranspose3d` with `inChannels` left open, see `LazyConvTranspose1d`. */
export class LazyConvTranspose3d extends LazyConvTranspose {
  static override readonly typeName: string = 'LazyConvTranspose3d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(3, new.target === LazyConvTranspose3d ? ConvTranspose3d : null, outChannels, kernelSize, options);
  }
}
