/** How like pictures are. */

import type { Tensor } from 'upconv';

/** Peak signal-to-noise ratio in dB of luma (N, 1, H, W) of 0 … 1, clamped as files are, without `rim` pixels of each side. */
export function psnr(estimate: Tensor, target: Tensor, rim: number): number {
  const [values, expected] = [estimate, target].map((t) => inside(t, rim));
  let sum = 0;
  values.forEach((value, i) => {
    sum += (Math.min(1, Math.max(0, value)) - expected[i]) ** 2;
  });
  return -10 * Math.log10(sum / values.length);
}

function inside(t: Tensor, rim: number): Float32Array {
  const [height, width] = t.shape.slice(2);
  const rows = t.narrow(2, rim, height - 2 * rim);
  const view = rows.narrow(3, rim, width - 2 * rim);
  const result = view.toTypedArray() as Float32Array;
  for (const item of [rows, view]) item.dispose();
  return result;
}
