/** Layer normalisation over channels as a module. */

import type { Procedure } from '../engine/call.ts';
import { LAYER_NORM_2D } from '../functional/layer_norm2d.ts';
import type { NormOptions } from './norm_module.ts';
import { NormModule } from './norm_module.ts';
import { pythonBoolean, pythonNumber, pythonTuple } from './python.ts';

export interface LayerNorm2dModuleOptions extends NormOptions {
  /** Added to variances; default 1e-6. */
  eps?: number;
  /** Whether there are weight and bias; default true. */
  elementwiseAffine?: boolean;
}

/**
 * Normalises the channels of each pixel, as ConvNeXt and SAM do. Input (N, numFeatures, H, W) or (numFeatures, H, W);
 * see `layerNorm2d`. It prints, and its state is named, as that of torchvision.
 */
export class LayerNorm2d extends NormModule {
  static override readonly typeName: string = 'LayerNorm2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments */
  constructor(numFeatures: number, options: LayerNorm2dModuleOptions = {}) {
    const defaults = { eps: 1e-6, affine: true, tracks: false };
    const names = { options: ['elementwiseAffine'], affineOption: 'elementwiseAffine' } as const;
    super({ ...LAYER_NORM_2D, batched: [4], unbatched: 3, ...names, defaults }, numFeatures, options);
  }

  /** There are no running statistics. */
  // eslint-disable-next-line require-yield
  protected override *updateFactor(): Procedure<number> {
    return 0;
  }

  protected override describeOptions(): string {
    const { numFeatures, eps, affine } = this;
    return `${pythonTuple([numFeatures])}, eps=${pythonNumber(eps)}, elementwise_affine=${pythonBoolean(affine)}`;
  }
}
