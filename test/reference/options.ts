/** A number for all axes, one number per axis, or a one-element tuple for all axes. */
export type PerAxis = number | readonly number[];

/** Padding may also be given as [begin, end] per axis. */
export type Padding = PerAxis | readonly (readonly number[])[];

/** The options of the public API, plus a general crop of the full output. */
export interface RefOptions {
  stride?: PerAxis;
  padding?: Padding | 'same' | 'valid';
  outputPadding?: PerAxis;
  dilation?: PerAxis;
  groups?: number;
  /** Spatial or full output shape; replaces `outputPadding`. */
  outputSize?: readonly number[];
  /** Transposed only: the output is the full result cropped to [begin, begin + outputSpatial). */
  crop?: { begin: readonly number[]; outputSpatial: readonly number[] };
}

export function perAxis(value: PerAxis | undefined, axes: number, fallback: number): number[] {
  const values = value === undefined ? [fallback] : typeof value === 'number' ? [value] : [...value];
  return values.length === 1 ? Array.from({ length: axes }, () => values[0]) : values;
}

/** Padding of a transposed convolution, as [begin, end] per axis. */
export function cropPairs(padding: RefOptions['padding'], axes: number): [number, number][] {
  if (typeof padding === 'string') throw new Error(`a transposed convolution has no padding '${padding}'`);
  if (Array.isArray(padding) && Array.isArray(padding[0])) {
    return (padding as number[][]).map(([begin, end]) => [begin, end]);
  }
  return perAxis(padding as PerAxis | undefined, axes, 0).map((p) => [p, p]);
}

/** Padding of a convolution, as [begin, end] per axis; 'same' puts the odd element at the end. */
export function paddingPairs(
  padding: RefOptions['padding'],
  kernel: readonly number[],
  dilation: readonly number[],
): [number, number][] {
  if (padding === 'valid') return kernel.map(() => [0, 0]);
  if (padding === 'same') {
    return kernel.map((length, axis) => {
      const total = dilation[axis] * (length - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
  }
  return cropPairs(padding, kernel.length);
}
