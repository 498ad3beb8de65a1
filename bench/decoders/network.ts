/** A network as a list of steps, from which our calls and the ONNX graph are both made. */

import { randomNumbers } from '../../src/cli/benchmark/random_numbers.ts';
import type { Layer } from '../layers.ts';
import { flopsOf, shapesOf, sizeOf } from '../layers.ts';

export type Activation = 'relu' | 'tanh' | { readonly leakyRelu: number };

/** A convolution of `input` with a bias, an activation in front of it and one behind. */
export interface LayerStep {
  readonly kind: 'layer';
  readonly layer: Layer;
  readonly input: string;
  readonly output: string;
  readonly inputActivation?: Activation;
  readonly activation?: Activation;
}

/** `output` is the sum; nothing reads `first` afterwards. */
export interface AddStep {
  readonly kind: 'add';
  readonly first: string;
  readonly second: string;
  readonly output: string;
}

/** Channels one behind the other. Each of `inputs` is read here only, and is an input of the network or of a layer step. */
export interface ConcatStep {
  readonly kind: 'concat';
  readonly inputs: readonly string[];
  readonly output: string;
}

export type Step = LayerStep | AddStep | ConcatStep;

export interface Network {
  readonly name: string;
  readonly source: string;
  /** Shapes by name. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly steps: readonly Step[];
  readonly output: string;
}

export interface Parameters {
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** What a convolution or transposed convolution is, where the rest follows from it. */
export type LayerOf = Pick<Layer, 'cin' | 'cout' | 'input'> & {
  readonly batch?: number;
  readonly kind?: 'conv';
  /** Of every axis. */
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
};

export function layerOf({ kind, batch = 1, cin, cout, input, ...each }: LayerOf): Layer {
  const { kernel, stride = 1, padding = 0, dilation = 1 } = each;
  const axes = (value: number): number[] => input.map(() => value);
  return {
    name: '',
    model: '',
    source: '',
    ...(kind === undefined ? {} : { kind }),
    dims: input.length as Layer['dims'],
    batch,
    cin,
    cout,
    kernel: axes(kernel),
    stride: axes(stride),
    padding: axes(padding),
    outputPadding: axes(0),
    groups: 1,
    dilation: axes(dilation),
    input,
  };
}

export function layerSteps(network: Network): LayerStep[] {
  return network.steps.filter((step) => step.kind === 'layer');
}

export function networkFlops(network: Network): number {
  return layerSteps(network).reduce((sum, { layer }) => sum + flopsOf(layer), 0);
}

/** Numbers that keep signals about as large as they are, for each layer step by the name of its output. */
export function networkParameters(network: Network): ReadonlyMap<string, Parameters> {
  return new Map(
    layerSteps(network).map(({ layer, output }, index) => {
      const { kind, cin, cout, kernel, stride } = layer;
      const products = kind === 'conv' ? cin * sizeOf(kernel) : (cin * sizeOf(kernel)) / sizeOf(stride);
      const scale = Math.sqrt(3 / products);
      const weight = randomNumbers(sizeOf(shapesOf(layer).weight), 2 * index + 10).map((value) => value * scale);
      return [output, { weight, bias: randomNumbers(cout, 2 * index + 11).map((value) => value / 10) }];
    }),
  );
}

export function networkInputs(network: Network): Record<string, Float32Array<ArrayBuffer>> {
  const inputs = Object.entries(network.inputs).map(([name, shape], index) => [
    name,
    randomNumbers(sizeOf(shape), 1000 + index),
  ]);
  return Object.fromEntries(inputs) as Record<string, Float32Array<ArrayBuffer>>;
}
