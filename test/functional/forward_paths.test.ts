/** Which path 'auto' takes, and that it depends on nothing but geometry, dtype and kernel set. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import layers from '../../bench/layers.json' with { type: 'json' };
import type { ConvSpec } from '../../src/kernels.ts';
import { planConvTranspose } from '../../src/kernels.ts';
import type { Engine } from '../../src/index.ts';
import { createEngine } from '../../src/index.ts';
import type { Layer } from '../support/same_bits.ts';
import { takesWinograd } from '../support/winograd.ts';
import { computeLayer, expectSameBits } from '../support/same_bits.ts';
import { MICROKERNELS } from '../support/microkernels.ts';

const layerOf = (name: string): Layer => layers.find((each) => each.name === name) as Layer;

/** Entry of the stage that computes a layer. */
function entryOf(layer: Layer, more: Partial<ConvSpec> = {}): string {
  const { batch, cin, cout, groups, input, kernel, stride, dilation, padding, outputPadding } = layer;
  const outputSpatial = input.map(
    (n, i) => (n - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + outputPadding[i] + 1,
  );
  const { stages } = planConvTranspose({
    dtype: 'float32',
    batch,
    inChannels: cin,
    outChannels: cout,
    groups,
    inputSpatial: input,
    kernel,
    stride,
    dilation,
    cropBegin: padding,
    outputSpatial,
    kernelSet: 'relaxed',
    ...more,
  });
  return stages[stages.length - 1].entry;
}

// measured: the path that is faster by a tenth or more
test.each([
  ['db-server-2', 'implicitForward'],
  ['ppocrv6-tiny-2', 'implicitForward'],
  ['mediapipe-selfie', 'implicitForward'],
  ['fsrcnn-x2', 'implicitForward'],
  ['htdemucs-tdec-last', 'implicitForward'],
  ['dcgan-4', 'winogradForward'],
  ['dcgan-4', 'convTransposeForward', 'direct'],
  ['vqvae2-upsample_t', 'winogradForward'],
  ['hifigan-up2', 'winogradForward'],
  ['unet3d-k4s2', 'winogradForward'],
  ['dcgan-1', 'matmul'],
  ['unet-up1', 'convTransposeForward'],
  ['3dgan-2', 'convTransposeForward'],
  ['dla-idaup-f8', 'depthwise'],
] as [string, string, ConvSpec['algorithm']?][])("'auto' takes for %s: %s %s", (name, entry, algorithm) => {
  const layer = layerOf(name);
  expect(entryOf(layer, { algorithm })).toBe(entry);
  expect(entryOf(layer, { algorithm: 'direct' }) === entry).toBe(entry !== 'winogradForward');
  for (const microkernel of MICROKERNELS) expect(entryOf(layer, { microkernel, algorithm })).toBe(entry);
});

describe('every micro-kernel gives the same bits', () => {
  let engines: Engine[];
  beforeAll(async () => {
    engines = await Promise.all(MICROKERNELS.map((microkernel) => createEngine({ threads: 1, microkernel })));
  });
  afterAll(() => engines.forEach((engine) => engine.dispose()));

  test.each(['dcgan-1', 'dcgan-4', 'fcn8s-upscore8', 'db-server-2', 'hifigan-up1', 'vnet-up32', '3dgan-5'])(
    '%s',
    (name) => {
      const accepted = takesWinograd(layerOf(name).kernel, layerOf(name).stride) ? (['winograd'] as const) : [];
      for (const algorithm of ['auto', 'planes', 'implicit', ...accepted] as const) {
        expectSameBits(engines, (engine) => computeLayer(engine, layerOf(name), algorithm));
      }
    },
  );
});
