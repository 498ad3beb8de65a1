/**
 * Which part of its input a convolution reads for a part of its output, one axis at a time: what it takes to compute
 * a picture in tiles that fit together without a seam.
 */

/** A convolution, or a transposed one, along one axis. */
export interface AxisLayer {
  readonly transposed: boolean;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: readonly [begin: number, end: number];
  /** Of transposed convolutions. */
  readonly outputPadding: number;
}

/** begin ≤ i < end */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** How to compute a part of the output of a layer. */
export interface AxisPart {
  /** What to read, never empty. */
  readonly input: Range;
  /** For that part of the input, in place of the layer's own. */
  readonly padding: readonly [begin: number, end: number];
  readonly outputPadding: number;
  /** Outputs in front of the wanted ones that come with them. */
  readonly skip: number;
}

export const lengthOf = ({ begin, end }: Range): number => end - begin;

/** Distance from the first to the last tap. */
const span = ({ kernel, dilation }: AxisLayer): number => (kernel - 1) * dilation;

/** Length of the whole output; below 1 where there is none. */
export function outputLength(layer: AxisLayer, inputLength: number): number {
  const { transposed, stride, padding, outputPadding } = layer;
  const padded = padding[0] + padding[1];
  if (transposed) return (inputLength - 1) * stride - padded + span(layer) + outputPadding + 1;
  return Math.floor((inputLength + padded - span(layer) - 1) / stride) + 1;
}

/** How to make `wanted` of the output that the layer has for `inputLength` elements. */
export function partFor(layer: AxisLayer, inputLength: number, wanted: Range): AxisPart {
  return layer.transposed ? scatteredPart(layer, inputLength, wanted) : gatheredPart(layer, inputLength, wanted);
}

/** Output o = i · stride + tap · dilation − padding. */
function scatteredPart(layer: AxisLayer, inputLength: number, wanted: Range): AxisPart {
  const { stride, padding } = layer;
  const first = wanted.begin + padding[0]; // before cropping
  const last = wanted.end - 1 + padding[0];
  // where the stride is larger than the kernel no input may reach the first output: the one before it has its place
  const reaching = Math.min(Math.ceil((first - span(layer)) / stride), Math.floor(first / stride));
  const begin = clamp(reaching, 0, inputLength - 1);
  const end = clamp(Math.floor(last / stride) + 1, begin + 1, inputLength);
  const made = (end - begin - 1) * stride + span(layer) + 1;
  const surplus = made - (last + 1 - begin * stride);
  return {
    input: { begin, end },
    padding: [first - begin * stride, Math.max(surplus, 0)],
    outputPadding: Math.max(-surplus, 0),
    skip: 0,
  };
}

/** Output o reads o · stride + tap · dilation − padding. */
function gatheredPart(layer: AxisLayer, inputLength: number, wanted: Range): AxisPart {
  const { stride, padding } = layer;
  const first = wanted.begin * stride - padding[0];
  const last = (wanted.end - 1) * stride - padding[0] + span(layer);
  const begin = clamp(first, 0, inputLength - 1);
  const end = clamp(last + 1, begin + 1, inputLength);
  // windows that lie in the padding behind the input: start earlier, in steps of the stride
  const skip = Math.ceil(Math.max(first - begin, 0) / stride);
  return {
    input: { begin, end },
    padding: [begin - (first - skip * stride), Math.max(last + 1 - end, 0)],
    outputPadding: 0,
    skip,
  };
}

function clamp(value: number, minimum: number, maximum: number): number {
  return Math.min(Math.max(value, minimum), maximum);
}
