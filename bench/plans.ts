/** Plans of a layer as `upconv/kernels` makes them, without an engine. */

import type { ConvBackwardSpec, ConvSpec, Plan } from '../src/kernels.ts';
import type * as KernelsApi from '../src/kernels.ts';
import { scratchOf } from '../src/kernels/plan.ts';
import type { Layer } from './layers.ts';
import { shapesOf } from './layers.ts';

export const kernelsApi = (await import(new URL('../dist/kernels.js', import.meta.url).href)) as typeof KernelsApi;

/** What plans of one layer may differ in. */
export type PlanChoice = Pick<ConvSpec, 'kernelSet' | 'microkernel' | 'algorithm'>;

export function forwardPlan(layer: Layer, choice: PlanChoice): Plan {
  const spec = specOf(layer, choice);
  return layer.kind === 'conv' ? kernelsApi.planConv(spec) : kernelsApi.planConvTranspose(spec);
}

/** @param outputMask which gradients: of input, weight, bias */
export function backwardPlan(layer: Layer, choice: PlanChoice, outputMask: ConvBackwardSpec['outputMask']): Plan {
  const spec = { ...specOf(layer, choice), outputMask };
  return layer.kind === 'conv' ? kernelsApi.planConvBackward(spec) : kernelsApi.planConvTransposeBackward(spec);
}

/** Bytes of scratch memory on one thread, where the weight is packed ahead. */
export function scratchBytes(plan: Plan): number {
  const { shared, perThread } = scratchOf(plan);
  return shared + perThread;
}

function specOf(layer: Layer, choice: PlanChoice): ConvSpec {
  return {
    dtype: 'float32',
    batch: layer.batch,
    inChannels: layer.cin,
    outChannels: layer.cout,
    groups: layer.groups,
    inputSpatial: layer.input,
    kernel: layer.kernel,
    stride: layer.stride,
    dilation: layer.dilation,
    cropBegin: layer.padding,
    outputSpatial: shapesOf(layer).output.slice(2),
    ...choice,
  };
}
