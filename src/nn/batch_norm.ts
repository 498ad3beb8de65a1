/** Batch normalisation as modules. */

import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import { BATCH_NORM } from '../functional/batch_norm.ts';
import type { SpatialRank } from '../functional/conv_options.ts';
import type { Statistics } from './running_statistics.ts';
import type { TrackingNormOptions } from './tracking_norm.ts';
import { TrackingNorm } from './tracking_norm.ts';

/** `affine` and `trackRunningStats` are true unless given. With momentum null statistics are the average of all batches. */
export type BatchNormModuleOptions = TrackingNormOptions;

abstract class BatchNorm extends TrackingNorm {
  constructor(axes: SpatialRank, numFeatures: number, options: BatchNormModuleOptions) {
    const batched = axes === 1 ? [2, 3] : [axes + 2];
    const defaults = { eps: 1e-5, affine: true, tracks: true };
    super({ ...BATCH_NORM, batched, unbatched: 0, defaults }, true, numFeatures, options);
  }

  protected override *updateFactor(operation: string, statistics: Statistics): Procedure<number> {
    const batches = yield* perform(statistics.count(operation));
    return this.momentum ?? 1 / batches;
  }
}

/** Input (N, numFeatures) or (N, numFeatures, L); see `batchNorm`. */
export class BatchNorm1d extends BatchNorm {
  static override readonly typeName: string = 'BatchNorm1d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: BatchNormModuleOptions = {}) {
    super(1, numFeatures, options);
  }
}

/** Input (N, numFeatures, H, W); see `batchNorm`. */
export class BatchNorm2d extends BatchNorm {
  static override readonly typeName: string = 'BatchNorm2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: BatchNormModuleOptions = {}) {
    super(2, numFeatures, options);
  }
}

/** Input (N, numFeatures, D, H, W); see `batchNorm`. */
export class BatchNorm3d extends BatchNorm {
  static override readonly typeName: string = 'BatchNorm3d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: BatchNormModuleOptions = {}) {
    super(3, numFeatures, options);
  }
}
