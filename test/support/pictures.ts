/** Pictures, and modules that enlarge them. */

import {
  Conv2d,
  ConvTranspose2d,
  GELU,
  LeakyReLU,
  manualSeed,
  PReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from '../../src/index.ts';
import type { Module, PixelSource } from '../../src/index.ts';
import { own } from './owned.ts';
import { randomSource } from './random.ts';

/** Smooth colours with some noise. */
export function picture(width: number, height: number, samples: 1 | 3 | 4 = 3): PixelSource {
  const next = randomSource(width * 1000 + height);
  const data = Uint8ClampedArray.from({ length: width * height * samples }, (_, i) => {
    const pixel = Math.floor(i / samples);
    return 128 + 90 * Math.sin(pixel / 7 + i) + 30 * next();
  });
  return { data, width, height };
}

/** Modules that map pictures to pictures, by what is special about them. */
export const PICTURE_MODULES: Record<string, () => Module> = {
  'kernel = stride': () => new ConvTranspose2d(1, 1, 2, { stride: 2 }),
  'overlapping, cropped': () => new ConvTranspose2d(1, 1, 8, { stride: 2, padding: 3 }),
  'three colours': () => new ConvTranspose2d(3, 3, 4, { stride: 2, padding: 1, activation: 'sigmoid' }),
  'scale 3, outputPadding': () => new ConvTranspose2d(1, 1, 5, { stride: 3, padding: 2, outputPadding: 2 }),
  'stride larger than kernel': () => new ConvTranspose2d(1, 1, 2, { stride: 5, outputPadding: 4 }),
  'dilated, other axes': () =>
    new ConvTranspose2d(3, 3, [3, 2], { stride: [2, 3], dilation: [2, 3], padding: [1, 2], outputPadding: [1, 0] }),
  'uneven padding': () =>
    new ConvTranspose2d(1, 1, 6, {
      stride: 2,
      padding: [
        [4, 1],
        [0, 3],
      ],
    }),
  'input activation': () => new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, inputActivation: 'sigmoid' }),
  'a network like FSRCNN': () =>
    new Sequential(
      new Conv2d(1, 12, 5, { padding: 2 }),
      new PReLU(12),
      new Sequential({ shrink: new Conv2d(12, 4, 1), act: new LeakyReLU(0.1) }),
      new Conv2d(4, 4, 3, { padding: 'same', activation: 'relu' }),
      new Conv2d(4, 12, 1, { padding: 'valid' }),
      new GELU(),
      new ConvTranspose2d(12, 1, 9, { stride: 2, padding: 4, outputPadding: 1 }),
    ),
  'two steps and a stride': () =>
    new Sequential(
      new Conv2d(3, 6, 4, { stride: 2, padding: 1 }),
      new Tanh(),
      new ConvTranspose2d(6, 4, 4, { stride: 2, padding: 1, groups: 2 }),
      new ConvTranspose2d(4, 3, 3, { stride: 3, bias: false }),
      new Sigmoid(),
    ),
  'padding wider than the kernel': () =>
    new Sequential(new Conv2d(1, 2, 2, { padding: 5, stride: 3 }), new ConvTranspose2d(2, 1, 3, { stride: 4 })),
  float64: () => new ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1, dtype: 'float64' }),
  float16: () =>
    new Sequential(
      new Conv2d(3, 5, 3, { padding: 1, dtype: 'float16', activation: 'silu' }),
      new PReLU(5, { dtype: 'float16' }),
      new ConvTranspose2d(5, 3, 4, { stride: 2, padding: 1, dtype: 'float16' }),
    ),
};

/** One of them, with the same parameters every time; the test owns it. */
export function build(name: string): Module {
  manualSeed(11);
  return own(PICTURE_MODULES[name]());
}
