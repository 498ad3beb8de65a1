/** A number for all axes, one number per axis, or a one-element tuple for all axes. */
export type PerAxis = number | readonly number[];

/** Padding may also be given as [begin, end] per axis. */
export type Padding = PerAxis | readonly (readonly [number, number])[];

/** The options of the public API, plus a general crop of the full output. */
export interface RefOptions {
  stride?: PerAxis;
  padding?: Padding;
  outputPadding?: PerAxis;
  dilation?: PerAxis;
  groups?: number;
  /** Spatial or full output shape; replaces `outputPadding`. */
  outputSize?: readonly number[];
  /** Transposed only: the output is the full result cropped to [begin, begin + outputSpatial). */
  crop?: { begin: readonly number[]; outputSpatial: readonly number[] };
}

/** Options of a convolution: padding may also be a word. */
export interface RefConvOptions extends Omit<RefOptions, 'padding'> {
  padding?: Padding | 'same' | 'valid';
}

export function perAxis(value: PerAxis | undefined, axes: number, fallback: number): number[] {
  const values = value === undefined ? [fallback] : typeof value === 'number' ? [value] : [...value];
  return values.length === 1 ? Array.from({ length: axes }, () => values[0]) : values;
}

/** Padding of a transposed convolution, as [begin, end] per axis. */
export function cropPairs(padding: Padding | undefined, axes: number): [number, number][] {
  if (Array.isArray(padding) && Array.isArray(padding[0])) {
    return (padding as number[][]).map(([begin, end]) => [begin, end]);
  }
  return perAxis(padding as PerAxis | undefined, axes, 0).map((p) => [p, p]);
}

/** Padding of a convolution, as [begin, end] per axis; 'same' puts the odd element at the end. */
export function paddingPairs(
  padding: RefConvOptions['padding'],
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
