/** Pictures of any size through a module, tile by tile. */

import { computeDtype, typedView } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { elementCount } from '../core/shape.ts';
import { checkInteger, checkOptions, wrongType } from '../core/validate.ts';
import type { Call, Procedure, Step } from '../engine/call.ts';
import { immediate, NO_WORKSPACE, perform } from '../engine/call.ts';
import { runProcedure, runProcedureSync } from '../engine/procedures.ts';
import { allocateResult } from '../functional/arguments.ts';
import type { CheckedPixels, PixelSource } from '../functional/pixels.ts';
import { beginFromPixels, channelScales, checkPixels } from '../functional/pixels.ts';
import type { Pixels } from '../functional/to_pixels.ts';
import { beginToPixels } from '../functional/to_pixels.ts';
import { KernelOperands } from '../functional/kernel_operands.ts';
import { planCopy } from '../plan/copy.ts';
import { tensor } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { IN_WORKERD } from '../threading/platform.ts';
import type { Module } from './module.ts';
import type { PictureNetwork, Region } from './picture_network.ts';
import { borrowNetwork, computeParts, layerParts, pictureNetwork, pictureSizes } from './picture_network.ts';
import { lengthOf } from './receptive_field.ts';
import type { Tiling } from './tiles.ts';
import { chooseTiles, regionsOf } from './tiles.ts';
import { createAlpha } from './upscale_alpha.ts';

export interface UpscaleOptions {
  /** Most rows of the source that one tile stands for. Tiles are smaller where the memory limit wants it. */
  tileRows?: number;
  signal?: AbortSignal;
  /** Called after each tile with the share of the picture that is done, up to 1. */
  onProgress?: (done: number) => void;
}

/** A picture as planes of floats, for samples that are not 8-bit. */
export interface PlaneSource {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Fills `target`, (channels, rows, columns) of the region, row-major. */
  read(target: Float32Array, region: Region): void;
}

/** Takes the values of a part of the result, (channels, rows, columns), row-major. */
export type PlaneSink = (values: Float32Array | Float64Array, region: Region) => void;

const MAXIMUM_PIXELS = 100e6;

/**
 * A picture through a module that maps pictures to pictures, on values 0 … 1. It is computed in tiles: beside the
 * weights it takes at most 32 MiB of wasm memory whatever the size, and the result equals that of the whole picture
 * at once: to the bit where tiles are whole rows and no layer has rows below some 50 pixels, of which vectors hold more
 * than one; else within the bound of float32.
 *
 * Alpha of an RGBA source is stretched bilinearly, as colours are not premultiplied; the result of any other is opaque.
 * Neither `pixels.data` nor a parameter may change before the promise has settled. The module may be frozen.
 *
 * @param module a ConvTranspose2d, or a Sequential of Conv2d, ConvTranspose2d and activations, with 3 input and output
 *   channels, or with 1: then each colour goes through by itself
 * @param pixels grey, RGB or RGBA samples of 0 … 255
 * @returns RGBA, as `toPixels` gives it
 * @throws {ArgumentError} for another module or option values
 * @throws {ShapeError} for data that does not fit its size, and an output below 1 pixel or above 100 megapixels
 * @throws the signal's reason when it is aborted
 *
 * @example
 * ```js
 * import { ConvTranspose2d, init, initializers, upscaleImage } from 'upconv';
 *
 * await init();
 * const double = new ConvTranspose2d(1, 1, 2, { stride: 2, bias: false }).eval();
 * initializers.constant_(double.weight, 1); // nearest neighbour; trained weights do better
 * const picture = { data: new Uint8Array(300 * 200 * 3), width: 300, height: 200 };
 * const { width, height } = await upscaleImage(double, picture);
 * console.log(width, height); // 600 400
 * ```
 */
export async function upscaleImage(module: Module, pixels: PixelSource, options: UpscaleOptions = {}): Promise<Pixels> {
  const { network, procedure } = begin('upscaleImage', module, pixels, options);
  return run('upscaleImage', network, procedure, options.signal);
}

/** As `upscaleImage`, at once. */
export function upscaleImageSync(module: Module, pixels: PixelSource, options: UpscaleOptions = {}): Pixels {
  const operation = 'upscaleImageSync';
  const { network, procedure } = begin(operation, module, pixels, options);
  const end = borrowNetwork(operation, network);
  try {
    return runProcedureSync(operation, procedure, options.signal);
  } finally {
    end();
  }
}

