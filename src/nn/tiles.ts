/** The division of a picture into tiles that fit a limited memory. */

import { computeDtype, elementBytes } from '../core/dtype.ts';
import type { PictureNetwork, Region } from './picture_network.ts';
import { layerParts, pictureSizes } from './picture_network.ts';
import { lengthOf } from './receptive_field.ts';

/** Tensors of one tile that live at once. What else the memory limit of 32 MiB has to hold: workspace and gaps. */
const TILE_BYTES = 12 * 2 ** 20;
/** How much more work whole rows may be: with them each output has the bits of the undivided picture. */
const WHOLE_ROWS_FACTOR = 1.3;
const COLUMN_COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

export interface Tiling {
  /** Height and width of the output. */
  readonly size: readonly [number, number];
  /** Rows and columns of a tile of the output; those at the end may be smaller. */
  readonly tile: readonly [number, number];
}

type Sizes = readonly (readonly [number, number])[];

interface Choice {
  readonly tile: readonly [number, number];
  readonly work: number;
}

/**
 * Tiles of `network` applied to a picture of `height` x `width` pixels.
 * @param images pictures side by side in the batch
 * @param maximumRows of a tile of the output
 */
export function chooseTiles(
  network: PictureNetwork,
  images: number,
  [height, width]: readonly [number, number],
  maximumRows: number,
): Tiling {
  const sizes = pictureSizes(network, height, width);
  const size = sizes[sizes.length - 1];
  const step = rowStep(network);
  let best: Choice | null = null;
  for (const count of COLUMN_COUNTS) {
    const columns = Math.ceil(size[1] / count);
    const rows = largestRows(Math.min(size[0], maximumRows), step, (rows) => {
      return bytesOf(network, images, sizes, middle(size, rows, columns)) <= TILE_BYTES;
    });
    if (rows === 0) continue;
    const tiles = (size[0] / rows) * count;
    const work = tiles * workOf(network, sizes, middle(size, rows, columns));
    if (best === null || work * WHOLE_ROWS_FACTOR < best.work) best = { tile: [rows, columns], work };
    if (columns === 1) break;
  }
  return { size, tile: best?.tile ?? [1, Math.ceil(size[1] / (COLUMN_COUNTS.at(-1) as number))] };
}

/** Tiles from the top left to the bottom right. */
export function* regionsOf({ size, tile }: Tiling): Generator<Region> {
  for (let row = 0; row < size[0]; row += tile[0]) {
    for (let column = 0; column < size[1]; column += tile[1]) {
      yield {
        rows: { begin: row, end: Math.min(row + tile[0], size[0]) },
        columns: { begin: column, end: Math.min(column + tile[1], size[1]) },
      };
    }
  }
}

/** Output rows after which the phases of the transposed convolutions repeat. */
function rowStep({ layers }: PictureNetwork): number {
  return layers.reduce((step, { axes }) => (axes?.[0].transposed ? step * axes[0].stride : step), 1);
}

/** Most rows that fit, a multiple of `step` where one fits; 0 when not even one row does. */
function largestRows(limit: number, step: number, fits: (rows: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const rows = Math.ceil((low + high) / 2);
    if (fits(rows)) low = rows;
    else high = rows - 1;
  }
  return low < limit && low > step ? low - (low % step) : low;
}

/** A tile away from the borders, where it reads most. */
function middle([height, width]: readonly [number, number], rows: number, columns: number): Region {
  const top = Math.floor((height - rows) / 2);
  const left = Math.floor((width - columns) / 2);
  return { rows: { begin: top, end: top + rows }, columns: { begin: left, end: left + columns } };
}

const areaOf = ({ rows, columns }: Region): number => lengthOf(rows) * lengthOf(columns);

/** Largest number of bytes that live at once for one tile. */
function bytesOf(network: PictureNetwork, images: number, sizes: Sizes, region: Region): number {
  const { dtype } = network;
  const computed = computeDtype(dtype);
  // beside float16 there is the copy that kernels compute with
  const bytes = (elementBytes(dtype) + (dtype === computed ? 0 : elementBytes(computed))) * images;
  let channels: number = network.channels;
  // the samples of the tile as they come in, and as RGBA as they go out
  let most = areaOf(region) * (network.channels * bytes + 4);
  layerParts(network, sizes, region).forEach(({ input, output }, position) => {
    const layer = network.layers[position];
    const inputElements = areaOf(input) * channels * (layer.copiesInput ? 2 : 1);
    const samples = position === 0 ? 4 * areaOf(input) : 0;
    most = Math.max(most, (inputElements + areaOf(output) * layer.channels) * bytes + samples);
    channels = layer.channels;
  });
  return most;
}

/** Multiplications and elements written for one tile. */
function workOf(network: PictureNetwork, sizes: Sizes, region: Region): number {
  let channels: number = network.channels;
  let work = 0;
  layerParts(network, sizes, region).forEach(({ input, output }, position) => {
    const { axes, channels: outChannels } = network.layers[position];
    if (axes !== null) {
      const area = axes[0].transposed ? areaOf(input) : areaOf(output);
      work += area * channels * outChannels * axes[0].kernel * axes[1].kernel;
    }
    work += areaOf(output) * outChannels;
    channels = outChannels;
  });
  return work;
}
