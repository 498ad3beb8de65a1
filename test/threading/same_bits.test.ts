/** The number of threads changes no bit: layers of every kind, optimiser steps, both kernel sets. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import {
  Adam,
  conv2dBackwardSync,
  conv2dSync,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  foldSync,
  matmulSync,
  mseLossSync,
  unfoldSync,
} from '../../src/index.ts';
import layers from '../../bench/layers.json' with { type: 'json' };
import { sameBytes } from '../support/bytes.ts';
import { random } from '../support/in_flight.ts';
import type { Layer } from '../support/same_bits.ts';
import { bitsOf, computeLayer, expectSameBits } from '../support/same_bits.ts';

const THREADS = [1, 2, 3];
/** One of each kind; the others are in same_bits.long.test.ts. */
const SOME = [
  'dcgan-1',
  'dcgan-4',
  'fcn8s-upscore8',
  'db-server-2',
  'dla-idaup-f8',
  'styletts2-pool',
  'hifigan-up1',
  'vnet-up32',
];
describe.each(['fast', 'portable'] as const)('numerics %s', (numerics) => {
  let engines: Engine[];
  beforeAll(async () => {
    engines = await Promise.all(THREADS.map((threads) => createEngine({ threads, numerics })));
    expect(engines.map(({ info }) => info.threads)).toEqual(THREADS);
  });
  afterAll(() => engines.forEach((engine) => engine.dispose()));

  test.each(SOME)('%s', (name) => {
    const layer = layers.find((each) => each.name === name) as Layer;
    expectSameBits(engines, (engine) => computeLayer(engine, layer));
  });

  test.each(['vqvae2-upsample_t', 'encodec-up2', 'rife-block0', 'unet3d-k4s2'])('%s, winograd', (name) => {
    const layer = layers.find((each) => each.name === name) as Layer;
    expectSameBits(engines, (engine) => computeLayer(engine, layer, 'winograd'));
  });

  test.each(SOME)('%s, implicit', (name) => {
    const layer = layers.find((each) => each.name === name) as Layer;
    expectSameBits(engines, (engine) => computeLayer(engine, layer, 'implicit'));
  });

  test('convolution, matmul, fold, unfold', () => {
    expectSameBits(engines, (engine) => {
      const x = random(engine, [2, 32, 40, 40], 1);
      const w = random(engine, [48, 32, 3, 3], 2);
      const y = conv2dSync(x, w, null, { padding: 1 });
      const { gradInput, gradWeight, gradBias } = conv2dBackwardSync(y, x, w, { padding: 1 });
      const columns = unfoldSync(x, 3);
      const image = foldSync(columns, [40, 40], 3);
      const m = x.reshape(64, 1600);
      const transposed = m.transpose(0, 1);
      const product = matmulSync(m, transposed);
      for (const tensor of [x, w, m, transposed]) tensor.dispose();
      return [y, gradInput, gradWeight, gradBias, columns, image, product];
    });
  });

  test('float16', () => {
    expectSameBits(engines, (engine) => {
      const half = (shape: readonly number[], seed: number): Tensor => {
        const float = random(engine, shape, seed);
        const converted = float.to('float16');
        float.dispose();
        return converted;
      };
      const [x, w, b] = [half([2, 32, 40, 40], 1), half([32, 24, 4, 4], 2), half([24], 3)];
      const view = x.transpose(2, 3);
      const y = convTranspose2dSync(view, w, b, { stride: 2, padding: 1 });
      const g = half(y.shape, 4);
      const { gradInput, gradWeight, gradBias } = convTranspose2dBackwardSync(g, view, w, { stride: 2, padding: 1 });
      const loss = mseLossSync(y, g);
      for (const tensor of [x, view, w, b, g]) tensor.dispose();
      return [y, gradInput, gradWeight, gradBias, loss.gradOutput];
    });
  });

  test('a large optimiser step', () => {
    expectSameBits(engines, (engine) => {
      const w = random(engine, [300_001], 1);
      w.grad = random(engine, [300_001], 2);
      const adam = new Adam([w], { lr: 0.1 });
      adam.stepSync();
      adam.stepSync();
      adam.dispose();
      w.grad.dispose();
      return [w];
    });
  });

  test('Promise calls too, with and without turns of the event loop', async () => {
    const slicing = await createEngine({ threads: 3, numerics, yieldEveryMs: 0 });
    const run = async (engine: Engine): Promise<Uint8Array> => {
      const x = random(engine, [2, 64, 20, 20], 1);
      const w = random(engine, [64, 32, 4, 4], 2);
      const [bits] = bitsOf([await convTranspose2d(x, w, null, { stride: 2, padding: 1 })]);
      x.dispose();
      w.dispose();
      return bits;
    };
    const [expected, ...others] = await Promise.all([...engines, slicing].map(run));
    for (const bits of others) expect(sameBytes(bits, expected)).toBe(true);
    slicing.dispose();
  });
});
