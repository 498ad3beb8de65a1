/** `memoryFormat`: how results lie in memory, and that everything behind takes them so. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Conv2d,
  conv1dSync,
  conv2dBackwardSync,
  ConvTranspose2d,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dSync,
  convTranspose3dSync,
  createEngine,
  createGenerator,
  GELU,
  mseLoss,
  ReLU,
  Sequential,
  zeros,
} from '../../src/index.ts';
import type { Engine, MemoryFormat, Tensor } from '../../src/index.ts';
import { random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const memoryFormat = 'channelsLast';
const bits = (t: Tensor): number[] => [...own(t).toTypedArray()];

describe('functions', () => {
  test('the result has the shape of the default, and dense channels', async () => {
    const x = own(random(engine, [2, 5, 6, 7], 1));
    const w = own(random(engine, [5, 3, 4, 4], 2));
    const options = { stride: 2, padding: 1 };
    const expected = own(await convTranspose2d(x, w, null, options));
    const y = own(await convTranspose2d(x, w, null, { ...options, memoryFormat }));
    expect(y.shape).toEqual(expected.shape);
    expect(y.strides).toEqual([12 * 14 * 3, 1, 14 * 3, 3]);
    expect(bits(y)).toEqual(bits(expected));
    expect(own(y.permute(0, 2, 3, 1)).isContiguous).toBe(true);
    expect(expected.strides).toEqual(
      own(convTranspose2dSync(x, w, null, { memoryFormat: 'contiguous', ...options })).strides,
    );
  });

  test('without a batch, in one and three dimensions', () => {
    const line = own(random(engine, [4, 9], 1));
    const kernel = own(random(engine, [6, 4, 3], 2));
    expect(own(conv1dSync(line, kernel, null, { memoryFormat })).strides).toEqual([1, 6]);
    const block = own(random(engine, [1, 4, 2, 3, 4], 1));
    const cube = own(random(engine, [4, 5, 2, 2, 2], 2));
    const y = own(convTranspose3dSync(block, cube, null, { stride: 2, memoryFormat }));
    expect(y.strides).toEqual([4 * 6 * 8 * 5, 1, 6 * 8 * 5, 8 * 5, 5]);
    expect(bits(y)).toEqual(bits(convTranspose3dSync(block, cube, null, { stride: 2 })));
  });

  test('backward: gradInput has it, gradients of parameters do not', async () => {
    const x = own(random(engine, [2, 5, 6, 7], 1));
    const w = own(random(engine, [5, 3, 4, 4], 2));
    const grad = own(random(engine, [2, 3, 14, 16], 3));
    const gradients = await convTranspose2dBackward(grad, x, w, { stride: 2, memoryFormat });
    const [gradInput, gradWeight, gradBias] = [gradients.gradInput, gradients.gradWeight, gradients.gradBias].map(own);
    expect(gradInput.strides).toEqual([6 * 7 * 5, 1, 7 * 5, 5]);
    expect(gradWeight.isContiguous && gradBias.isContiguous).toBe(true);
    const expected = await convTranspose2dBackward(grad, x, w, { stride: 2 });
    expect(bits(gradInput)).toEqual(bits(expected.gradInput));
    own(expected.gradWeight);
    own(expected.gradBias);
    const image = own(random(engine, [1, 3, 14, 16], 3));
    const result = conv2dBackwardSync(own(random(engine, [1, 5, 6, 7], 1)), image, w, {
      stride: 2,
      memoryFormat,
      outputMask: [true, false, false],
    });
    expect(own(result.gradInput).strides).toEqual([14 * 16 * 3, 1, 16 * 3, 3]);
  });

  test('an unknown format, and one beside a place that has strides', async () => {
    const x = own(random(engine, [1, 2, 3, 3], 1));
    const w = own(random(engine, [2, 2, 2, 2], 2));
    const out = own(zeros([1, 2, 4, 4], { engine }));
    const call = (options: object) => () => own(convTranspose2dSync(x, w, null, options));
    expect(call({ memoryFormat: 'nhwc' })).toThrow(
      "convTranspose2d: memoryFormat expected 'contiguous' | 'channelsLast', got 'nhwc'",
    );
    expect(call({ memoryFormat, out })).toThrow(
      "convTranspose2d: memoryFormat expected none with out, got 'channelsLast'",
    );
    await expect(convTranspose2dBackward(out, x, w, { memoryFormat, outGradInput: own(x.clone()) })).rejects.toThrow(
      'convTranspose2dBackward: memoryFormat expected none with outGradInput',
    );
  });
});

describe('contiguous', () => {
  test('copies once, then gives a view', () => {
    const x = own(random(engine, [2, 3, 4, 5], 1));
    const y = own(x.contiguous({ memoryFormat }));
    expect(y.strides).toEqual([60, 1, 15, 3]);
    expect(y.ptr).not.toBe(x.ptr);
    expect(bits(y)).toEqual(bits(x));
    expect(own(y.contiguous({ memoryFormat })).ptr).toBe(y.ptr);
    expect(own(own(y.contiguous()).contiguous({ memoryFormat: 'contiguous' })).strides).toEqual([60, 20, 5, 1]);
  });

  test('of one channel, no channels and no elements', () => {
    const one = own(random(engine, [2, 1, 4, 5], 1));
    expect(own(one.contiguous({ memoryFormat })).ptr).toBe(one.ptr);
    const matrix = own(random(engine, [3, 4], 1));
    expect(own(matrix.contiguous({ memoryFormat })).strides).toEqual([4, 1]);
    const line = own(random(engine, [3], 1));
    expect(own(line.contiguous({ memoryFormat })).strides).toEqual([1]);
    expect(own(own(zeros([0, 2, 3], { engine })).contiguous({ memoryFormat })).shape).toEqual([0, 2, 3]);
  });
});

describe('modules', () => {
  const ACTIVATIONS = ['none', 'relu', 'gelu', 'silu'] as const;

  test.each(ACTIVATIONS)(
    'activation %s: outputs and input gradients have it, with the same bits',
    async (activation) => {
      const results = [];
      for (const format of ['contiguous', memoryFormat] as MemoryFormat[]) {
        const generator = createGenerator(3);
        const options = {
          stride: 2,
          padding: 1,
          activation,
          inputActivation: activation,
          memoryFormat: format,
        } as const;
        const m = own(new ConvTranspose2d(5, 6, 4, { ...options, engine, generator }));
        expect(m.memoryFormat).toBe(format);
        const x = own(own(random(engine, [2, 5, 6, 7], 1)).contiguous({ memoryFormat: format }));
        const y = own(await m.forward(x));
        const grad = own(
          await m.backward(own(own(random(engine, [2, 6, 12, 14], 2)).contiguous({ memoryFormat: format }))),
        );
        for (const [t, channels] of [
          [y, 6],
          [grad, 5],
        ] as const) {
          expect([t.strides[3], t.strides[1]]).toEqual(
            format === memoryFormat ? [channels, 1] : [1, t.size / 2 / channels],
          );
        }
        results.push([bits(y), bits(grad), bits(m.weight.grad!)]);
      }
      expect(results[1]).toEqual(results[0]);
    },
  );

  test('out has the last word', () => {
    const m = own(new Conv2d(3, 4, 3, { memoryFormat, engine }));
    const out = own(zeros([1, 4, 3, 3], { engine }));
    expect(m.forwardSync(own(random(engine, [1, 3, 5, 5])), { out })).toBe(out);
  });

  test('a network in channels last trains to the same parameters', async () => {
    const trained: number[][][] = [];
    for (const format of ['contiguous', memoryFormat] as MemoryFormat[]) {
      const generator = createGenerator(9);
      const options = { engine, generator, memoryFormat: format };
      const net = own(
        new Sequential(
          new Conv2d(3, 8, 3, { ...options, padding: 1 }),
          new GELU(),
          new ConvTranspose2d(8, 6, 4, { ...options, stride: 2, padding: 1 }),
          new ReLU(),
          new ConvTranspose2d(6, 1, 2, { ...options, stride: 2 }),
        ),
      );
      const x = own(own(random(engine, [2, 3, 6, 5], 1)).contiguous({ memoryFormat: format }));
      const y = own(await net.forward(x));
      expect(y.strides[1] === 1 || format === 'contiguous').toBe(true);
      const loss = own(await mseLoss(y, own(zeros(y.shape, { engine }))));
      own(await net.backward(loss.gradOutput));
      trained.push(net.parameters().map(({ grad }) => Array.from(grad!.toTypedArray())));
    }
    trained[0].forEach((gradient, i) => gradient.forEach((value, j) => expect(trained[1][i][j]).toBeCloseTo(value, 5)));
  });
});
