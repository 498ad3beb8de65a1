/** What batch and instance normalisation have in common as modules: momentum, and how PyTorch prints them. */

import { checkFinite } from '../core/validate.ts';
import type { NormKind, NormOptions } from './norm_module.ts';
import { NormModule } from './norm_module.ts';
import { pythonBoolean, pythonNumber } from './python.ts';

export interface TrackingNormOptions extends NormOptions {
  /** How far running statistics move towards those of each batch; default 0.1. */
  momentum?: number | null;
  /** Whether there are weight and bias. */
  affine?: boolean;
  /** Whether running statistics are collected, and used in evaluation. */
  trackRunningStats?: boolean;
}

export type TrackingNormKind = Omit<NormKind, 'options' | 'affineOption'>;

export abstract class TrackingNorm extends NormModule {
  readonly momentum: number | null;

  /** @param averages whether momentum may be null */
  constructor(kind: TrackingNormKind, averages: boolean, numFeatures: number, options: TrackingNormOptions) {
    const names = ['momentum', 'affine', 'trackRunningStats'];
    super({ ...kind, options: names, affineOption: 'affine' }, numFeatures, options);
    const { momentum = 0.1 } = options;
    try {
      this.momentum = averages && momentum === null ? null : checkFinite(this.typeName, 'momentum', momentum);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  protected override describeOptions(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this;
    const factor = momentum === null ? 'None' : pythonNumber(momentum);
    const words = `affine=${pythonBoolean(affine)}, track_running_stats=${pythonBoolean(trackRunningStats)}`;
    return `${numFeatures}, eps=${pythonNumber(eps)}, momentum=${factor}, ${words}`;
  }
}
