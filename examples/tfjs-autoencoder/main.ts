/** Trains an autoencoder of TensorFlow.js on its wasm backend, which has no gradient of filters without `upconv/tfjs`. */

import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { register } from 'upconv/tfjs';

const steps = Number(process.argv[2] ?? 60);
const size = 32;
const batch = 16;

// where TensorFlow.js finds its own wasm files
const entry = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm'));
setWasmPaths(`${join(dirname(entry), '..', 'wasm-out')}/`);

await tf.setBackend('wasm');
const { stats, unregister } = await register(tf); // all there is to do

let state = 1;
/** From 0 to 1, the same in every run. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

/** A batch of pictures with a bright disc each. */
function discs(): tf.Tensor4D {
  const pixels = new Float32Array(batch * size * size);
  for (let n = 0; n < batch; n++) {
    const [x, y, radius] = [8 + 16 * random(), 8 + 16 * random(), 3 + 5 * random()];
    for (let i = 0; i < size * size; i++) {
      const distance = Math.hypot((i % size) - x, Math.floor(i / size) - y);
      pixels[n * size * size + i] = Math.min(Math.max(radius - distance + 0.5, 0), 1);
    }
  }
  return tf.tensor4d(pixels, [batch, size, size, 1]);
}

const { conv2d, conv2dTranspose } = layers.layers;
const hidden = (filters: number, seed: number) =>
  ({
    filters,
    kernelSize: 4,
    strides: 2,
    padding: 'same',
    activation: 'elu',
    kernelInitializer: layers.initializers.heNormal({ seed }),
  }) as const;
const model = layers.sequential({
  layers: [
    conv2d({ ...hidden(16, 1), inputShape: [size, size, 1] }),
    conv2d(hidden(32, 2)),
    conv2d(hidden(8, 3)), // 4 × 4 × 8: an eighth of the pixels
    conv2dTranspose(hidden(32, 4)),
    conv2dTranspose(hidden(16, 5)),
    conv2dTranspose({ ...hidden(1, 6), activation: 'sigmoid' }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.003), loss: 'meanSquaredError' });

const losses: number[] = [];
const started = performance.now();
for (let step = 0; step < steps; step++) {
  const pictures = discs();
  losses.push((await model.trainOnBatch(pictures, pictures)) as number);
  pictures.dispose();
  if (step % 10 === 0 || step === steps - 1) console.log(`step ${step}: loss ${losses[step].toFixed(4)}`);
}
console.error(`${((performance.now() - started) / steps).toFixed(1)} ms a step`);
console.log(`${stats.calls} kernel calls, memory: ${stats.memory}, copied: ${stats.bytesCopied} bytes`);
assert.ok(losses[steps - 1] < losses[0]);
model.dispose();
unregister();
