/** Gradients of weights that several stages make, each of which adds to what the one before has left. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Algorithm, Engine } from '../../src/index.ts';
import { convTranspose2dBackwardSync, createEngine, tensor } from '../../src/index.ts';
import { planConvTransposeBackward } from '../../src/kernels.ts';
import { convTransposeBackwardReference } from '../reference/conv_transpose.ts';
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

/** Held against the definition, of some input channels where all of them would take it seconds. */
function expectGradient(channels: number, length: number, algorithm: Algorithm): void {
  const shapes = [
    [1, channels, length, length],
    [channels, channels, 4, 4],
    [1, channels, 2 * length, 2 * length],
  ];
  const [x, w, gradOutput] = shapes.map((shape, seed) => refTensor(shape, randomFloat32(elementCount(shape), seed)));
  const [input, weight, gradient] = [x, w, gradOutput].map(({ data, shape }) =>
    own(tensor(Float32Array.from(data), shape, { engine })),
  );
  const outputMask = [false, true, false] as const;
  const { gradWeight } = convTranspose2dBackwardSync(gradient, input, weight, { ...options, algorithm, outputMask });
  own(gradWeight);
  const count = channels > 16 ? 1 : channels;
  for (const first of count === channels ? [0] : [0, 50, channels - 1]) {
    const ofChannels = ({ shape, data }: RefTensor, axis: number): RefTensor => {
      const size = elementCount(shape.slice(axis + 1));
      return refTensor(shape.with(axis, count), data.slice(first * size, (first + count) * size));
    };
    const reference = convTransposeBackwardReference(
      gradOutput,
      ofChannels(x, 1),
      ofChannels(w, 0),
      options,
    ).gradWeight;
    expectOf(algorithm)(own(gradWeight.narrow(0, first, count)), reference);
  }
}
