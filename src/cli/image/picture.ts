/** Decoded picture: interleaved samples, alpha (if any) last and not premultiplied. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly depth: 8 | 16;
  readonly data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
}

/** One channel, row-major, samples scaled to [0, 1] as they are stored (no gamma is undone). */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Largest sample value of a bit depth. */
export function maxSample(depth: 8 | 16): number {
  return depth === 8 ? 255 : 65535;
}

/** Zeroed samples for a picture of this form. */
export function allocateSamples(size: number, depth: 8 | 16): Picture['data'] {
  return depth === 8 ? new Uint8Array(size) : new Uint16Array(size);
}

/** Number of colour channels; what remains is alpha. */
export function colourChannels(picture: Picture): 1 | 3 {
  return picture.channels < 3 ? 1 : 3;
}

export function hasAlpha(picture: Picture): boolean {
  return picture.channels % 2 === 0;
}

/** Channel `channel` of the top left `width` x `height` part, as values in [0, 1]. */
export function channelPlane(picture: Picture, channel: number, width: number, height: number): Plane {
  return cutChannel(picture, channel, width, 0, height);
}

/** Rows `begin` ... `end - 1` of channel `channel`, as values in [0, 1]. */
export function channelRows(picture: Picture, channel: number, begin: number, end: number): Plane {
  return cutChannel(picture, channel, picture.width, begin, end);
}

function cutChannel(picture: Picture, channel: number, width: number, begin: number, end: number): Plane {
  const height = end - begin;
  const data = new Float32Array(width * height);
  const scale = 1 / maxSample(picture.depth);
  for (let y = 0; y < height; y++) {
    let from = (begin + y) * picture.width * picture.channels + channel;
    for (let x = 0; x < width; x++, from += picture.channels) data[y * width + x] = picture.data[from] * scale;
  }
  return { width, height, data };
}

/** Clamps to [0, 1] and rounds to the samples of `depth`, in place: what a stored picture would hold. */
export function quantize(plane: Plane, depth: 8 | 16): Plane {
  const max = maxSample(depth);
  const { data } = plane;
  for (let i = 0; i < data.length; i++) data[i] = Math.round(Math.min(1, Math.max(0, data[i])) * max) / max;
  return plane;
}

/** Human-readable form: `768 x 512, RGB, 8 bit`. */
export function describePicture(picture: Picture): string {
  const colours = ['grey', 'grey + alpha', 'RGB', 'RGB + alpha'][picture.channels - 1];
  return `${picture.width} x ${picture.height}, ${colours}, ${picture.depth} bit`;
}
