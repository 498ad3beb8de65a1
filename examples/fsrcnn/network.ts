/** FSRCNN (Dong, Loy and Tang: Accelerating the Super-Resolution Convolutional Neural Network, 2016). */

import { Conv2d, ConvTranspose2d, initializers, PReLU, Sequential } from 'upconv';
import type { Module } from 'upconv';

/** How many times larger pictures become along each axis. */
export const SCALE = 2;

/** The smaller network of the paper, FSRCNN-s: channels of features, channels after shrinking, convolutions there. */
const [FEATURES, SHRUNK, MAPPINGS] = [32, 5, 1];

/** A convolution that keeps the size, and a PReLU with a slope per channel. */
function convPrelu(inChannels: number, outChannels: number, kernelSize: number): Module[] {
  const conv = new Conv2d(inChannels, outChannels, kernelSize, { padding: (kernelSize - 1) / 2 });
  initializers.kaimingUniform_(conv.weight, { a: 0.25, nonlinearity: 'leakyRelu' }); // slopes begin with 0.25
  initializers.constant_(conv.bias!, 0);
  return [conv, new PReLU(outChannels)];
}

/**
 * Luma (N, 1, H, W) → (N, 1, SCALE · H, SCALE · W). Everything is computed at the small size; a transposed convolution
 * enlarges at the end. Its names are those that implementations in PyTorch use.
 */
export function fsrcnn(): Sequential {
  const enlarge = new ConvTranspose2d(FEATURES, 1, 9, { stride: SCALE, padding: 4, outputPadding: SCALE - 1 });
  initializers.normal_(enlarge.weight, 0, 0.001);
  initializers.constant_(enlarge.bias!, 0);
  return new Sequential({
    first_part: new Sequential(...convPrelu(1, FEATURES, 5)),
    mid_part: new Sequential(
      ...convPrelu(FEATURES, SHRUNK, 1),
      ...Array.from({ length: MAPPINGS }, () => convPrelu(SHRUNK, SHRUNK, 3)).flat(),
      ...convPrelu(SHRUNK, FEATURES, 1),
    ),
    last_part: enlarge,
  });
}
