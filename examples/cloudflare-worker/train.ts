/**
 * Trains the layers of src/geometry.ts on a picture: shrinks it, and learns to undo that. Writes weights/x2.safetensors
 * and so on.
 *
 *   node train.ts [picture.png]
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Adam, conv2d, ConvTranspose2d, fromPixels, full, init, mseLoss, toPixels } from 'upconv';
import type { Tensor } from 'upconv';
import { writeSafetensors } from 'upconv/safetensors';
import { geometryOf, SCALES } from './src/geometry.ts';
import type { Scale } from './src/geometry.ts';
import { readPicture, withMargin } from './src/pictures.ts';
import type { Picture } from './src/pictures.ts';

const STEPS = 300;
const LEARNING_RATE = 3e-3;

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Colours as images of one channel, with sides that are multiples of `scale`. */
function planesOf(picture: Picture, scale: Scale): Tensor {
  const sides = [picture.height, picture.width].map((side) => Math.floor(side / scale) * scale);
  const planes = fromPixels(picture).narrow(1, 0, sides[0]).narrow(2, 0, sides[1]).contiguous();
  return planes.reshape(3, 1, sides[0], sides[1]);
}

/** Bilinear interpolation: training begins there. */
function bilinear(scale: Scale): Float32Array {
  const size = 4 * scale;
  const centre = Math.ceil(1.5 * scale) + (scale - 1) / 2;
  const axis = Array.from({ length: size }, (_, k) => Math.max(0, 1 - Math.abs(k - centre) / scale));
  return Float32Array.from({ length: size * size }, (_, i) => axis[Math.floor(i / size)] * axis[i % size]);
}

async function train(picture: Picture, scale: Scale): Promise<ConvTranspose2d> {
  const high = planesOf(picture, scale);
  const box = full([1, 1, scale, scale], 1 / scale ** 2);
  const low = await conv2d(high, box, null, { stride: scale });
  // edges, repeated: what an application does before it applies the layer
  const { data, width, height } = withMargin(toPixels(low.reshape(3, low.shape[2], low.shape[3])));
  const input = fromPixels({ data, width, height }).reshape(3, 1, height, width);
  const { kernelSize, ...geometry } = geometryOf(scale);
  const layer = new ConvTranspose2d(1, 1, kernelSize, { ...geometry, bias: false });
  layer.weight.copyFrom(bilinear(scale));
  const optimizer = new Adam(layer.parameters(), { lr: LEARNING_RATE });
  for (let step = 0; step < STEPS; step++) {
    for (const group of optimizer.paramGroups) group.lr = LEARNING_RATE * (1 - step / STEPS);
    optimizer.zeroGrad();
    const output = await layer.forward(input);
    const loss = await mseLoss(output, high);
    await layer.backward(loss.gradOutput, { gradInput: false });
    await optimizer.step();
    if ((step + 1) % 100 === 0)
      console.log(`x${scale}, step ${step + 1}: ${(-10 * Math.log10(loss.value)).toFixed(2)} dB`);
    loss.dispose();
    output.dispose();
  }
  return layer;
}

await init();
const picture = readPicture(readFileSync(process.argv[2] ?? path('../../assets/picture.png')), 2);
mkdirSync(path('weights'), { recursive: true });
for (const scale of SCALES) {
  const layer = await train(picture, scale);
  writeFileSync(path(`weights/x${scale}.safetensors`), writeSafetensors(layer.stateDict()));
}
