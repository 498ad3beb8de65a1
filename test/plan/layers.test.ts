import { describe, expect, test } from 'vitest';
import layers from '../../bench/layers.json' with { type: 'json' };
import { planConvForward } from '../../src/plan/conv_forward.ts';
import type { ConvGeometry } from '../../src/plan/conv_geometry.ts';
import { planConvTransposeForward } from '../../src/plan/conv_transpose_forward.ts';
import { planForwardBy, planGatherBy, planGradWeightBy } from '../../src/plan/forward_algorithms.ts';
import { planGradWeight } from '../../src/plan/grad_weight.ts';
import type { Stage } from '../../src/plan/stage.ts';
import { planWinogradForward, planWinogradGather } from '../../src/plan/winograd_forward.ts';
import { planWinogradGradWeight } from '../../src/plan/winograd_grad_weight.ts';
import { acceptsWinograd } from '../../src/plan/winograd_tiles.ts';
import { planImplicitForward } from '../../src/plan/implicit_forward.ts';
import { sameNumbers } from '../support/bytes.ts';
import { convTransposeGeometry } from '../../src/functional/conv_transpose_geometry.ts';

expect.addEqualityTesters([sameNumbers]);

const WORKSPACE_LIMIT = 4 * 2 ** 20;
/** Of the direct product, per item: 6 ms at most on one core of a laptop, where transforms save half of it. */
const ITEM_LIMIT = 320e6;
/**
 * Of few positions and sums so deep that the weight comes from memory: it would be read again for each item. gradInput,
 * in the last one both products.
 */
const DEEP_SUMS = new Set(['waveglow-up', '3dgan-2', 'istft-4096']);
/** Of layers on which 'auto' takes transforms. */
const TRANSFORMED_WORKSPACE_LIMIT = 8 * 1024 * 1024;

type Layer = (typeof layers)[number];

function geometryOf(layer: Layer): ConvGeometry {
  const input = [layer.batch, layer.cin, ...layer.input];
  const weight = [layer.cin, layer.cout / layer.groups, ...layer.kernel];
  const axes = layer.dims as 1 | 2 | 3;
  return convTransposeGeometry('test', axes, input, weight, layer).geometry;
}

/** Row-major strides of (batch, channels, D, H, W). */
function dense(channels: number, lengths: readonly number[]) {
  const [d, h, w] = lengths;
  const channel = d * h * w;
  return { batch: channels * channel, channel, spatial: [h * w, w, 1] as [number, number, number] };
}

function spec(geometry: ConvGeometry, dtype: 'float32' | 'float64', kernelSet: 'simd' | 'relaxed') {
  const { axes, groups, inChannels, outChannels } = geometry;
  const [d, h, w] = axes.map(({ kernel }) => kernel);
  return {
    dtype,
    kernelSet,
    mr: null,
    geometry,
    input: dense(
      groups * inChannels,
      axes.map(({ input }) => input),
    ),
    output: dense(
      groups * outChannels,
      axes.map(({ output }) => output),
    ),
    weight: {
      inChannel: outChannels * d * h * w,
      outChannel: d * h * w,
      spatial: [h * w, w, 1] as [number, number, number],
    },
    bias: false,
    accumulate: false,
  };
}

describe.each(['float32', 'float64'] as const)('plans of real layers, %s', (dtype) => {
  test.each(layers.map((layer): [string, Layer] => [layer.name, layer]))('%s', (_, layer) => {
    const geometry = geometryOf(layer);
    for (const kernelSet of ['relaxed', 'simd'] as const) {
      const given = spec(geometry, dtype, kernelSet);
      const paths = [planConvTransposeForward(given), planImplicitForward(given), planForwardBy('direct', given)];
      for (const plan of [...paths, planConvForward(given), planGradWeight(given)]) {
        const { shared, perThread } = plan.workspaceBytes;
        expect(shared + perThread).toBeLessThanOrEqual(WORKSPACE_LIMIT);
        expect(plan.stages.every(({ items }) => items > 0)).toBe(true);
        expect(structuredClone(plan)).toEqual(plan);
      }
      if (dtype === 'float64' || !acceptsWinograd(geometry)) continue;
      for (const plan of [planWinogradForward(given), planWinogradGather(given), planWinogradGradWeight(given)]) {
        expect(plan.workspaceBytes.perThread).toBeLessThanOrEqual(TRANSFORMED_WORKSPACE_LIMIT);
        expect(plan.stages.every(({ items }) => items > 0)).toBe(true);
        expect(structuredClone(plan)).toEqual(plan);
      }
    }
  });
});

test.each(layers.map((layer): [string, Layer] => [layer.name, layer]))(
  '%s: a page draws between short items',
  (name, layer) => {
    for (const kernelSet of ['relaxed', 'simd'] as const) {
      const given = spec(geometryOf(layer), 'float32', kernelSet);
      const plans: { stages: readonly Stage[] }[] = [planGradWeight(given), planGradWeightBy('auto', given)];
      if (name !== 'istft-4096') plans.push(planForwardBy('auto', given));
      if (!DEEP_SUMS.has(name)) plans.push(planGatherBy('auto', given));
      for (const { stages } of plans) {
        for (const { flops = 0, items } of stages) expect(flops / items).toBeLessThanOrEqual(ITEM_LIMIT);
      }
    }
  },
);
