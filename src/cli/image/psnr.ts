import type { Rectangle } from './holdout.ts';
import type { Plane } from './picture.ts';

/** Peak signal-to-noise ratio in dB for values in [0, 1]; Infinity for equal pictures. */
export function psnr(meanSquaredError: number): number {
  return -10 * Math.log10(meanSquaredError);
}

/**
 * Mean squared error over `rectangles` (pixels of these planes) and all channels. The estimate is clamped to [0, 1],
 * as it is when it is stored.
 */
export function meanSquaredError(
  estimate: readonly Plane[],
  target: readonly Plane[],
  rectangles: readonly Rectangle[],
): number {
  let sum = 0;
  let count = 0;
  for (const [channel, { data, width }] of target.entries()) {
    const values = estimate[channel].data;
    for (const r of rectangles) {
      for (let y = r.y; y < r.y + r.height; y++) {
        for (let i = y * width + r.x; i < y * width + r.x + r.width; i++) {
          const error = Math.min(1, Math.max(0, values[i])) - data[i];
          sum += error * error;
        }
      }
      count += r.width * r.height;
    }
  }
  return sum / count;
}
