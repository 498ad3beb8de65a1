/** Bicubic interpolation is a convolution with fixed weights: shrinking one with a stride, enlarging its transpose. */

import { conv2d, convTranspose2d, tensor } from 'upconv';
import type { Tensor } from 'upconv';
import { SCALE } from './network.ts';

const GEOMETRY = { stride: SCALE, padding: (3 * SCALE) / 2 };

/** Pixels of a small picture at its borders into which the zeros around the large one have gone. */
export const BORDER = 2;

/** Keys' cubic with a = −0.5, at a distance in pixels of the small picture. */
function keys(distance: number): number {
  const t = Math.abs(distance);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return ((2.5 - 0.5 * t) * t - 4) * t + 2;
}

/** (1, 1, 4 · SCALE, 4 · SCALE) */
function weight(gain: number): Tensor {
  const taps = Array.from({ length: 4 * SCALE }, (_, tap) => keys((tap + 0.5) / SCALE - 2));
  return tensor([[taps.map((vertical) => taps.map((horizontal) => gain * vertical * horizontal))]]);
}

/** (N, 1, H, W) → (N, 1, H / SCALE, W / SCALE), antialiased. */
export async function shrink(high: Tensor): Promise<Tensor> {
  const taps = weight(1 / SCALE ** 2);
  const low = await conv2d(high, taps, null, GEOMETRY);
  taps.dispose();
  return low;
}

/** (N, 1, H, W) → (N, 1, SCALE · H, SCALE · W) */
export async function enlarge(low: Tensor): Promise<Tensor> {
  const taps = weight(1);
  const high = await convTranspose2d(low, taps, null, GEOMETRY);
  taps.dispose();
  return high;
}
