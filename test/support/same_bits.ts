/** One computation on engines of different thread counts. */

import { expect } from 'vitest';
import type { Algorithm, Engine, Tensor } from '../../src/index.ts';
import {
  convTranspose1dBackwardSync,
  convTranspose1dSync,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTranspose3dBackwardSync,
  convTranspose3dSync,
} from '../../src/index.ts';
import layers from '../../bench/layers.json' with { type: 'json' };
import { sameBytes } from './bytes.ts';
import { random } from './in_flight.ts';

export type Layer = (typeof layers)[number];

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

/** Frees the tensors. */
export function bitsOf(tensors: readonly (Tensor | null)[]): Uint8Array[] {
  return tensors.map((t) => {
    const numbers = t?.toTypedArray();
    t?.dispose();
    return new Uint8Array(numbers?.buffer ?? new ArrayBuffer(0));
  });
}

/** Runs `work` on every engine and compares the bits of its results with those of the first. */
export function expectSameBits(engines: readonly Engine[], work: (engine: Engine) => readonly (Tensor | null)[]): void {
  const [expected, ...others] = engines.map((engine) => bitsOf(work(engine)));
  for (const [position, bits] of others.entries()) {
    const same = bits.map((each, index) => sameBytes(each, expected[index]));
    expect(same, `${engines[position + 1].info.threads} threads`).toEqual(expected.map(() => true));
  }
  for (const { memory } of engines) expect(memory.tensors).toBe(0);
}

/** Forward and all gradients of a layer that is cut down. */
export function computeLayer(engine: Engine, layer: Layer, algorithm: Algorithm = 'auto'): (Tensor | null)[] {
  const { stride, padding, outputPadding, groups, dilation, cin, cout, kernel, dims } = layer;
  const options = { stride, padding, outputPadding, groups, dilation, algorithm };
  const x = random(engine, inputShapeOf(layer), 1);
  const w = random(engine, [cin, cout / groups, ...kernel], 2);
  const b = random(engine, [cout], 3);
  const y = FORWARD[dims - 1](x, w, b, options);
  const g = random(engine, y.shape, 4);
  const { gradInput, gradWeight, gradBias } = BACKWARD[dims - 1](g, x, w, options);
  for (const tensor of [x, w, b, g]) tensor.dispose();
  return [y, gradInput, gradWeight, gradBias];
}
