/** Mistakes in normalisation: typed, before memory is touched, in PyTorch's words where it has any. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  batchNorm,
  batchNormBackward,
  batchNormSync,
  createEngine,
  full,
  instanceNorm,
  layerNorm2d,
} from '../../src/index.ts';
import type { Dtype, Engine, Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const ones = (shape: readonly number[], dtype?: Dtype): Tensor => own(full(shape, 1, { engine, dtype }));

test('one value per channel, or one spatial element, has no variance', async () => {
  const x = ones([1, 2, 1, 1]);
  const several = 'batchNorm: input expected more than 1 value per channel when training, got [1, 2, 1, 1]';
  await expect(batchNorm(x, null, null, { training: true })).rejects.toThrow(several);
  await expect(instanceNorm(x)).rejects.toThrow('more than 1 spatial element when training');
  await expect(batchNormBackward(x, x, null, { training: true })).rejects.toMatchObject({ code: 'ERR_SHAPE' });
  const [runningMean, runningVar] = [ones([2]), ones([2])];
  own(await batchNorm(x, null, null, { runningMean, runningVar })); // in evaluation it may be
  own(await layerNorm2d(x));
});

test('running statistics: both or none, needed when not training, one number per channel', async () => {
  const x = ones([2, 3, 4]);
  const [three, four] = [ones([3]), ones([4])];
  await expect(batchNorm(x)).rejects.toThrow('batchNorm: runningMean expected running statistics when not training');
  for (const options of [{ runningMean: three }, { runningVar: three, training: true }]) {
    await expect(batchNorm(x, null, null, options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  }
  const wrong = { runningMean: three, runningVar: four };
  await expect(batchNorm(x, null, null, wrong)).rejects.toThrow(
    'batchNorm: runningVar expected [3], one number per channel of the input, got [4]',
  );
  await expect(batchNorm(x, four)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(instanceNorm(x, four)).rejects.toThrow('instanceNorm: weight expected [3]');
  const half = ones([3], 'float16');
  const mixed = { runningMean: half, runningVar: half };
  await expect(batchNorm(x, null, null, mixed)).rejects.toMatchObject({ code: 'ERR_DTYPE' });
  await expect(batchNorm(x, null, null, { runningMean: 'x' as never, runningVar: three })).rejects.toThrow(TypeError);
});

test('running statistics that training writes share no memory with anything else', async () => {
  const x = ones([2, 3, 4]);
  const statistics = ones([3]);
  const options = { runningMean: statistics, runningVar: statistics, training: true };
  await expect(batchNorm(x, null, null, options)).rejects.toThrow(
    'batchNorm: runningMean expected memory that no input uses',
  );
  const weight = ones([3]);
  const shared = { runningMean: weight, runningVar: statistics, training: true };
  await expect(batchNorm(x, weight, null, shared)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

test('ranks and numbers', async () => {
  await expect(batchNorm(ones([3]), null, null, { training: true })).rejects.toThrow('at least 2 axes, got [3]');
  await expect(instanceNorm(ones([2, 3]))).rejects.toThrow('instanceNorm: input expected at least 3 axes, got [2, 3]');
  await expect(layerNorm2d(ones([2, 3]))).rejects.toThrow('layerNorm2d: input expected 3 or 4 axes, got [2, 3]');
  await expect(layerNorm2d(ones([1, 2, 3, 4, 5]))).rejects.toMatchObject({ code: 'ERR_SHAPE' });
  const x = ones([2, 3, 4]);
  for (const options of [{ eps: -1 }, { eps: Number.NaN }, { eps: Infinity }, { momentum: Infinity }]) {
    const call = batchNorm(x, null, null, { training: true, ...options });
    await expect(call).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  }
  const call = batchNorm(x, null, null, { running_mean: x } as never);
  await expect(call).rejects.toThrow('did you mean runningMean');
});

test('statistics in training are written in call order, and guarded meanwhile', async () => {
  const x = ones([2, 1, 8, 8]);
  const [runningMean, runningVar] = [own(full([1], 0, { engine })), own(full([1], 1, { engine }))];
  const options = { runningMean, runningVar, training: true, momentum: 0.5 };
  const first = batchNorm(x, null, null, options);
  const second = batchNorm(x, null, null, options);
  expect(() => batchNormSync(x, null, null, options)).toThrow(expect.objectContaining({ code: 'ERR_IN_USE' }));
  expect(() => runningMean.toTypedArray()).toThrow(expect.objectContaining({ code: 'ERR_IN_USE' }));
  own(await first);
  own(await second);
  expect([runningMean.item(), runningVar.item()]).toEqual([0.75, 0.25]);
});

test('zero batch leaves running statistics alone', async () => {
  const [runningMean, runningVar] = [ones([3]), ones([3])];
  const x = own(full([0, 3, 2, 2], 1, { engine }));
  const y = own(await batchNorm(x, null, null, { runningMean, runningVar, training: true }));
  expect(y.shape).toEqual([0, 3, 2, 2]);
  expect([...runningMean.toTypedArray(), ...runningVar.toTypedArray()]).toEqual([1, 1, 1, 1, 1, 1]);
});
