import { describe, expect, test } from 'vitest';
import type { ConvSpec } from '../../src/kernels.ts';
import { planConv, planConvBackward, planConvTranspose, planConvTransposeBackward } from '../../src/kernels.ts';
import layers from '../../bench/layers.json' with { type: 'json' };

// What 'auto' takes, by product: the entries that its plans run.

function specOf(change: Partial<ConvSpec>): ConvSpec {
  const { stride = 1, kernel = 3, cropBegin = 1, inputSpatial = [40, 40] } = change;
  const outputSpatial = inputSpatial.map(
    (n) => (n - 1) * (stride as number) + (kernel as number) - 2 * (cropBegin as number),
  );
  const rest = { dtype: 'float32', batch: 1, dilation: 1, kernelSet: 'relaxed' } as const;
  return { ...rest, inChannels: 32, outChannels: 32, groups: 32, inputSpatial, outputSpatial, stride, kernel, cropBegin, ...change }; // prettier-ignore
}

/** Whether forward, gradInput and gradWeight of a transposed convolution run depthwise kernels, and of its adjoint. */
function depthwiseIn(spec: ConvSpec): string {
  const adjoint = {
    ...spec,
    inChannels: spec.outChannels,
    outChannels: spec.inChannels,
    inputSpatial: spec.outputSpatial,
    outputSpatial: spec.inputSpatial,
  };
  const only = (index: number) => ({
    outputMask: [0, 1, 2].map((each) => each === index) as [boolean, boolean, boolean],
  });
  const entries = (transposed: boolean): string[] => {
    const [at, forward, backward] = transposed
      ? [spec, planConvTranspose, planConvTransposeBackward]
      : [adjoint, planConv, planConvBackward];
    const plans = [forward(at), backward({ ...at, ...only(0) }), backward({ ...at, ...only(1) })];
    return plans.map(({ stages }) => (stages[0].entry.startsWith('depthwise') ? 'd' : '-'));
  };
  const [[scatter, gather, gradWeight], [forward, gradInput, adjointWeight]] = [entries(true), entries(false)];
  expect([gradInput, forward, adjointWeight]).toEqual([scatter, gather, gradWeight]);
  return scatter + gather + gradWeight;
}

describe('depthwise kernels', () => {
  test.each(layers.filter(({ cin, groups }) => cin === groups))('$name: all three products', (layer) => {
    const { dims, batch, cin, cout, groups, input, kernel, stride, dilation, padding, outputPadding } = layer;
    const outputSpatial = input.map(
      (n, i) => (n - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - 2 * padding[i] + outputPadding[i],
    );
    expect(input).toHaveLength(dims);
    const shape = { batch, inChannels: cin, outChannels: cout, groups, inputSpatial: input, outputSpatial };
    expect(depthwiseIn(specOf({ ...shape, kernel, stride, dilation, cropBegin: padding }))).toBe('ddd');
  });

  test.each<[string, Partial<ConvSpec>, string]>([
    ['one channel', {}, 'ddd'],
    ['two channels', { groups: 16 }, '-dd'],
    ['two channels, kernel = stride', { groups: 16, kernel: 2, stride: 2, cropBegin: 0 }, '---'],
    ['three channels, stride 1', { groups: 16, inChannels: 48, outChannels: 48 }, '-d-'],
    ['four channels, stride 1', { groups: 8, outChannels: 16 }, '-d-'],
    ['four channels, stride 2', { groups: 8, outChannels: 16, stride: 2, kernel: 4 }, '---'],
    ['four to four', { groups: 8 }, '---'],
    ['one to many', { groups: 2, inChannels: 2, outChannels: 256 }, 'd-d'],
    ['many lanes of weights are empty', { stride: 8, kernel: 2, cropBegin: 0 }, 'd--'],
    ['large strides', { stride: 300, kernel: 600, cropBegin: 0, inputSpatial: [40] }, '---'],
    ['positions that fill few vectors', { inputSpatial: [3, 5] }, '---'],
    ['… for two channels', { groups: 16, inputSpatial: [5, 5] }, '---'],
    ['… when sizes are not known', { inputSpatial: [3, 5], anySize: true }, 'ddd'],
    ['float64', { dtype: 'float64' }, 'd--'],
    ["'direct'", { algorithm: 'direct' }, 'ddd'],
    ["'planes'", { algorithm: 'planes' }, '---'],
    ["'depthwise'", { algorithm: 'depthwise', groups: 8, inputSpatial: [1, 1], cropBegin: 0 }, 'ddd'],
  ])('%s', (_, change, expected) => {
    expect(depthwiseIn(specOf(change))).toBe(expected);
  });
});
