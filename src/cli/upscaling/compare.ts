import type { ConvTranspose2d } from '../../index.ts';
import { scaleRectangles, type Split } from '../image/holdout.ts';
import type { Plane } from '../image/picture.ts';
import { meanSquaredError, psnr } from '../image/psnr.ts';
import { bicubic, bilinear, nearest, resample } from '../image/resample.ts';
import { planeChannel, upscaleChannels } from './apply.ts';
import type { Pair } from './pair.ts';

/** PSNR in dB by method, on the measured blocks. */
export interface Comparison {
  readonly nearest: number;
  readonly bilinear: number;
  readonly bicubic: number;
  readonly learned: number;
}

/** How a picture is made larger without learning. */
export type Interpolation = Exclude<keyof Comparison, 'learned'>;

/** `pair.low` at the size of `pair.high`. */
export function interpolate({ low, high, scale }: Pair, method: Interpolation): Plane[] {
  if (method === 'nearest') return low.map((plane) => nearest(plane, scale));
  const filter = method === 'bilinear' ? bilinear : bicubic;
  return low.map((plane) => resample(plane, high[0].width, high[0].height, filter));
}

/** `pair.low` at the size of `pair.high`, by `module`. */
export async function upscaleLow(module: ConvTranspose2d, { low, high }: Pair): Promise<Plane[]> {
  const { width, height } = high[0];
  const planes: Plane[] = high.map(() => ({ width, height, data: new Float32Array(width * height) }));
  await upscaleChannels(module, low.map(planeChannel), low[0], (values, { rows, columns }) => {
    const columnCount = columns.end - columns.begin;
    let from = 0;
    for (const { data } of planes) {
      for (let y = rows.begin; y < rows.end; y++, from += columnCount) {
        data.set(values.subarray(from, from + columnCount), y * width + columns.begin);
      }
    }
  });
  return planes;
}

/** PSNR in dB of an estimate of `pair.high`, where training never looked. */
export function heldOutPsnr(estimate: readonly Plane[], { high, scale }: Pair, split: Split): number {
  return psnr(meanSquaredError(estimate, high, scaleRectangles(split.measured, scale)));
}

/** Upscales `pair.low` in four ways and compares with `pair.high` where training never looked. */
export async function compareMethods(module: ConvTranspose2d, pair: Pair, split: Split): Promise<Comparison> {
  const score = (estimate: readonly Plane[]): number => heldOutPsnr(estimate, pair, split);
  return {
    nearest: score(interpolate(pair, 'nearest')),
    bilinear: score(interpolate(pair, 'bilinear')),
    bicubic: score(interpolate(pair, 'bicubic')),
    learned: score(await upscaleLow(module, pair)),
  };
}
