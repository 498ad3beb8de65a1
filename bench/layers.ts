/** The layers that are timed: transposed convolutions of models that people run, each with its source. */

import { readFileSync } from 'node:fs';

export interface Layer {
  readonly name: string;
  readonly model: string;
  /** Spatial axes; every tuple below has that many entries. */
  readonly dims: 1 | 2 | 3;
  readonly batch: number;
  readonly cin: number;
  readonly cout: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly dilation: readonly number[];
  /** Spatial size of the input. */
  readonly input: readonly number[];
  readonly source: string;
}

export interface Shapes {
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly output: readonly number[];
}

/**
 * @param names layer names or beginnings of names; all layers when empty
 * @throws {RangeError} when a name matches no layer
 */
export function loadLayers(names: readonly string[]): Layer[] {
  const layers = JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')) as Layer[];
  if (names.length === 0) return layers;
  for (const name of names) {
    if (!layers.some((layer) => layer.name.startsWith(name))) throw new RangeError(`no layer is called ${name}…`);
  }
  return layers.filter((layer) => names.some((name) => layer.name.startsWith(name)));
}

export function shapesOf(layer: Layer): Shapes {
  const { batch, cin, cout, groups, kernel, stride, padding, outputPadding, dilation } = layer;
  const spatial = layer.input.map(
    (length, axis) =>
      (length - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel[axis] - 1) + outputPadding[axis] + 1,
  );
  return {
    input: [batch, cin, ...layer.input],
    weight: [cin, cout / groups, ...kernel],
    output: [batch, cout, ...spatial],
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Operations of the definition: every input element times every weight it meets, cropped results too. */
export function flopsOf(layer: Layer): number {
  const { batch, cin, cout, groups, kernel, input } = layer;
  return 2 * batch * sizeOf(input) * cin * (cout / groups) * sizeOf(kernel);
}
