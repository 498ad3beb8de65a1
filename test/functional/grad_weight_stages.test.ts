/** Gradients of weights that several stages make, each of which adds to what the one before has left. */

import { beforeAll, afterAll, expect, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { convTranspose2dBackwardSync, createEngine, tensor } from '../../src/index.ts';
import { planConvTransposeBackward } from '../../src/kernels.ts';
import { convTransposeBackwardReference } from '../reference/conv_transpose.ts';
import { expectOf } from '../support/expect.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const options = { stride: 2, padding: 1, groups: 1 };

/** Stages of the gradient of a (channels, channels, 4, 4) weight. */
function stagesOf(entry: string, channels: number, groups: number, length: number): number {
  const { stages } = planConvTransposeBackward({
    dtype: 'float32',
    batch: 1,
    inChannels: channels,
    outChannels: channels,
    groups,
    inputSpatial: [length, length],
    kernel: [4, 4],
    stride: [2, 2],
    dilation: [1, 1],
    cropBegin: [1, 1],
    outputSpatial: [2 * length, 2 * length],
    kernelSet: engine.info.relaxed ? 'relaxed' : 'simd',
    outputMask: [false, true, false],
  });
  return stages.filter((stage) => stage.entry === entry).length;
}

test.each([
  { entry: 'convGradWeight', channels: 8, groups: 1, length: 100 },
  { entry: 'depthwiseGradWeight', channels: 1, groups: 1, length: 640 },
])('$entry', ({ entry, channels, groups, length }) => {
  expect(stagesOf(entry, channels, groups, length)).toBeGreaterThan(1);
  const shapes = [
    [1, channels, length, length],
    [channels, channels / groups, 4, 4],
    [1, channels, 2 * length, 2 * length],
  ];
  const [x, w, gradOutput] = shapes.map((shape, seed) => {
    const values = randomFloat32(
      shape.reduce((product, axis) => product * axis, 1),
      seed,
    );
    return { shape, values, data: Float64Array.from(values) };
  });
  const reference = convTransposeBackwardReference(gradOutput, x, w, { ...options, groups }).gradWeight;
  const [input, weight, gradient] = [x, w, gradOutput].map(({ values, shape }) => tensor(values, shape, { engine }));
  const { gradWeight } = convTranspose2dBackwardSync(gradient, input, weight, { ...options, groups, outputMask: [false, true, false] }); // prettier-ignore
  expectOf('auto')({ shape: gradWeight.shape, values: gradWeight.toTypedArray() }, reference);
  for (const each of [input, weight, gradient, gradWeight]) each.dispose();
});
