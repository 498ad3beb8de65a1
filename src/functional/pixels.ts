/** Pictures in and out: interleaved 8-bit samples, as a canvas has them, and planar tensors. */

import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { checkInteger, checkNumber, checkOptions, describe } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import type { ChannelScale } from '../plan/pixels.ts';
import { planPixelsToPlanes, planPlanesToPixels } from '../plan/pixels.ts';
import { Tensor } from '../tensor/tensor.ts';
import { allocateResult, checkTensor, commonEngine, storagesOf } from './arguments.ts';
import { denseOperands } from './dense.ts';

/** Samples of 0 … 255, row by row, interleaved: grey, RGB or RGBA. `ImageData` is one. */
export interface PixelSource {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** RGBA as `new ImageData(data, width, height)` takes it. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
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

export interface ToPixelsOptions {
  /**
   * Alpha of all pixels, 0 … 1; a tensor (H, W) of such values, axes of length 1 in front allowed; or one sample of
   * 0 … 255 per pixel. Default: the fourth channel of the tensor, else 1.
   */
  alpha?: number | Tensor | Uint8Array | Uint8ClampedArray;
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
 */
export function fromPixels(pixels: PixelSource, options: FromPixelsOptions = {}): Tensor {
  const operation = 'fromPixels';
  const source = checkPixels(operation, pixels);
  checkOptions(operation, options, ['channels', 'scale', 'mean', 'std', 'engine']);
  const scales = channelScales(operation, options);
  const call = beginFromPixels(operation, source, scales, engineOrDefault(operation, options.engine));
  return call.engine.execute(call);
}

/**
 * The picture in a tensor: round(255 · value), clamped to 0 … 255, halves to even, NaN to 0.
 *
 * @param t (C, H, W) or (1, C, H, W), any strides; C = 1 (grey), 3 (RGB) or 4 (RGBA)
 * @throws {ShapeError} for another shape, or an alpha that does not fit.
 * @throws {DtypeError} for a dtype that is not computed in.
 */
export function toPixels(t: Tensor, options: ToPixelsOptions = {}): Pixels {
  const operation = 'toPixels';
  checkOptions(operation, options, ['alpha']);
  const call = beginToPixels(operation, t, options.alpha);
  return call.engine.execute(call);
}

/** @throws {TypeError | ArgumentError | ShapeError} when `pixels` is not a picture of 8-bit samples. */
export function checkPixels(operation: string, pixels: unknown): CheckedPixels {
  if (typeof pixels !== 'object' || pixels === null) {
    throw new TypeError(`${operation}: pixels expected { data, width, height }, got ${describe(pixels)}`);
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
  return value.map((entry: unknown) => checkFinite(operation, argument, entry));
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

/** RGBA of a tensor; see `toPixels`. */
export function beginToPixels(operation: string, t: unknown, alpha: ToPixelsOptions['alpha']): Call<Pixels> {
  const source = checkTensor(operation, 't', t);
  const { engine, dtype, shape } = source;
  if (dtype !== 'float32' && dtype !== 'float64') throw new DtypeError(operation, 't', 'float32 or float64', dtype);
  const [channels, height, width] = shape.slice(-3);
  const batched = shape.length === 4 && shape[0] === 1;
  if (!(shape.length === 3 || batched) || ![1, 3, 4].includes(channels)) {
    throw new ShapeError(operation, 't', '(C, H, W) or (1, C, H, W) with C = 1, 3 or 4', formatShape(shape));
  }
  const length = width * height;
  const samples = isSamples(alpha) ? alpha : null;
  if (samples !== null && samples.length !== length) {
    throw new ShapeError(operation, 'alpha', `${length} samples for ${width} x ${height} pixels`, `${samples.length}`);
  }
  const constant = typeof alpha === 'number' ? checkAlpha(operation, alpha) : 1;
  const plane = alpha instanceof Tensor ? checkAlphaTensor(operation, alpha, source, [height, width]) : null;
  if (!(alpha === undefined || typeof alpha === 'number' || samples !== null || plane !== null)) {
    throw new TypeError(
      `${operation}: alpha expected a number, a Tensor, a Uint8Array or Uint8ClampedArray, got ${describe(alpha)}`,
    );
  }
  const converted = plane === null || plane.dtype === dtype ? null : plane.to(dtype);
  const { steps, pointers, release } = denseOperands(operation, {
    planes: source,
    ...(plane === null ? {} : { alpha: converted ?? plane }),
  });
  const releaseAll = (): void => {
    release();
    converted?.dispose();
  };
  try {
    const result = engine.allocateStorage(operation, 4 * length);
    const ownAlpha = alpha === undefined && channels === 4;
    const all = { ...pointers, pixels: result.ptr };
    return {
      engine,
      operation,
      steps: [
        ...steps,
        {
          stages: [planPlanesToPixels(dtype, length, Math.min(channels, 3), constant)],
          workspaceBytes: NO_WORKSPACE,
          pointers: ownAlpha ? { ...all, alpha: pointers.planes + (3 * source.byteLength) / 4 } : all,
        },
      ],
      reads: storagesOf([source, plane]),
      writes: [result],
      finish: () => {
        const data = new Uint8ClampedArray(4 * length);
        data.set(new Uint8Array(engine.buffer, result.ptr, 4 * length));
        engine.countCopiedOut(4 * length);
        result.release();
        if (samples !== null) for (let i = 0; i < length; i++) data[4 * i + 3] = samples[i];
        return { data, width, height };
      },
      abandon: () => result.release(),
      release: releaseAll,
    };
  } catch (error) {
    releaseAll();
    throw error;
  }
}

function isSamples(alpha: unknown): alpha is Uint8Array | Uint8ClampedArray {
  return alpha instanceof Uint8Array || alpha instanceof Uint8ClampedArray;
}

function checkAlpha(operation: string, alpha: number): number {
  if (!(alpha >= 0 && alpha <= 1)) throw new ArgumentError(operation, 'alpha', 'a number from 0 to 1', String(alpha));
  return alpha;
}

function checkAlphaTensor(operation: string, alpha: Tensor, source: Tensor, plane: readonly number[]): Tensor {
  checkTensor(operation, 'alpha', alpha);
  commonEngine(operation, source, { alpha });
  const { shape } = alpha;
  const fits = shape.length >= 2 && shape.slice(-2).every((length, axis) => length === plane[axis]);
  if (!fits || shape.slice(0, -2).some((length) => length !== 1)) {
    throw new ShapeError(operation, 'alpha', formatShape(plane), formatShape(shape));
  }
  return alpha;
}
