/** Alpha of an upscaled picture: that of the source, stretched bilinearly with pixel centres aligned. */

import type { CheckedPixels } from '../functional/pixels.ts';
import type { Region } from './picture_network.ts';

/** Two neighbours of an output pixel along an axis, and the share of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/** Sets alpha in a region of RGBA samples of the whole result; null where the source is opaque. */
export function createAlpha(
  { data, width, height, samples }: CheckedPixels,
  outWidth: number,
  outHeight: number,
): ((target: Uint8ClampedArray, region: Region) => void) | null {
  if (samples !== 4 || isOpaque(data)) return null;
  const rowTaps = tapsOf(height, outHeight);
  const columnTaps = tapsOf(width, outWidth);
  return (target, { rows, columns }) => {
    for (let row = rows.begin; row < rows.end; row++) {
      const [upper, lower] = [4 * rowTaps.first[row] * width + 3, 4 * rowTaps.second[row] * width + 3];
      const down = rowTaps.share[row];
      for (let column = columns.begin; column < columns.end; column++) {
        const [left, right] = [4 * columnTaps.first[column], 4 * columnTaps.second[column]];
        const across = columnTaps.share[column];
        const above = data[upper + left] + across * (data[upper + right] - data[upper + left]);
        const below = data[lower + left] + across * (data[lower + right] - data[lower + left]);
        target[4 * (row * outWidth + column) + 3] = above + down * (below - above);
      }
    }
  };
}

function isOpaque(data: Uint8Array | Uint8ClampedArray): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false;
  return true;
}

function tapsOf(inputLength: number, outputLength: number): Taps {
  const [first, second] = [new Int32Array(outputLength), new Int32Array(outputLength)];
  const share = new Float32Array(outputLength);
  for (let i = 0; i < outputLength; i++) {
    const centre = Math.min(Math.max(((i + 0.5) * inputLength) / outputLength - 0.5, 0), inputLength - 1);
    first[i] = Math.floor(centre);
    second[i] = Math.min(first[i] + 1, inputLength - 1);
    share[i] = centre - first[i];
  }
  return { first, second, share };
}
