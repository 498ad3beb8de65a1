/** TensorFlow.js's own numbers, of arguments that PyTorch does not have, through its functions on our kernels. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Registration } from '../../src/tfjs.ts';
import { register } from '../../src/tfjs.ts';
import type { PeerGradients, PeerTensor, Tolerance } from '../peers/load.ts';
import { readVectors } from '../peers/read_vectors.ts';
import { tf, useBackend } from './tfjs.ts';

/** Tensors are (N, C, H, W), weights (in, out, kH, kW). */
interface TfjsCase {
  readonly name: string;
  readonly input: PeerTensor;
  readonly weight: PeerTensor;
  readonly tfjs: {
    readonly outputShape: [number, number, number, number];
    readonly strides: number | [number, number];
    readonly pad: 'same' | 'valid' | number;
  };
  readonly expected: PeerTensor;
  readonly tolerance: Tolerance;
  readonly grads: PeerGradients | null;
  readonly gradsTorch?: PeerGradients;
}

const vectors = await readVectors<TfjsCase[]>('tfjs_only');

test('the vectors of TensorFlow.js are there', (context) => {
  if (!vectors) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(vectors?.length).toBeGreaterThan(5);
});

/** Of TensorFlow.js to the order of the vectors. */
const SIDES = [0, 3, 1, 2];
const FILTER = [3, 2, 0, 1];
/** And back. */
const TO_SIDES = [0, 2, 3, 1];
const TO_FILTER = [2, 3, 1, 0];

function placed({ data, shape: [a, b, c, d] }: PeerTensor, order: number[]): tf.Tensor4D {
  return tf.transpose(tf.tensor4d(data, [a, b, c, d], 'float32'), order);
}

function expectClose(actual: tf.Tensor, order: number[], expected: PeerTensor, { rtol, atol }: Tolerance): void {
  const turned = tf.transpose(actual, order);
  expect(turned.shape).toEqual(expected.shape);
  turned.dataSync().forEach((value, i) => {
    expect(Math.abs(value - expected.data[i])).toBeLessThanOrEqual(atol + rtol * Math.abs(expected.data[i]));
  });
}

describe.runIf(vectors).each(['wasm', 'cpu'] as const)('upconv/tfjs, %s', (backend) => {
  let registration: Registration;
  beforeAll(async () => {
    await useBackend(backend);
    registration = await register(tf);
  });
  afterAll(() => registration.unregister());

  test.each(vectors ?? [])('$name', (c) => {
    const { outputShape, strides, pad } = c.tfjs;
    const before = registration.stats.calls;
    tf.tidy(() => {
      const [x, filter] = [placed(c.input, TO_SIDES), placed(c.weight, TO_FILTER)];
      const run = (a: tf.Tensor, b: tf.Tensor) =>
        tf.conv2dTranspose(a as tf.Tensor4D, b as tf.Tensor4D, outputShape, strides, pad);
      expectClose(run(x, filter), SIDES, c.expected, c.tolerance);
      for (const set of [c.grads, c.gradsTorch]) {
        if (!set) continue;
        const [dx, dFilter] = tf.grads(run)([x, filter], placed(set.gradOutput, TO_SIDES));
        expectClose(dx, SIDES, set.gradInput, set.tolerance.gradInput);
        expectClose(dFilter, FILTER, set.gradWeight, set.tolerance.gradWeight);
      }
    });
    expect(registration.stats.calls).toBeGreaterThan(before);
  });
});
