import type { Plane } from './picture.ts';

/** Interpolation filter: even, zero from `support` on. */
export interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

/** Triangle. */
export const bilinear: Filter = {
  support: 1,
  weight: (distance) => Math.max(0, 1 - Math.abs(distance)),
};

/** Keys' cubic convolution with a = -0.5, the value Pillow uses. */
export const bicubic: Filter = {
  support: 2,
  weight(distance) {
    const a = -0.5;
    const t = Math.abs(distance);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
    return 0;
  },
};

/** Source samples and weights of one output sample; weights sum to 1. */
export interface Taps {
  readonly start: number;
  readonly weights: readonly number[];
}

/**
 * Taps for every output sample of one axis. Pixel centres are aligned; when shrinking, the filter is widened by the
 * factor, which removes what the smaller picture cannot hold (antialiasing). At the ends the window is cut and renormalised.
 */
export function resampleTaps(inputLength: number, outputLength: number, filter: Filter): Taps[] {
  const step = inputLength / outputLength;
  const width = Math.max(step, 1);
  return Array.from({ length: outputLength }, (_, i) => {
    const centre = (i + 0.5) * step;
    const start = Math.max(0, Math.floor(centre - filter.support * width + 0.5));
    const end = Math.min(inputLength, Math.floor(centre + filter.support * width + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) => filter.weight((start + k + 0.5 - centre) / width));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { start, weights: raw.map((weight) => weight / sum) };
  });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Resamples a plane to `width` x `height`, rows first, then columns. */
export function resample(plane: Plane, width: number, height: number, filter: Filter): Plane {
  const rowsOf = (begin: number, end: number): Plane => {
    return { ...plane, height: end - begin, data: plane.data.subarray(begin * plane.width, end * plane.width) };
  };
  const data = resampleRows(rowsOf, plane, { width, height }, { begin: 0, end: height }, filter);
  return { width, height, data };
}

/**
 * Rows `begin` ... `end - 1` of a resampled plane, so that a large one need not be there as a whole.
 * @param rowsOf gives rows of the plane
 */
export function resampleRows(
  rowsOf: (begin: number, end: number) => Plane,
  from: Size,
  { width, height }: Size,
  { begin, end }: { readonly begin: number; readonly end: number },
  filter: Filter,
): Float32Array<ArrayBuffer> {
  const rows = resampleTaps(from.height, height, filter).slice(begin, end);
  const first = rows[0].start;
  const last = rows[rows.length - 1];
  const wide = widen(rowsOf(first, last.start + last.weights.length), width, filter);
  const data = new Float32Array(width * rows.length);
  const line = new Float64Array(width);
  for (const [y, { start, weights }] of rows.entries()) {
    line.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const from = (start - first + k) * width;
      const weight = weights[k];
      for (let x = 0; x < width; x++) line[x] += weight * wide[from + x];
    }
    data.set(line, y * width);
  }
  return data;
}

/** Every row resampled to `width`. */
function widen(plane: Plane, width: number, filter: Filter): Float32Array {
  const columns = resampleTaps(plane.width, width, filter);
  const wide = new Float32Array(width * plane.height);
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < width; x++) {
      const { start, weights } = columns[x];
      const from = y * plane.width + start;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * plane.data[from + k];
      wide[y * width + x] = sum;
    }
  }
  return wide;
}

/** Repeats every sample `scale` times along both axes. */
export function nearest(plane: Plane, scale: number): Plane {
  const width = plane.width * scale;
  const height = plane.height * scale;
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = Math.floor(y / scale) * plane.width;
    for (let x = 0; x < width; x++) data[y * width + x] = plane.data[from + Math.floor(x / scale)]!;
  }
  return { width, height, data };
}
