/** Convolutions as modules. */

import type { PerAxis } from '../core/validate.ts';
import { beginConv } from '../functional/conv.ts';
import { beginConvBackward } from '../functional/conv_backward.ts';
import type { ConvKind, ConvModuleOptions } from './conv_arguments.ts';
import { ConvModule } from './conv_module.ts';

const kind = (axes: 1 | 2 | 3): ConvKind => ({
  typeName: `Conv${axes}d`,
  transposed: false,
  axes,
  begin: beginConv,
  beginBackward: beginConvBackward,
});

/** Input (N, inChannels, L) or (inChannels, L); see `conv1d`. */
export class Conv1d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(kind(1), inChannels, outChannels, kernelSize, options as never);
  }
}

/** Input (N, inChannels, H, W) or (inChannels, H, W); see `conv2d`. */
export class Conv2d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(kind(2), inChannels, outChannels, kernelSize, options as never);
  }
}

/** Input (N, inChannels, D, H, W) or (inChannels, D, H, W); see `conv3d`. */
export class Conv3d extends ConvModule {
  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(kind(3), inChannels, outChannels, kernelSize, options as never);
  }
}
