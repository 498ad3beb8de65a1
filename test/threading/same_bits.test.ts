/** The number of threads changes no bit: forward and all gradients of every layer, optimiser steps, both kernel sets. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import {
  Adam,
  conv2dBackwardSync,
  conv2dSync,
  convTranspose1dBackwardSync,
  convTranspose1dSync,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTranspose3dBackwardSync,
  convTranspose3dSync,
  createEngine,
  foldSync,
  matmulSync,
  mseLossSync,
  unfoldSync,
} from '../../src/index.ts';
import layers from '../../bench/layers.json' with { type: 'json' };
import { random } from '../support/in_flight.ts';

type Layer = (typeof layers)[number];

const THREADS = [1, 2, 3, 4, 7];
const FORWARD = [convTranspose1dSync, convTranspose2dSync, convTranspose3dSync];
const BACKWARD = [convTranspose1dBackwardSync, convTranspose2dBackwardSync, convTranspose3dBackwardSync];
/** Layers are cut down to about so much work: enough to be shared. */
const MOST_FLOPS = 2e7;

const productOf = (lengths: readonly number[]): number => lengths.reduce((product, length) => product * length, 1);

/** Batch and length of the longest axes halved until the layer is small. */
function inputShapeOf({ batch, cin, cout, groups, kernel, input }: Layer): number[] {
  const spatial = [...input];
  const flopsPerPixel = (2 * cin * cout * productOf(kernel)) / groups;
  let images = batch;
  while (flopsPerPixel * images * productOf(spatial) > MOST_FLOPS) {
    const longest = spatial.indexOf(Math.max(...spatial));
    if (images > 1) images = Math.ceil(images / 2);
    else if (spatial[longest] > 1) spatial[longest] = Math.ceil(spatial[longest] / 2);
    else break;
  }
  return [images, cin, ...spatial];
}

function bitsOf(tensors: readonly (Tensor | null)[]): Uint8Array[] {
  return tensors.map((t) => {
    const numbers = t?.toTypedArray();
    t?.dispose();
    return new Uint8Array(numbers?.buffer ?? new ArrayBuffer(0));
  });
}

describe.each(['fast', 'portable'] as const)('numerics %s', (numerics) => {
  let engines: Engine[];
  beforeAll(async () => {
    engines = await Promise.all(THREADS.map((threads) => createEngine({ threads, numerics })));
    expect(engines.map(({ info }) => info.threads)).toEqual(THREADS);
  });
  afterAll(() => engines.forEach((engine) => engine.dispose()));

  /** Runs `work` on every engine and compares the bits of its results with those of one thread. */
  function expectSameBits(work: (engine: Engine) => readonly (Tensor | null)[]): void {
    const [expected, ...others] = engines.map((engine) => bitsOf(work(engine)));
    for (const [position, bits] of others.entries()) {
      const same = bits.map((each, index) => Buffer.compare(each, expected[index]) === 0);
      expect(same, `${THREADS[position + 1]} threads`).toEqual(expected.map(() => true));
    }
    expect(engines.map(({ memory }) => memory.tensors)).toEqual(THREADS.map(() => 0));
  }

  test.each(layers.map((layer): [string, Layer] => [layer.name, layer]))('%s', (_, layer) => {
    const { stride, padding, outputPadding, groups, dilation, cin, cout, kernel, dims } = layer;
    const options = { stride, padding, outputPadding, groups, dilation };
    expectSameBits((engine) => {
      const x = random(engine, inputShapeOf(layer), 1);
      const w = random(engine, [cin, cout / groups, ...kernel], 2);
      const b = random(engine, [cout], 3);
      const y = FORWARD[dims - 1](x, w, b, options);
      const g = random(engine, y.shape, 4);
      const { gradInput, gradWeight, gradBias } = BACKWARD[dims - 1](g, x, w, options);
      for (const tensor of [x, w, b, g]) tensor.dispose();
      return [y, gradInput, gradWeight, gradBias];
    });
  });

  test('convolution, matmul, fold, unfold', () => {
    expectSameBits((engine) => {
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
    expectSameBits((engine) => {
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
    expectSameBits((engine) => {
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
    for (const bits of others) expect(Buffer.compare(bits, expected)).toBe(0);
    slicing.dispose();
  });
});
