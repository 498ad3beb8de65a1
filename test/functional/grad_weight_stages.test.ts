/** Gradients of weights that several stages make, each of which adds to what the one before has left. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Algorithm, Engine, Tensor } from '../../src/index.ts';
import { convTranspose2dBackwardSync, createEngine, tensor } from '../../src/index.ts';
import { planConvTransposeBackward } from '../../src/kernels.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectOf } from '../support/expect.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterEach(disposeOwned);
afterAll(() => engine.dispose());

const options = { stride: 2, padding: 1 };

/** Stages of the gradient of a (channels, channels, 4, 4) weight. */
function stagesOf(entry: string, channels: number, length: number, algorithm: Algorithm): number {
  const { stages } = planConvTransposeBackward({
    dtype: 'float32',
    batch: 1,
    inChannels: channels,
    outChannels: channels,
    groups: 1,
    inputSpatial: [length, length],
    kernel: [4, 4],
    stride: [2, 2],
    dilation: [1, 1],
    cropBegin: [1, 1],
    outputSpatial: [2 * length, 2 * length],
    kernelSet: engine.kernelSet,
    outputMask: [false, true, false],
    algorithm,
  });
  return stages.filter((stage) => stage.entry === entry).length;
}

test.each([
  { entry: 'convGradWeight', channels: 8, length: 100, algorithm: 'direct' },
  { entry: 'depthwiseGradWeight', channels: 1, length: 640, algorithm: 'direct' },
  { entry: 'winogradGradWeight', channels: 96, length: 72, algorithm: 'winograd' },
] as const)('$entry', ({ entry, channels, length, algorithm }) => {
  if (!takes(algorithm)) return;
  expect(stagesOf(entry, channels, length, algorithm)).toBeGreaterThan(1);
  expectGradient(channels, length, algorithm);
});

test('blocks of K dealt to several items, by transforms', () => {
  if (!takes('winograd')) return;
  expect(stagesOf('sumGradWeight', 16, 40, 'winograd') - stagesOf('sumGradWeight', 16, 40, 'direct')).toBe(1);
  expectGradient(16, 40, 'winograd');
});

// wide kernels have no transforms here: 'winograd' is the direct path
function takes(algorithm: Algorithm): boolean {
  return algorithm !== 'winograd' || engine.kernelSet !== 'wide';
}

/** The reference is what the direct path makes of float64: here the definition would take seconds. */
function expectGradient(channels: number, length: number, algorithm: Algorithm): void {
  const shapes = [
    [1, channels, length, length],
    [channels, channels, 4, 4],
    [1, channels, 2 * length, 2 * length],
  ];
  const operands = shapes.map((shape, seed) => refTensor(shape, randomFloat32(elementCount(shape), seed)));
  const float32 = operands.map(({ data, shape }) => own(tensor(Float32Array.from(data), shape, { engine })));
  const inFloat64 = (change: (x: number) => number): RefTensor => {
    const float64 = operands.map(({ data, shape }) => own(tensor(data.map(change), shape, { engine })));
    const gradient = gradientOf(float64, 'direct');
    return refTensor(gradient.shape, gradient.toTypedArray());
  };
  const { data, shape } = inFloat64((x) => x);
  const magnitude = inFloat64(Math.abs).data;
  const reference = { data, shape, magnitude, terms: magnitude.map(() => length * length) };
  expectOf(algorithm)(gradientOf(float32, algorithm), reference);
}

function gradientOf([input, weight, gradOutput]: readonly Tensor[], algorithm: Algorithm): Tensor {
  const outputMask = [false, true, false] as const;
  return own(convTranspose2dBackwardSync(gradOutput, input, weight, { ...options, algorithm, outputMask }).gradWeight);
}
