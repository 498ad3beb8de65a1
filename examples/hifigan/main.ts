/** Runs a HiFi-GAN generator from PyTorch's weights: a small one beside what PyTorch makes of it, or V1 on your files. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { init, tensor } from 'upconv';
import { readNpy, writeNpy } from 'upconv/npy';
import { openSafetensors } from 'upconv/safetensors';
import type { FileTensor, SafetensorsFile } from 'upconv/safetensors';
import { Generator, V1 } from './generator.ts';
import type { Config } from './generator.ts';

const SMALL: Config = {
  melChannels: 20,
  channels: 16,
  upsampleRates: [4, 2],
  upsampleKernels: [8, 4],
  blockKernels: [3, 5],
  dilations: [1, 3],
};

/** The wave that the generator of a checkpoint makes of a spectrogram. Its weights are freed afterwards. */
async function vocode(config: Config, checkpoint: SafetensorsFile, prefix: string, mel: FileTensor) {
  const generator = new Generator(config);
  // weight_g and weight_v, which weight normalisation trains, become weights while they are loaded
  const report = generator.loadStateDict(await checkpoint.stateDict(prefix), { prefix });
  console.log(report.toString());
  generator.eval();
  const input = tensor(mel.data, mel.shape);
  const wave = await generator.forward(input);
  const result = { shape: wave.shape, data: wave.toTypedArray() };
  for (const item of [generator, input, wave]) item.dispose();
  console.log(`${mel.shape.at(-1)} frames → wave (${result.shape.join(', ')})`);
  return result;
}

const engine = await init();
const [checkpointFile, melFile, waveFile] = process.argv.slice(2);
if (waveFile !== undefined) {
  const checkpoint = await openSafetensors(readFileSync(checkpointFile));
  writeFileSync(waveFile, writeNpy(await vocode(V1, checkpoint, '', readNpy(readFileSync(melFile)))));
} else {
  const file = fileURLToPath(new URL('small.safetensors', import.meta.url));
  const checkpoint = await openSafetensors(readFileSync(file));
  const { data } = await vocode(SMALL, checkpoint, 'generator.', await checkpoint.read('mel'));
  const { data: expected } = await checkpoint.read('wave');
  const difference = Math.max(...Array.from(data, (sample, i) => Math.abs(sample - expected[i])));
  assert.ok(difference < 1e-5, `${difference} away from PyTorch's wave`);
  console.log("like PyTorch's wave to 5 decimals");
}
assert.equal(engine.memory.tensors, 0);
engine.dispose();
