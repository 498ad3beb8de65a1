/** Convolutions as modules. */

import type { PerAxis } from '../core/validate.ts';
import { CONV } from '../functional/conv_problem.ts';
import type { ConvModuleOptions, ConvType } from './conv_arguments.ts';
import { ConvModule } from './conv_module.ts';

const type = (axes: 1 | 2 | 3): ConvType => ({ kind: CONV, axes });

/** Input (N, inChannels, L) or (inChannels, L); see `conv1d`. */
export class Conv1d extends ConvModule {
  static override readonly typeName: string = 'Conv1d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(type(1), inChannels, outChannels, kernelSize, options as never);
  }
}

/** Input (N, inChannels, H, W) or (inChannels, H, W); see `conv2d`. */
export class Conv2d extends ConvModule {
  static override readonly typeName: string = 'Conv2d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(type(2), inChannels, outChannels, kernelSize, options as never);
  }
}

/** Input (N, inChannels, D, H, W) or (inChannels, D, H, W); see `conv3d`. */
export class Conv3d extends ConvModule {
  static override readonly typeName: string = 'Conv3d';

  /** @throws {TypeError | ArgumentError | DtypeError | EngineError} for arguments. */
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvModuleOptions = {}) {
    super(type(3), inChannels, outChannels, kernelSize, options as never);
  }
}
