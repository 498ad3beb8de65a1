import type { ConvTranspose2d } from '../../index.ts';
import { scaleRectangles, type Split } from '../image/holdout.ts';
import type { Plane } from '../image/picture.ts';
import { meanSquaredError, psnr } from '../image/psnr.ts';
import { bicubic, bilinear, nearest, resample, type Filter } from '../image/resample.ts';
import { planeChannel, upscaleChannels } from './apply.ts';
import type { Pair } from './pair.ts';

/** PSNR in dB by method, on the measured blocks. */
export interface Comparison {
  readonly nearest: number;
  readonly bilinear: number;
  readonly bicubic: number;
  readonly learned: number;
}

/** Upscales `pair.low` in four ways and compares with `pair.high` where training never looked. */
export async function compareMethods(module: ConvTranspose2d, pair: Pair, split: Split): Promise<Comparison> {
  const { low, high, scale } = pair;
  const { width, height } = high[0];
  const measured = scaleRectangles(split.measured, scale);
  const score = (estimate: readonly Plane[]): number => psnr(meanSquaredError(estimate, high, measured));
  const resampled = (filter: Filter): number => score(low.map((plane) => resample(plane, width, height, filter)));
  const learned: Plane[] = high.map(() => ({ width, height, data: new Float32Array(width * height) }));
  await upscaleChannels(module, low.map(planeChannel), low[0], (values, { rows, columns }) => {
    const columnCount = columns.end - columns.begin;
    let from = 0;
    for (const { data } of learned) {
      for (let y = rows.begin; y < rows.end; y++, from += columnCount) {
        data.set(values.subarray(from, from + columnCount), y * width + columns.begin);
      }
    }
  });
  return {
    nearest: score(low.map((plane) => nearest(plane, scale))),
    bilinear: resampled(bilinear),
    bicubic: resampled(bicubic),
    learned: score(learned),
  };
}
