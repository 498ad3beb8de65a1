/** Instance normalisation as modules. */

import type { Procedure } from '../engine/call.ts';
import type { SpatialRank } from '../functional/conv_options.ts';
import { INSTANCE_NORM } from '../functional/instance_norm.ts';
import type { TrackingNormOptions } from './tracking_norm.ts';
import { TrackingNorm } from './tracking_norm.ts';

/** `affine` and `trackRunningStats` are false unless given. */
export interface InstanceNormModuleOptions extends TrackingNormOptions {
  momentum?: number;
}

abstract class InstanceNorm extends TrackingNorm {
  constructor(axes: SpatialRank, numFeatures: number, options: InstanceNormModuleOptions) {
    const defaults = { eps: 1e-5, affine: false, tracks: false };
    super({ ...INSTANCE_NORM, batched: [axes + 2], unbatched: axes + 1, defaults }, false, numFeatures, options);
  }

  /** Batches are not counted: as in PyTorch, num_batches_tracked stays 0. */
  // eslint-disable-next-line require-yield
  protected override *updateFactor(): Procedure<number> {
    return this.momentum!;
  }
}

/** Input (N, numFeatures, L) or (numFeatures, L); see `instanceNorm`. */
export class InstanceNorm1d extends InstanceNorm {
  static override readonly typeName: string = 'InstanceNorm1d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: InstanceNormModuleOptions = {}) {
    super(1, numFeatures, options);
  }
}

/** Input (N, numFeatures, H, W) or (numFeatures, H, W); see `instanceNorm`. */
export class InstanceNorm2d extends InstanceNorm {
  static override readonly typeName: string = 'InstanceNorm2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: InstanceNormModuleOptions = {}) {
    super(2, numFeatures, options);
  }
}

/** Input (N, numFeatures, D, H, W) or (numFeatures, D, H, W); see `instanceNorm`. */
export class InstanceNorm3d extends InstanceNorm {
  static override readonly typeName: string = 'InstanceNorm3d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: InstanceNormModuleOptions = {}) {
    super(3, numFeatures, options);
  }
}
