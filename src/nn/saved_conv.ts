/** What a training forward of a convolution keeps. */

import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Saved } from './saved.ts';
import { SavedTensor } from './saved.ts';

export class SavedConv implements Saved {
  readonly input: SavedTensor;
  readonly weight: SavedTensor;
  /** Output of the activation, or its input where the gradient needs that; null without activation. */
  readonly activated: SavedTensor | null;
  readonly outputSize: readonly number[] | undefined;

  constructor(input: Tensor, weight: Tensor, activated: Tensor | null, outputSize: readonly number[] | undefined) {
    this.input = new SavedTensor('input', input);
    this.weight = new SavedTensor('weight', weight);
    this.activated = activated === null ? null : new SavedTensor('output', activated);
    this.outputSize = outputSize;
  }

  get storages(): readonly Storage[] {
    return [this.input, this.weight, ...(this.activated === null ? [] : [this.activated])].flatMap(
      ({ storages }) => storages,
    );
  }

  dispose(): void {
    this.input.dispose();
    this.weight.dispose();
    this.activated?.dispose();
  }
}
