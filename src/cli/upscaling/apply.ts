import { upscalePlanes, type ConvTranspose2d, type PlaneSink, type Region } from '../../index.ts';
import { allocateSamples, channelRows, colourChannels, hasAlpha, maxSample } from '../image/picture.ts';
import type { Picture, Plane } from '../image/picture.ts';
import { bicubic, resampleRows } from '../image/resample.ts';
import { CONTEXT } from '../image/upscale_kernel.ts';

/** Rows of alpha resampled at once. */
const ALPHA_ROWS = 64;

export interface ApplyOptions {
  readonly scale: number;
  /** Called after each tile with the output rows done. */
  readonly onRows?: (done: number) => void;
}

/** Time spent in the forward passes and the arithmetic they did (2 per product and sum). */
export interface ForwardCost {
  readonly milliseconds: number;
  readonly flops: number;
}

/** One channel of a picture of any layout: its value at (x, y) is `gain * data[first + step * (y * width + x)]`. */
export interface Channel {
  readonly data: ArrayLike<number>;
  readonly first: number;
  readonly step: number;
  readonly gain: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export const planeChannel = ({ data }: Plane): Channel => ({ data, first: 0, step: 1, gain: 1 });

/**
 * Channels `scale` times as large, by `module` (of `upscaleGeometry`), with the picture's edge pixels repeated beyond
 * the border. The result comes in tiles: all channels of a part of the large picture.
 */
export async function upscaleChannels(
  module: ConvTranspose2d,
  channels: readonly Channel[],
  size: Size,
  sink: PlaneSink,
): Promise<ForwardCost> {
  const started = performance.now();
  let elsewhere = 0;
  let flops = 0;
  const apart = (work: () => void): void => {
    const start = performance.now();
    work();
    elsewhere += performance.now() - start;
  };
  const source = {
    width: size.width + 2 * CONTEXT,
    height: size.height + 2 * CONTEXT,
    channels: channels.length,
    read(target: Float32Array, region: Region): void {
      flops += 2 * target.length * module.weight.size;
      apart(() => readPadded(channels, size, region, target));
    },
  };
  await upscalePlanes(module, source, (values, region) => apart(() => sink(values, region)));
  return { milliseconds: performance.now() - started - elsewhere, flops };
}

/** The whole picture `scale` times as large, in its own channels and depth: colours by `module`, alpha bicubic. */
export async function upscalePicture(
  module: ConvTranspose2d,
  picture: Picture,
  { scale, onRows }: ApplyOptions,
): Promise<{ picture: Picture; cost: ForwardCost }> {
  const { channels, depth } = picture;
  const width = picture.width * scale;
  const height = picture.height * scale;
  const max = maxSample(depth);
  const data = allocateSamples(width * height * channels, depth);
  const store = (values: ArrayLike<number>, from: number, channel: number, { rows, columns }: Region): void => {
    for (let y = rows.begin; y < rows.end; y++) {
      let to = (y * width + columns.begin) * channels + channel;
      for (let x = columns.begin; x < columns.end; x++, to += channels) {
        data[to] = Math.round(Math.min(1, Math.max(0, values[from++])) * max);
      }
    }
  };
  const colours = Array.from({ length: colourChannels(picture) }, (_, first) => {
    return { data: picture.data, first, step: channels, gain: 1 / max };
  });
  const cost = await upscaleChannels(module, colours, picture, (values, region) => {
    for (let c = 0; c < colours.length; c++) store(values, (c * values.length) / colours.length, c, region);
    onRows?.(region.rows.end);
  });
  if (hasAlpha(picture)) {
    const rowsOf = (begin: number, end: number): Plane => channelRows(picture, channels - 1, begin, end);
    for (let begin = 0; begin < height; begin += ALPHA_ROWS) {
      const rows = { begin, end: Math.min(begin + ALPHA_ROWS, height) };
      const values = resampleRows(rowsOf, picture, { width, height }, rows, bicubic);
      store(values, 0, channels - 1, { rows, columns: { begin: 0, end: width } });
    }
  }
  return { picture: { width, height, channels, depth, data }, cost };
}

/**
 * A region of the picture with CONTEXT pixels around it, edge pixels repeated, as (channels, rows, columns).
 * @param region in the padded picture, which begins at (-CONTEXT, -CONTEXT)
 */
export function readPadded(
  channels: readonly Channel[],
  { width, height }: Size,
  { rows, columns }: Region,
  target: Float32Array,
): void {
  const inside = (at: number, length: number): number => Math.min(length - 1, Math.max(0, at - CONTEXT));
  let to = 0;
  for (const { data, first, step, gain } of channels) {
    for (let y = rows.begin; y < rows.end; y++) {
      const row = inside(y, height) * width;
      for (let x = columns.begin; x < columns.end; x++) {
        target[to++] = gain * data[first + step * (row + inside(x, width))];
      }
    }
  }
}
