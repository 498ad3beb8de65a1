/** Pictures of a DCGAN generator from PyTorch's weights: a small one beside what PyTorch makes of it, or yours. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { init, manualSeed, randn, tensor, toPixels } from 'upconv';
import type { Tensor } from 'upconv';
import { readSafetensors } from 'upconv/safetensors';
import { loadGenerator } from './generator.ts';

/** Writes the first of some pictures, whose samples are −1 … 1. */
function writePicture(file: string, pictures: Tensor): void {
  const unit = pictures.toTypedArray().map((sample) => (sample + 1) / 2);
  const [, ...shape] = pictures.shape;
  const { data, width, height } = toPixels({ shape, data: unit.subarray(0, shape[0] * shape[1] * shape[2]) });
  const png = new PNG({ width, height });
  png.data.set(data);
  writeFileSync(file, PNG.sync.write(png));
}

const engine = await init();
const [checkpointFile, pictureFile, seed = '0'] = process.argv.slice(2);
const small = fileURLToPath(new URL('small.safetensors', import.meta.url));
const state = readSafetensors(readFileSync(checkpointFile ?? small));
const generator = loadGenerator(state).eval();

if (pictureFile !== undefined) {
  manualSeed(Number(seed));
  const noise = randn([1, state['main.0.weight'].shape[0], 1, 1]);
  const pictures = await generator.forward(noise);
  writePicture(pictureFile, pictures);
  console.log(`${pictureFile}: (${pictures.shape.slice(1).join(', ')})`);
  for (const item of [noise, pictures]) item.dispose();
} else {
  const noise = tensor(state['noise'].data, state['noise'].shape);
  const pictures = await generator.forward(noise);
  const samples = pictures.toTypedArray();
  const expected = state['pictures'].data;
  const difference = Math.max(...Array.from(samples, (sample, i) => Math.abs(sample - expected[i])));
  assert.ok(difference < 1e-5, `${difference} away from PyTorch's pictures`);
  console.log(`pictures (${pictures.shape.join(', ')}): like PyTorch's to 5 decimals`);
  for (const item of [noise, pictures]) item.dispose();
}
generator.dispose();
assert.equal(engine.memory.tensors, 0);
engine.dispose();
