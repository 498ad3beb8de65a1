/** Transposed convolutions as modules. */

import type { PerAxis } from '../core/validate.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';
import type { ConvTransposeModuleOptions, ConvType } from './conv_arguments.ts';
import { ConvModule } from './conv_module.ts';

const type = (axes: 1 | 2 | 3): ConvType => ({ kind: CONV_TRANSPOSE, axes });

/** Input (N, inChannels, L) or (inChannels, L); see `convTranspose1d`. */
export class ConvTranspose1d extends ConvModule {
  static override readonly typeName: string = 'ConvTranspose1d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(type(1), inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Input (N, inChannels, H, W) or (inChannels, H, W); see `convTranspose2d`.
 *
 * @example
 * ```js
 * import { ConvTranspose2d, init, rand } from 'upconv';
 *
 * await init();
 * const layer = new ConvTranspose2d(16, 8, 3, { stride: 2, padding: 1 });
 * const output = await layer.forward(rand([1, 16, 10, 10]), { outputSize: [20, 20] });
 * console.log(output.shape); // [ 1, 8, 20, 20 ]
 * const gradInput = await layer.backward(rand(output.shape));
 * console.log(gradInput.shape, layer.weight.grad.shape); // [ 1, 16, 10, 10 ] [ 16, 8, 3, 3 ]
 * ```
 */
export class ConvTranspose2d extends ConvModule {
  static override readonly typeName: string = 'ConvTranspose2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(type(2), inChannels, outChannels, kernelSize, options);
  }
}

/** Input (N, inChannels, D, H, W) or (inChannels, D, H, W); see `convTranspose3d`. */
export class ConvTranspose3d extends ConvModule {
  static override readonly typeName: string = 'ConvTranspose3d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(type(3), inChannels, outChannels, kernelSize, options);
  }
}