/**
 * As `upscaleImage`, for planes of any numbers: `source` is asked for the parts that tiles read, `sink` takes what
 * they make.
 * @returns the size of the result
 */
export async function upscalePlanes(
  module: Module,
  source: PlaneSource,
  sink: PlaneSink,
  options: UpscaleOptions = {},
): Promise<{ width: number; height: number }> {
  const operation = 'upscalePlanes';
  const network = pictureNetwork(operation, module);
  const channels = checkPlaneSource(operation, source, network);
  const images = channels / network.channels;
  const tiling = checkedTiling(operation, network, images, source, options);
  const [height, width] = tiling.size;
  const procedure = throughTiles(operation, network, tiling, source, options, {
    load: (region) =>
      immediate(operation, network.engine, () => {
        const shape = [channels, lengthOf(region.rows), lengthOf(region.columns)];
        const values = new Float32Array(elementCount(shape));
        source.read(values, region);
        return tensor(values, shape, { engine: network.engine });
      }),
    *store(planes, region) {
      sink(yield* perform(beginRead(operation, planes)), region);
    },
  });
  await run(operation, network, procedure, options.signal);
  return { width, height };
}

/** Where tiles come from, as (channels, rows, columns) in float32, and where they go. */
interface TileStore {
  load(region: Region): Call<Tensor>;
  store(planes: Tensor, region: Region): Procedure<void>;
}

async function run<T>(
  operation: string,
  network: PictureNetwork,
  procedure: Procedure<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const end = borrowNetwork(operation, network);
  try {
    if (IN_WORKERD) return runProcedureSync(operation, procedure, signal);
    return await runProcedure(procedure, { reads: network.storages, writes: [] }, signal);
  } finally {
    end();
  }
}

function begin(
  operation: string,
  module: Module,
  pixels: PixelSource,
  options: UpscaleOptions,
): { network: PictureNetwork; procedure: Procedure<Pixels> } {
  const network = pictureNetwork(operation, module);
  const source = checkPixels(operation, pixels);
  const channels = network.channels === 1 && source.samples === 1 ? 1 : 3;
  const tiling = checkedTiling(operation, network, channels / network.channels, source, options);
  return { network, procedure: pixelsThroughTiles(operation, network, tiling, source, channels, options) };
}

function* pixelsThroughTiles(
  operation: string,
  network: PictureNetwork,
  tiling: Tiling,
  source: CheckedPixels,
  channels: 1 | 3,
  options: UpscaleOptions,
): Procedure<Pixels> {
  const { engine } = network;
  const [height, width] = tiling.size;
  const scales = channelScales(operation, { channels });
  const data = new Uint8ClampedArray(4 * width * height);
  const setAlpha = createAlpha(source, width, height);
  yield* throughTiles(operation, network, tiling, source, options, {
    load: (region) => beginFromPixels(operation, cut(source, region), scales, engine),
    *store(planes, { rows, columns }) {
      const { data: tile } = yield* perform(beginToPixels(operation, planes, undefined));
      const rowBytes = 4 * lengthOf(columns);
      for (let row = rows.begin, from = 0; row < rows.end; row++, from += rowBytes) {
        data.set(tile.subarray(from, from + rowBytes), 4 * (row * width + columns.begin));
      }
      setAlpha?.(data, { rows, columns });
    },
  });
  return { data, width, height };
}

/** Rows of a picture, without a copy where they are whole. */
function cut({ data, width, samples }: CheckedPixels, { rows, columns }: Region): CheckedPixels {
  const [height, cutWidth] = [lengthOf(rows), lengthOf(columns)];
  const size = { width: cutWidth, height, samples };
  if (cutWidth === width) {
    return { ...size, data: data.subarray(rows.begin * width * samples, rows.end * width * samples) };
  }
  const copy = new Uint8Array(cutWidth * height * samples);
  for (let row = 0; row < height; row++) {
    const from = ((rows.begin + row) * width + columns.begin) * samples;
    copy.set(data.subarray(from, from + cutWidth * samples), row * cutWidth * samples);
  }
  return { ...size, data: copy };
}

