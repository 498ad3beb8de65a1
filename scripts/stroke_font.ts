/** Letters for pictures: drawn by the distance to strokes, so that they are sharp at any size and need no font file. */

/** Strokes on a 4 x 6 grid: points are two digits (column, row), strokes are separated by a semicolon. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: '06 20 46;14 34',
  B: '33 03 00 30 41 42 33 44 45 36 06 03',
  C: '41 30 10 01 05 16 36 45',
  D: '06 00 20 42 44 26 06',
  E: '40 00 06 46;03 33',
  F: '40 00 06;03 33',
  G: '41 30 10 01 05 16 36 45 43 23',
  H: '00 06;40 46;03 43',
  I: '10 30;20 26;16 36',
  J: '40 45 36 16 05',
  K: '00 06;40 03 46',
  L: '00 06 46',
  M: '06 00 23 40 46',
  N: '06 00 46 40',
  O: '10 30 41 45 36 16 05 01 10',
  P: '06 00 30 41 42 33 03',
  Q: '10 30 41 45 36 16 05 01 10;24 46',
  R: '06 00 30 41 42 33 03;23 46',
  S: '41 30 10 01 02 13 33 44 45 36 16 05',
  T: '00 40;20 26',
  U: '00 05 16 36 45 40',
  V: '00 26 40',
  W: '00 16 23 36 40',
  X: '00 46;40 06',
  Y: '00 23 40;23 26',
  Z: '00 40 06 46',
  0: '10 30 41 45 36 16 05 01 10;05 41',
  1: '11 20 26;16 36',
  2: '01 10 30 41 42 06 46',
  3: '00 40 23 33 44 45 36 16 05',
  4: '36 30 04 44',
  5: '40 00 03 33 44 45 36 16 05',
  6: '41 30 10 01 05 16 36 45 44 33 03',
  7: '00 40 16',
  8: '10 30 41 42 33 13 02 01 10;13 04 05 16 36 45 44 33',
  9: '43 13 02 01 10 30 41 45 36 16 05',
  '-': '13 33',
};
/** Grid units from one glyph to the next. */
const ADVANCE = 6;

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Segment {
  readonly from: Point;
  readonly to: Point;
}

const SEGMENTS = new Map<string, Segment[]>(
  Object.entries(GLYPHS).map(([glyph, strokes]) => [
    glyph,
    strokes.split(';').flatMap((stroke) => {
      const points = stroke.split(' ').map((point) => ({ x: Number(point[0]), y: Number(point[1]) }));
      return points.slice(1).map((to, i) => ({ from: points[i], to }));
    }),
  ]),
);

export interface TextLine {
  readonly text: string;
  /** Top left corner. */
  readonly x: number;
  readonly y: number;
  /** Pixels per grid unit: capitals are 6 units high. */
  readonly unit: number;
}

/** Whether the point (x, y) lies on a stroke of the line. */
export function isInText({ text, x: left, y: top, unit }: TextLine, x: number, y: number): boolean {
  const v = (y - top) / unit;
  const along = (x - left) / unit;
  const index = Math.floor((along + 1) / ADVANCE);
  if (v < -1 || v > 7 || index < 0 || index >= text.length) return false;
  const u = along - index * ADVANCE;
  return (SEGMENTS.get(text[index]) ?? []).some((segment) => segmentDistance(u, v, segment) < 0.45);
}

function segmentDistance(x: number, y: number, { from, to }: Segment): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const t = Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - from.x - t * dx, y - from.y - t * dy);
}
