/** Pixels x … x + width - 1, y … y + height - 1. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a picture is divided, in pixels of the small picture of the pair. */
export interface Split {
  /** Side of the blocks. */
  readonly block: number;
  /** Side of a training crop of the small picture. */
  readonly crop: number;
  /** Blocks no training crop touches: those with odd column and odd row, about a quarter of the picture. */
  readonly withheld: readonly Rectangle[];
  /** What is measured: the withheld blocks without the rim that shows through the shrinking filter in crops beside them. */
  readonly measured: readonly Rectangle[];
}

const LARGEST_BLOCK = 32;
const SMALLEST_BLOCK = 8;
/** A small picture gets smaller blocks, so that there are several of them. */
const BLOCKS_PER_SIDE = 6;
const LARGEST_CROP = 24;
/** Antialiased bicubic reaches 2 small pixels from a centre, so 1.5 beyond the pixel itself. */
const RIM = 2;

/** Smallest side of the small picture: two blocks of 8, so that a block minus its rims and a crop minus its context remain. */
export const SMALLEST_SIDE: number = 2 * SMALLEST_BLOCK;

/** Divides a small picture of at least SMALLEST_SIDE squared. */
export function splitPicture(width: number, height: number): Split {
  const wanted = Math.floor(Math.min(width, height) / BLOCKS_PER_SIDE);
  const block = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, wanted));
  const withheld: Rectangle[] = [];
  for (let y = block; y + block <= height; y += 2 * block) {
    for (let x = block; x + block <= width; x += 2 * block) withheld.push({ x, y, width: block, height: block });
  }
  const measured = withheld.map((r) => ({
    x: r.x + RIM,
    y: r.y + RIM,
    width: r.width - 2 * RIM,
    height: r.height - 2 * RIM,
  }));
  return { block, crop: Math.min(block, LARGEST_CROP), withheld, measured };
}

/**
 * Top left corner of a random crop that touches no withheld block, uniform over all such places.
 * `random` gives numbers in [0, 1).
 */
export function randomCrop(
  split: Split,
  width: number,
  height: number,
  random: () => number,
): { x: number; y: number } {
  // The first row and column of blocks are never withheld, so the loop ends.
  for (;;) {
    const x = Math.floor(random() * (width - split.crop + 1));
    const y = Math.floor(random() * (height - split.crop + 1));
    if (!split.withheld.some((r) => overlaps(r, x, y, split.crop))) return { x, y };
  }
}

/** The same rectangles in a picture `scale` times as large. */
export function scaleRectangles(rectangles: readonly Rectangle[], scale: number): Rectangle[] {
  return rectangles.map((r) => ({ x: r.x * scale, y: r.y * scale, width: r.width * scale, height: r.height * scale }));
}

function overlaps(r: Rectangle, x: number, y: number, side: number): boolean {
  return x < r.x + r.width && r.x < x + side && y < r.y + r.height && r.y < y + side;
}
