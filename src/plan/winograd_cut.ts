/** How the tiles of a Toom-Cook product are cut into items. */

import { ceilDiv, missingItems, roundUp } from './blocking.ts';

/** Transformed input of an item, in L2. */
const PANELS_BYTES = 1024 * 1024;
/** Columns for which weights are worth reading, in at most so many bytes. */
const USEFUL_COLUMNS = 24;
const LARGEST_PANELS_BYTES = 4 * PANELS_BYTES;
const MOST_COLUMNS = 128;
/** Products of a slab. */
const PRODUCTS_BYTES = 2 * PANELS_BYTES;
/** Multiply-adds of a product by points, of those of a direct one. */
const SAVED = 0.4;
/** Columns of a strip. */
const NR = 8;
/** To pack the borders of an item's lines takes as long as to transform so many columns. */
const BOX_COLUMNS = 4;
/** Each item reads the weight again, so there are fewer than elsewhere. */
const ENOUGH_ITEMS = 8;
/** Where there are too few items, threads wait, and where they are long, a page: this share more at worst. */
const FEW_ITEMS = 0.7;

export interface Cut {
  /** Of an item. */
  readonly images: number;
  /** Of an item, along D, H, W. */
  readonly tiles: readonly [number, number, number];
  /** Tiles of all images of an item, in whole strips. */
  readonly columns: number;
  /** Into how many parts the slabs are divided, so that there are items enough. */
  readonly parts: number;
  /** Items per group and part. */
  readonly count: number;
}

/** What decides between cuts. */
export interface CutCost {
  /** Bytes of transformed input per column. */
  readonly columnBytes: number;
  /** Bytes of the products of a slab per column. */
  readonly productBytes: number;
  /** Cycles per column: in every part, and in all of them together. */
  readonly perPart: number;
  readonly inAll: number;
  /** Cycles per item that a column more does not add to: the weight comes from a distant cache. */
  readonly perItem: number;
  readonly groups: number;
  readonly slabs: number;
  /** Of the whole product: what a direct one takes. */
  readonly flops: number;
}

/**
 * The cut that takes least time: few columns that are no tile, and no more parts than needed, because each part transforms
 * its input again. Whole rows of tiles where they fit, whole images where these are small.
 *
 * @param total tiles of an image along D, H, W
 */
export function chooseCut(
  total: readonly [number, number, number],
  batch: number,
  { columnBytes, productBytes, perPart, inAll, perItem, groups, slabs, flops }: CutCost,
): Cut {
  const [d, h, w] = total;
  const useful = Math.min(USEFUL_COLUMNS, Math.floor(LARGEST_PANELS_BYTES / columnBytes));
  const byPanels = Math.max(NR, useful, Math.floor(PANELS_BYTES / columnBytes));
  const byProducts = Math.max(NR, Math.floor(PRODUCTS_BYTES / productBytes));
  const most = Math.min(MOST_COLUMNS, byPanels, byProducts);
  let best: Cut | null = null;
  let least = Infinity;
  const consider = (images: number, tiles: readonly [number, number, number]): void => {
    const used = images * tiles[0] * tiles[1] * tiles[2];
    const columns = roundUp(used, NR);
    const boxes = tiles.reduce((product, length, axis) => product * ceilDiv(total[axis], length), 1);
    const count = boxes * ceilDiv(batch, images);
    const wanted = missingItems(flops * SAVED, groups * count, ENOUGH_ITEMS);
    const parts = Math.min(slabs, wanted);
    const work = count * ((columns + BOX_COLUMNS) * parts * perPart + columns * inAll + perItem);
    const cost = work * (1 + FEW_ITEMS * (1 - parts / wanted));
    if (cost >= least) return;
    best = { images, tiles, columns, parts, count };
    least = cost;
  };
  for (let length = 1; length <= Math.min(w, most); length++) consider(1, [1, 1, length]);
  for (let length = 2; length <= Math.min(h, most / w); length++) consider(1, [1, length, w]);
  for (let length = 2; length <= Math.min(d, most / (h * w)); length++) consider(1, [length, h, w]);
  for (let images = 2; images <= Math.min(batch, most / (d * h * w)); images++) consider(images, total);
  return best!;
}
