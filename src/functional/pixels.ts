/** Pictures in: interleaved 8-bit samples, as a canvas has them, to planar tensors. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import { checkInteger, checkNumber, checkOptions, describe, wrongType } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import type { ChannelScale } from '../plan/pixels.ts';
import { planPixelsToPlanes } from '../plan/pixels.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult } from './arguments.ts';

/** Samples of 0 … 255, row by row, interleaved: grey, RGB or RGBA. `ImageData` is one. */
export interface PixelSource {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface FromPixelsOptions {
  /** 1 grey, 3 RGB (default), 4 RGBA. */
  channels?: 1 | 3 | 4;
  /** Factor of the samples; default 1/255. */
  scale?: number;
  /** Subtracted after scaling: a number, or one per channel. */
  mean?: number | readonly number[];
  /** What the difference is divided by: a number, or one per channel. */
  std?: number | readonly number[];
  /** Default: the engine that `init()` made. */
  engine?: Engine;
}

/** A source that was checked, with the number of samples per pixel. */
export interface CheckedPixels extends PixelSource {
  readonly samples: 1 | 3 | 4;
}

const OPAQUE = 255;

/**
 * A picture as a float32 tensor (channels, height, width): (sample · scale − mean) / std.
 *
 * Grey becomes three equal channels. One channel of colours is their luma, 0.299 R + 0.587 G + 0.114 B. A fourth
 * channel that the source does not have is 255 before scaling; one that is not asked for is left out (the colours of
 * `ImageData` are not premultiplied, so they are whole without it).
 *
 * @throws {ShapeError} when the data is not 1, 3 or 4 samples per pixel.
 * @throws {ArgumentError} for option values; {TypeError} for data that is not 8-bit.
 *
 * @example
 * ```js
 * import { fromPixels, init } from 'upconv';
 *
 * await init();
 * const red = { data: Uint8ClampedArray.of(255, 0, 0, 255), width: 1, height: 1 };
 * console.log(fromPixels(red).toArray()); // [ [ [ 1 ] ], [ [ 0 ] ], [ [ 0 ] ] ]
 * ```
 */
export function fromPixels(pixels: PixelSource, options: FromPixelsOptions = {}): Tensor {
  const operation = 'fromPixels';
  const source = checkPixels(operation, pixels);
  checkOptions(operation, options, ['channels', 'scale', 'mean', 'std', 'engine']);
  const scales = channelScales(operation, options);
  const call = beginFromPixels(operation, source, scales, engineOrDefault(operation, options.engine));
  return call.engine.execute(call);
}

/** @throws {TypeError | ArgumentError | ShapeError} when `pixels` is not a picture of 8-bit samples. */
export function checkPixels(operation: string, pixels: unknown): CheckedPixels {
  if (typeof pixels !== 'object' || pixels === null) {
    throw wrongType(operation, 'pixels', '{ data, width, height }', pixels);
  }
  const { data, width, height } = pixels as Partial<PixelSource>;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new TypeError(
      `${operation}: pixels.data expected a Uint8Array or Uint8ClampedArray, got ${describe(data ?? pixels)}`,
    );
  }
  const columns = checkInteger(operation, 'pixels.width', width, 1);
  const rows = checkInteger(operation, 'pixels.height', height, 1);
  const samples = data.length / (columns * rows);
  if (samples !== 1 && samples !== 3 && samples !== 4) {
    const expected = `1, 3 or 4 samples for each of ${columns} x ${rows} pixels`;
    throw new ShapeError(operation, 'pixels.data', expected, `${data.length} samples`);
  }
  return { data, width: columns, height: rows, samples };
}

/** Factor and summand of each channel that `options` ask for. */
export function channelScales(operation: string, options: FromPixelsOptions): ChannelScale[] {
  const { channels = 3, scale = 1 / OPAQUE } = options;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new ArgumentError(operation, 'channels', '1, 3 or 4', describe(channels));
  }
  checkFinite(operation, 'scale', scale);
  const mean = perChannel(operation, 'mean', options.mean ?? 0, channels);
  const std = perChannel(operation, 'std', options.std ?? 1, channels);
  if (std.includes(0)) throw new ArgumentError(operation, 'std', 'numbers other than 0', describe(options.std));
  return mean.map((shift, c) => ({ scale: scale / std[c], offset: -shift / std[c] }));
}

function perChannel(operation: string, argument: string, value: unknown, channels: number): number[] {
  if (!Array.isArray(value)) {
    const number = checkFinite(operation, argument, value);
    return Array.from({ length: channels }, () => number);
  }
  if (value.length !== channels) {
    throw new ArgumentError(operation, argument, `a number or ${channels} numbers`, describe(value));
  }
  return Array.from(value, (entry: unknown) => checkFinite(operation, argument, entry));
}

function checkFinite(operation: string, argument: string, value: unknown): number {
  const number = checkNumber(operation, argument, value);
  if (!Number.isFinite(number)) throw new ArgumentError(operation, argument, 'a finite number', String(number));
  return number;
}

/** One plane per entry of `scales`. */
export function beginFromPixels(
  operation: string,
  { data, width, height, samples }: CheckedPixels,
  scales: readonly ChannelScale[],
  engine: Engine,
): Call<Tensor> {
  const length = width * height;
  const channels = scales.map((channel, c) =>
    // a constant in place of samples that are not there
    c < 3 || samples === 4 ? channel : { scale: 0, offset: OPAQUE * channel.scale + channel.offset },
  );
  const output = allocateResult(operation, engine, 'float32', [scales.length, height, width]);
  try {
    const temporary = engine.allocateStorage(operation, data.length);
    new Uint8Array(engine.buffer, temporary.ptr, data.length).set(data);
    engine.countCopiedIn(data.length);
    return {
      engine,
      operation,
      steps: [
        {
          stages: [planPixelsToPlanes(length, samples, channels)],
          workspaceBytes: NO_WORKSPACE,
          pointers: { pixels: temporary.ptr, planes: output.ptr },
        },
      ],
      reads: [],
      writes: [output.storage],
      finish: () => output,
      abandon: () => output.dispose(),
      release: () => temporary.release(),
    };
  } catch (error) {
    output.dispose();
    throw error;
  }
}
