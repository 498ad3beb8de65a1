/** Convolutions as PyTorch prints them. */

import type { Activation } from '../core/activation.ts';
import type { CheckedConvModule } from './conv_arguments.ts';
import { pythonTuple } from './python.ts';

type Described = Pick<
  CheckedConvModule,
  'inChannels' | 'outChannels' | 'kernelSize' | 'stride' | 'padding' | 'dilation' | 'outputPadding' | 'groups'
> & { readonly activation: Activation; readonly inputActivation: Activation };

/** What stands between the brackets; what is as it is by default is left out. */
export function describeConv(module: Described, bias: boolean): string {
  const { inChannels, outChannels, kernelSize, stride, padding, dilation, outputPadding, groups } = module;
  const parts = [
    `${inChannels}, ${outChannels}`,
    `kernel_size=${pythonTuple(kernelSize)}`,
    `stride=${pythonTuple(stride)}`,
  ];
  if (typeof padding === 'string') parts.push(`padding=${padding}`);
  else if (padding.some((entry) => entry !== 0)) parts.push(`padding=${pythonTuple(padding)}`);
  if (dilation.some((entry) => entry !== 1)) parts.push(`dilation=${pythonTuple(dilation)}`);
  if (outputPadding.some((entry) => entry !== 0)) parts.push(`output_padding=${pythonTuple(outputPadding)}`);
  if (groups !== 1) parts.push(`groups=${groups}`);
  if (!bias) parts.push('bias=False');
  for (const [name, value] of [
    ['activation', module.activation],
    ['input_activation', module.inputActivation],
  ] as const) {
    if (value !== 'none') parts.push(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  return parts.join(', ');
}
