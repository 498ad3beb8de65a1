import { allocateSamples, type Picture } from './picture.ts';

/** EXIF orientation: how the stored rows have to be turned to be upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Stored pixel `[column, row]` that is seen at (x, y); w and h are the stored picture's last column and row. */
const SOURCES: Record<Orientation, (x: number, y: number, w: number, h: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y, w) => [w - x, y],
  3: (x, y, w, h) => [w - x, h - y],
  4: (x, y, _w, h) => [x, h - y],
  5: (x, y) => [y, x],
  6: (x, y, _w, h) => [y, h - x],
  7: (x, y, w, h) => [w - y, h - x],
  8: (x, y, w) => [w - y, x],
};

/** The picture turned upright; 5 to 8 exchange width and height. */
export function orient(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture;
  const { channels, depth } = picture;
  const [width, height] = orientation >= 5 ? [picture.height, picture.width] : [picture.width, picture.height];
  const source = SOURCES[orientation];
  const data = allocateSamples(picture.data.length, depth);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = source(x, y, picture.width - 1, picture.height - 1);
      const from = (row * picture.width + column) * channels;
      for (let c = 0; c < channels; c++) data[to++] = picture.data[from + c]!;
    }
  }
  return { width, height, channels, depth, data };
}
