/** Crops of a picture in two sizes: random ones to train on, and others that training never sees. */

import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { fromPixels, tensor, toPixels } from 'upconv';
import type { Generator, Tensor } from 'upconv';
import { BORDER, shrink } from './bicubic.ts';
import { SCALE } from './network.ts';

/** The luma of a picture, 0 … 1, row by row, and what is left of it at the small size. `width` and `height` are of that. */
export interface Pair {
  readonly width: number;
  readonly height: number;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** (N, 1, side, side) and (N, 1, SCALE · side, SCALE · side) */
export interface Crops {
  readonly low: Tensor;
  readonly high: Tensor;
}

/** Corner of a crop in the small picture. */
interface Place {
  readonly pair: Pair;
  readonly x: number;
  readonly y: number;
}

/** The small picture is divided into blocks of this side. Those of odd column and odd row are held out. */
const BLOCK = 32;
/** Of a crop to train on. */
const TRAINING_SIDE = 24;
/** Pixels of the small picture around a block that is held out, as far as an output looks. */
export const CONTEXT = 8;

function isHeldOut(column: number, row: number): boolean {
  return column % 2 === 1 && row % 2 === 1;
}

/** Reads a PNG file and shrinks it, as a file of 8 bits would hold it. */
export async function readPair(file: string): Promise<Pair> {
  const picture = fromPixels(PNG.sync.read(readFileSync(file)), { channels: 1 }); // (1, H, W)
  const [height, width] = picture.shape.slice(1).map((length) => Math.floor(length / SCALE));
  const rows = picture.narrow(1, 0, SCALE * height);
  const high = rows.narrow(2, 0, SCALE * width);
  const exact = await shrink(high);
  const low = fromPixels(toPixels(exact), { channels: 1 });
  const pair = { width, height, low: numbers(low), high: numbers(high) };
  for (const item of [picture, rows, high, exact, low]) item.dispose();
  return pair;
}

function numbers(t: Tensor): Float32Array {
  return t.toTypedArray() as Float32Array;
}

/** Every block that is held out, with CONTEXT around it, where it lies inside. */
export function heldOutCrops(pairs: readonly Pair[]): Crops {
  const places = pairs.flatMap((pair) => {
    const blocks = (length: number): number[] => [...Array(Math.floor((length - CONTEXT - BORDER) / BLOCK)).keys()];
    return blocks(pair.height).flatMap((row) =>
      blocks(pair.width)
        .filter((column) => isHeldOut(column, row))
        .map((column) => ({ pair, x: column * BLOCK - CONTEXT, y: row * BLOCK - CONTEXT })),
    );
  });
  return cut(places, BLOCK + 2 * CONTEXT);
}

/** `count` crops that touch no block that is held out. */
export function randomCrops(pairs: readonly Pair[], count: number, generator: Generator): Crops {
  const below = (limit: number): number => generator.nextUint32() % limit;
  const places: Place[] = [];
  while (places.length < count) {
    const pair = pairs[below(pairs.length)];
    const place = { pair, x: below(pair.width - TRAINING_SIDE + 1), y: below(pair.height - TRAINING_SIDE + 1) };
    if (!touchesHeldOut(place)) places.push(place);
  }
  return cut(places, TRAINING_SIDE);
}

/** A crop is smaller than a block: the blocks under its corners are all that it touches. */
function touchesHeldOut({ x, y }: Place): boolean {
  const under = (begin: number): number[] => [begin, begin + TRAINING_SIDE - 1].map((at) => Math.floor(at / BLOCK));
  return under(y).some((row) => under(x).some((column) => isHeldOut(column, row)));
}

function cut(places: readonly Place[], side: number): Crops {
  const squares = (of: 'low' | 'high', scale: number): Tensor => {
    const length = scale * side;
    const data = new Float32Array(places.length * length ** 2);
    for (const [index, { pair, x, y }] of places.entries()) {
      for (let row = 0; row < length; row++) {
        const from = (scale * y + row) * scale * pair.width + scale * x;
        data.set(pair[of].subarray(from, from + length), (index * length + row) * length);
      }
    }
    return tensor(data, [places.length, 1, length, length]);
  };
  return { low: squares('low', 1), high: squares('high', SCALE) };
}
