/** Planes as something that a canvas can draw. */

import type { Plane } from '../../src/cli/image/picture.ts';

/** An opaque picture of one or three planes with values in [0, 1]; what is outside is clamped. */
export function toRaster(planes: readonly Plane[]): OffscreenCanvas {
  const { width, height } = planes[0];
  const pixels = new ImageData(width, height);
  for (let channel = 0; channel < 3; channel++) {
    const { data } = planes[Math.min(channel, planes.length - 1)];
    for (let i = 0; i < data.length; i++) pixels.data[4 * i + channel] = 255 * data[i];
  }
  for (let i = 3; i < pixels.data.length; i += 4) pixels.data[i] = 255;
  const raster = new OffscreenCanvas(width, height);
  raster.getContext('2d')!.putImageData(pixels, 0, 0);
  return raster;
}
