/** A pre-activation vocoder block whose layers write into slices of one buffer: a skip connection without copies. */

import assert from 'node:assert/strict';
import { Conv1d, ConvTranspose1d, empty, init, manualSeed, randn } from 'upconv';
import type { Tensor } from 'upconv';

const frames = Number(process.argv[2] ?? 64);
const [batch, melChannels, channels, stride] = [2, 80, 32, 8];
const samples = frames * stride;
const dilations = [1, 3, 5];

const engine = await init();
manualSeed(0);

// Pre-activation: layers apply leaky ReLU to what they read, so the skip connection carries raw values.
const inputActivation = { leakyRelu: 0.1 };
const upsample = new ConvTranspose1d(melChannels, channels, 2 * stride, {
  stride,
  padding: stride / 2,
  inputActivation,
});
const branches = dilations.map(
  (dilation) => new Conv1d(channels, channels, 3, { dilation, padding: dilation, inputActivation }),
);
const toWave = new Conv1d(channels, 1, 7, { padding: 3, inputActivation, activation: 'tanh' });

// x + branch(x) + ... is a 1x1 convolution of the concatenation; its weight is identity matrices, side by side.
const parts = 1 + branches.length;
const sum = new Conv1d(parts * channels, channels, 1, { bias: false });
const identities = Array.from({ length: channels * parts * channels }, (_, index) => {
  const [row, column] = [Math.floor(index / (parts * channels)), index % channels];
  return row === column ? 1 : 0;
});
sum.weight.copyFrom(identities);
const layers = [upsample, ...branches, sum, toWave];
for (const layer of layers) layer.eval();

const mel = randn([batch, melChannels, frames]); // uploaded once
const concatenated = empty([batch, parts * channels, samples]);
const [upsampled, ...branchOutputs] = Array.from({ length: parts }, (_, part) =>
  concatenated.narrow(1, part * channels, channels),
);
const summed = empty([batch, channels, samples]);
const wave = empty([batch, 1, samples]);

/** Promise calls take effect in call order: a layer may be called before the one it reads from has finished. */
async function block(): Promise<void> {
  await Promise.all([
    upsample.forward(mel, { out: upsampled }),
    ...branches.map((branch, index) => branch.forward(upsampled, { out: branchOutputs[index] })),
    sum.forward(concatenated, { out: summed }),
    toWave.forward(summed, { out: wave }),
  ]);
}

/** The same with a tensor for every layer, and the copies that concatenating them takes. */
async function separateTensors(): Promise<Tensor> {
  const x = await upsample.forward(mel);
  const outputs = [x, ...(await Promise.all(branches.map((branch) => branch.forward(x))))];
  const joined = empty(concatenated.shape);
  for (const [part, output] of outputs.entries()) joined.narrow(1, part * channels, channels).copyFrom(output);
  const total = await sum.forward(joined);
  const result = await toWave.forward(total);
  for (const tensor of [...outputs, joined, total]) tensor.dispose();
  return result;
}

engine.resetPeak();
const before = engine.memory;
await block();
const after = engine.memory;
const copied = after.bytesCopiedIn - before.bytesCopiedIn + (after.bytesCopiedOut - before.bytesCopiedOut);
const made = after.bytesPeak - before.bytesInUse;
assert.equal(copied, 0);
assert.equal(made, 0);

const expected = await separateTensors();
const audio = wave.toTypedArray(); // downloaded once
assert.deepEqual(audio, expected.toTypedArray());

let energy = 0;
for (const sample of audio) energy += sample * sample;
const loudness = Math.sqrt(energy / audio.length);
console.log(`wave (${wave.shape.join(', ')}): rms ${loudness.toFixed(5)}`);
console.log(`between upload and download: ${copied} bytes copied, ${made} bytes of tensors made`);
engine.dispose();
