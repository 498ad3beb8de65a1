/** Gradients of weights that several stages make, each of which adds to what the one before has left. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { convTranspose2dBackwardSync, createEngine, tensor } from '../../src/index.ts';
import { planConvTransposeBackward } from '../../src/kernels.ts';
import { convTransposeBackwardReference } from '../reference/conv_transpose.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectWithinBound } from '../support/expect.ts';
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
function stagesOf(entry: string, channels: number, length: number): number {
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
  });
  return stages.filter((stage) => stage.entry === entry).length;
}

test.each([
  { entry: 'convGradWeight', channels: 8, length: 100 },
  { entry: 'depthwiseGradWeight', channels: 1, length: 640 },
])('$entry', ({ entry, channels, length }) => {
  expect(stagesOf(entry, channels, length)).toBeGreaterThan(1);
  const shapes = [
    [1, channels, length, length],
    [channels, channels, 4, 4],
    [1, channels, 2 * length, 2 * length],
  ];
  const [x, w, gradOutput] = shapes.map((shape, seed) => refTensor(shape, randomFloat32(elementCount(shape), seed)));
  const reference = convTransposeBackwardReference(gradOutput, x, w, options).gradWeight;
  const [input, weight, gradient] = [x, w, gradOutput].map(({ data, shape }) =>
    own(tensor(Float32Array.from(data), shape, { engine })),
  );
  const { gradWeight } = convTranspose2dBackwardSync(gradient, input, weight, { ...options, outputMask: [false, true, false] }); // prettier-ignore
  expectWithinBound(own(gradWeight), reference);
});
