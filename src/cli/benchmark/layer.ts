/** A convolution or transposed convolution to be timed: its shapes and its operations. */

export interface Layer {
  readonly name: string;
  readonly model: string;
  /** Absent: a transposed convolution. */
  readonly kind?: 'conv';
  /** Spatial axes; every tuple below has that many entries. */
  readonly dims: 1 | 2 | 3;
  readonly batch: number;
  readonly cin: number;
  readonly cout: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  /** Zero in a convolution. */
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly dilation: readonly number[];
  /** Spatial size of the input. */
  readonly input: readonly number[];
  /** Where the numbers are from. */
  readonly source: string;
}

export interface Shapes {
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly output: readonly number[];
}

export function shapesOf(layer: Layer): Shapes {
  const { batch, cin, cout, groups, kernel, stride, padding, outputPadding, dilation } = layer;
  const isConv = layer.kind === 'conv';
  const spatial = layer.input.map((length, axis) => {
    const reach = dilation[axis] * (kernel[axis] - 1);
    return isConv
      ? Math.floor((length + 2 * padding[axis] - reach - 1) / stride[axis]) + 1
      : (length - 1) * stride[axis] - 2 * padding[axis] + reach + outputPadding[axis] + 1;
  });
  return {
    input: [batch, cin, ...layer.input],
    weight: isConv ? [cout, cin / groups, ...kernel] : [cin, cout / groups, ...kernel],
    output: [batch, cout, ...spatial],
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * Operations of the definition: every element of the smaller image (input of a transposed convolution, output of a
 * convolution) times every weight it meets, cropped and padded products too. Each gradient takes as many.
 */
export function flopsOf(layer: Layer): number {
  const { batch, cin, cout, groups, kernel } = layer;
  const [, , ...positions] = layer.kind === 'conv' ? shapesOf(layer).output : shapesOf(layer).input;
  return (2 * batch * sizeOf(positions) * cin * cout * sizeOf(kernel)) / groups;
}
