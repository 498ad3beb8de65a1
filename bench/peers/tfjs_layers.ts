/** TensorFlow.js: two-dimensional layers without groups (the 3-D kernel of its wasm backend gives wrong numbers). */

import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Layer } from '../layers.ts';
import { sizeOf } from '../layers.ts';
import type { Library, Peer } from './peer.ts';
import { peerCall } from './peer.ts';

/** Channels last, as its users hold them: changing the layout is not timed. */
function openLayer({ layer, shapes, input, weight }: LayerData): Peer {
  const { kernel, stride, padding } = layer;
  const [batch, cin, height, width] = shapes.input;
  const [, , outputHeight, outputWidth] = shapes.output;
  const inputShape: [number, number, number, number] = [batch, height, width, cin];
  const outputShape: [number, number, number, number] = [batch, outputHeight, outputWidth, layer.cout];
  const pixels = channelsLast(input, batch, cin, height * width);
  const residentInput = tf.tensor4d(pixels, inputShape);
  const residentWeight = tf.tensor4d(tapsFirst(weight, layer.cin, layer.cout, sizeOf(kernel)), [
    kernel[0],
    kernel[1],
    layer.cout,
    layer.cin,
  ]);
  // of each axis: with one number it takes the height of filter and stride for their width, too
  const pads: Parameters<typeof tf.conv2dTranspose>[4] = [
    [0, 0],
    [padding[0], padding[0]],
    [padding[1], padding[1]],
    [0, 0],
  ];
  const forward = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2dTranspose(x, residentWeight, outputShape, [stride[0], stride[1]], pads, 'floor');
  const output = (numbers: Float32Array): { output: Float32Array } => ({
    output: channelsFirst(numbers, batch, layer.cout, outputHeight * outputWidth),
  });
  let last: tf.Tensor4D | undefined;
  return {
    calls: {
      endToEnd: peerCall(async () => {
        const x = tf.tensor4d(pixels, inputShape);
        const y = forward(x);
        const numbers = (await y.data()) as Float32Array;
        tf.dispose([x, y]);
        return numbers;
      }, output),
      resident: {
        time() {
          last?.dispose();
          const started = performance.now();
          last = forward(residentInput);
          return performance.now() - started;
        },
        results: () => output((last as tf.Tensor4D).dataSync<'float32'>()),
      },
    },
    close: () => tf.dispose([residentInput, residentWeight, ...(last === undefined ? [] : [last])]),
  };
}

function isTaken({ kind, dims, groups, dilation }: Layer): boolean {
  return kind !== 'conv' && dims === 2 && groups === 1 && dilation.every((d) => d === 1);
}

/** (batch, channels, pixels) to (batch, pixels, channels). */
function channelsLast(numbers: Float32Array, batch: number, channels: number, pixels: number): Float32Array {
  const result = new Float32Array(numbers.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++)
        result[(n * pixels + p) * channels + c] = numbers[(n * channels + c) * pixels + p];
    }
  }
  return result;
}

function channelsFirst(numbers: Float32Array, batch: number, channels: number, pixels: number): Float32Array {
  return channelsLast(numbers, batch, pixels, channels);
}

/** (in, out, taps) to (taps, out, in). */
function tapsFirst(weight: Float32Array, cin: number, cout: number, taps: number): Float32Array {
  const result = new Float32Array(weight.length);
  for (let i = 0; i < cin; i++) {
    for (let o = 0; o < cout; o++) {
      for (let t = 0; t < taps; t++) result[(t * cout + o) * cin + i] = weight[(i * cout + o) * taps + t];
    }
  }
  return result;
}

/**
 * The wasm backend.
 * @param replace puts other kernels into it
 */
export async function tfjsLibrary(replace?: (namespace: typeof tf) => Promise<void>): Promise<Library> {
  await tf.setBackend('wasm');
  await tf.ready();
  await replace?.(tf);
  return {
    version: `${wasm.version_wasm}, ${wasm.getThreadsCount()} thread`,
    open: async ({ kind, data }) => (kind === 'layer' && isTaken(data.layer) ? openLayer(data) : null),
  };
}