function* throughTiles(
  operation: string,
  network: PictureNetwork,
  tiling: Tiling,
  { width, height }: { readonly width: number; readonly height: number },
  { signal, onProgress }: UpscaleOptions,
  tiles: TileStore,
): Procedure<void> {
  const sizes = pictureSizes(network, height, width);
  const total = tiling.size[0] * tiling.size[1];
  let done = 0;
  // the tensors of a procedure's first call stay in use until its end: this one has none
  yield* perform(immediate(operation, network.engine, () => undefined));
  for (const region of regionsOf(tiling)) {
    if (signal?.aborted) throw signal.reason;
    const parts = layerParts(network, sizes, region);
    const planes = yield* perform(tiles.load(parts[0].input));
    const input = asImages(planes, network);
    const output = yield* computeParts(operation, network, parts, input);
    try {
      const [images, channels, rows, columns] = output.shape;
      const result = output.reshape(images * channels, rows, columns);
      try {
        yield* tiles.store(result, region);
      } finally {
        result.dispose();
      }
    } finally {
      output.dispose();
    }
    done += lengthOf(region.rows) * lengthOf(region.columns);
    onProgress?.(done / total);
  }
}

/** (channels, rows, columns) as (images, channels of the network, rows, columns) in its dtype; frees `planes`. */
function asImages(planes: Tensor, { channels, dtype }: PictureNetwork): Tensor {
  const [all, rows, columns] = planes.shape;
  try {
    const images = planes.reshape(all / channels, channels, rows, columns);
    if (dtype === 'float32') return images;
    try {
      return images.to(dtype);
    } finally {
      images.dispose();
    }
  } finally {
    planes.dispose();
  }
}

/** Copies a tensor out, in the dtype that kernels compute in. */
function beginRead(operation: string, source: Tensor): Call<Float32Array | Float64Array> {
  const { engine, shape, size } = source;
  const dtype = computeDtype(source.dtype);
  const copy = source.isContiguous && source.dtype === dtype ? null : allocateResult(operation, engine, dtype, shape);
  const steps: Step[] = [];
  if (copy !== null) {
    const operands = new KernelOperands();
    const { strides } = operands.read('source', source);
    operands.raw('target', copy.ptr);
    steps.push(operands.step(engine, null, [planCopy(dtype, shape, strides, copy.strides)], NO_WORKSPACE));
  }
  return {
    engine,
    operation,
    reads: [source.storage],
    writes: [],
    steps,
    finish: () => {
      engine.countCopiedOut(source.byteLength);
      return typedView(dtype, engine.buffer, (copy ?? source).ptr, size).slice() as Float32Array | Float64Array;
    },
    abandon: () => undefined,
    release: () => copy?.dispose(),
  };
}

function checkPlaneSource(operation: string, source: PlaneSource, network: PictureNetwork): number {
  if (typeof source?.read !== 'function') {
    throw wrongType(operation, 'source', '{ width, height, channels, read }', source);
  }
  checkInteger(operation, 'source.width', source.width, 1);
  checkInteger(operation, 'source.height', source.height, 1);
  const channels = checkInteger(operation, 'source.channels', source.channels, 1);
  if (network.channels !== 1 && channels !== network.channels) {
    throw new ArgumentError(operation, 'source.channels', `${network.channels} as the module has`, String(channels));
  }
  return channels;
}

function checkedTiling(
  operation: string,
  network: PictureNetwork,
  images: number,
  { width, height }: { readonly width: number; readonly height: number },
  options: UpscaleOptions,
): Tiling {
  checkOptions(operation, options, ['tileRows', 'signal', 'onProgress']);
  const { tileRows = height, onProgress } = options;
  checkInteger(operation, 'tileRows', tileRows, 1);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType(operation, 'onProgress', 'a function', onProgress);
  }
  const sizes = pictureSizes(network, height, width);
  const [outHeight, outWidth] = sizes[sizes.length - 1];
  const size = `${outWidth} x ${outHeight} from ${width} x ${height}`;
  if (sizes.flat().some((length) => length < 1)) {
    throw new ShapeError(operation, 'pixels', 'at least one pixel behind every layer', size);
  }
  if (outWidth * outHeight > MAXIMUM_PIXELS) {
    const megapixels = (outWidth * outHeight) / 1e6;
    throw new ShapeError(operation, 'pixels', 'an output of at most 100 megapixels', `${megapixels} (${size})`);
  }
  const maximumRows = Math.max(1, Math.floor((tileRows * outHeight) / height));
  return chooseTiles(network, images, [height, width], maximumRows);
}
