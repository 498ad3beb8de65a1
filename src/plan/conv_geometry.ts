/**
 * Geometry of a transposed convolution, and of the convolution that is its adjoint. "input" and "output"
 * are those of the transposed convolution on both roads: the output axis is the strided, larger one.
 */

/** One spatial axis: output coordinate = input · stride + tap · dilation − crop, kept where 0 ≤ … < output. */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly crop: number;
}

export interface ConvGeometry {
  readonly batch: number;
  readonly groups: number;
  /** Channels per group. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** D, H, W; leading axes that an operation does not have are of length 1. */
  readonly axes: readonly [Axis, Axis, Axis];
}

/** Element strides of batch, channel and the three spatial axes. */
export interface Strides {
  readonly batch: number;
  readonly channel: number;
  readonly spatial: readonly [number, number, number];
}

/** True where channels lie side by side in memory, and positions apart. */
export function areNeighbours({ channel, spatial }: Pick<Strides, 'channel' | 'spatial'>): boolean {
  return channel === 1 && spatial[2] !== 1;
}

/** Element strides of a weight (inChannels, outChannels, kernel D, H, W). */
export interface WeightStrides {
  readonly inChannel: number;
  readonly outChannel: number;
  readonly spatial: readonly [number, number, number];
}

/** The axis that a missing dimension stands for. */
export const UNIT_AXIS: Axis = { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, crop: 0 };

/** A tap of one axis: input i adds to phase plane `residue` at i + shift. */
export interface AxisTap {
  readonly tap: number;
  readonly residue: number;
  readonly shift: number;
}

/** How the taps of one axis fall into phases. */
export interface AxisPhases {
  readonly taps: readonly AxisTap[];
  /** Residues that a tap reaches, ascending; only these have planes. */
  readonly residues: readonly number[];
  readonly maxShift: number;
  /** Plane coordinates that hold output: begin ≤ q < end. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Phases of one axis. Uncropped output coordinate u = i·s + k·d; phase u mod s, plane coordinate
 * ⌊u ÷ s⌋ = i + ⌊k·d ÷ s⌋.
 *
 * @param pruned leave out taps whose every destination is cropped
 */
export function axisPhases(axis: Axis, pruned: boolean): AxisPhases {
  const { input, output, kernel, stride, dilation, crop } = axis;
  const taps: AxisTap[] = [];
  for (let tap = 0; tap < kernel; tap++) {
    const u = tap * dilation;
    if (pruned) {
      const first = Math.max(0, Math.ceil((crop - u) / stride)); // first input that lands at or after the crop
      if (first >= input || first * stride + u - crop >= output) continue;
    }
    taps.push({ tap, residue: u % stride, shift: Math.floor(u / stride) });
  }
  const residues = [...new Set(taps.map(({ residue }) => residue))].sort((a, b) => a - b);
  const maxShift = taps.reduce((largest, { shift }) => Math.max(largest, shift), 0);
  const reach = input + maxShift;
  const begin = Math.min(Math.max(0, Math.floor(crop / stride)), reach - 1);
  const end = Math.max(begin + 1, Math.min(Math.ceil((crop + output) / stride), reach));
  return { taps, residues, maxShift, begin, end };
}

/** Multiply-adds · 2 of the operation: every tap of every input element, cropped or not. */
export function directFlops({ batch, groups, inChannels, outChannels, axes }: ConvGeometry): number {
  const taps = axes.reduce((product, { kernel }) => product * kernel, 1);
  const inputs = axes.reduce((product, { input }) => product * input, 1);
  return 2 * batch * groups * inChannels * outChannels * taps * inputs;
}
