/** Transposed convolutions as modules. */

import type { PerAxis } from '../core/validate.ts';
import { beginConvTranspose } from '../functional/conv_transpose.ts';
import { beginConvTransposeBackward } from '../functional/conv_transpose_backward.ts';
import type { ConvKind, ConvTransposeModuleOptions } from './conv_arguments.ts';
import { ConvModule } from './conv_module.ts';

const kind = (axes: 1 | 2 | 3): ConvKind => ({
  typeName: `ConvTranspose${axes}d`,
  transposed: true,
  axes,
  begin: beginConvTranspose,
  beginBackward: beginConvTransposeBackward,
});

/** Input (N, inChannels, L) or (inChannels, L); see `convTranspose1d`. */
export class ConvTranspose1d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(kind(1), inChannels, outChannels, kernelSize, options);
  }
}

/** Input (N, inChannels, H, W) or (inChannels, H, W); see `convTranspose2d`. */
export class ConvTranspose2d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(kind(2), inChannels, outChannels, kernelSize, options);
  }
}

/** Input (N, inChannels, D, H, W) or (inChannels, D, H, W); see `convTranspose3d`. */
export class ConvTranspose3d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments; `outputPadding` is checked at the call. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeModuleOptions = {}) {
    super(kind(3), inChannels, outChannels, kernelSize, options);
  }
}
