import { bicubic, resample } from '../image/resample.ts';
import { channelPlane, colourChannels, quantize, type Picture, type Plane } from '../image/picture.ts';

/** Two sizes of one picture: what upscaling starts from and what it should arrive at, one plane per colour. */
export interface Pair {
  readonly scale: number;
  readonly low: readonly Plane[];
  readonly high: readonly Plane[];
}

/**
 * Shrinks the colours of `picture` by `scale` (antialiased bicubic, rounded as a stored picture would be). What exceeds
 * a multiple of `scale` at the right and bottom is left out, so that `high` is exactly `scale` times as large as `low`.
 */
export function shrinkToPair(picture: Picture, scale: number): Pair {
  const width = Math.floor(picture.width / scale);
  const height = Math.floor(picture.height / scale);
  const high = Array.from({ length: colourChannels(picture) }, (_, channel) =>
    channelPlane(picture, channel, width * scale, height * scale),
  );
  const low = high.map((plane) => quantize(resample(plane, width, height, bicubic), picture.depth));
  return { scale, low, high };
}
