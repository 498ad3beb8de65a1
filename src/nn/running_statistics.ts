/** Mean and variance per channel that a normalisation collects in training. */

import type { Dtype } from '../core/dtype.ts';
import type { Call } from '../engine/call.ts';
import { immediate } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { RunningStatistics } from '../functional/normalization.ts';
import { full, zeros } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';

export class Statistics implements RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** One float64: integers up to 2⁵³ are exact. */
  readonly batches: Tensor;

  constructor(channels: number, dtype: Dtype, engine: Engine) {
    const made: Tensor[] = [];
    const make = (tensor: Tensor): Tensor => {
      made.push(tensor);
      return tensor;
    };
    try {
      this.mean = make(zeros([channels], { dtype, engine }));
      this.variance = make(full([channels], 1, { dtype, engine }));
      this.batches = make(zeros([], { dtype: 'float64', engine }));
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
  }

  /** By their names in state dicts. */
  get named(): [string, Tensor][] {
    return [
      ['running_mean', this.mean],
      ['running_var', this.variance],
      ['num_batches_tracked', this.batches],
    ];
  }

  /** Counts a batch in its turn, and gives the number of batches so far. */
  count(operation: string): Call<number> {
    const { engine, ptr, storage } = this.batches;
    const finish = (): number => {
      const view = new Float64Array(engine.buffer, ptr, 1);
      return ++view[0];
    };
    return { ...immediate(operation, engine, finish), writes: [storage] };
  }

  /** As they were at first: 0, 1, no batches. */
  reset(operation: string): void {
    for (const [, tensor] of this.named) tensor.storage.checkWritable(operation); // all or none
    this.mean.copyFrom(new Float64Array(this.mean.size));
    this.variance.copyFrom(new Float64Array(this.variance.size).fill(1));
    this.batches.copyFrom([0]);
  }
}
