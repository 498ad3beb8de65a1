/** A network computed by this package: activations inside the layers, concatenation by writing into slices. */

import type { ConvOptions, ConvTransposeOptions, Engine, Tensor } from '../../src/index.ts';
import type { Package } from '../../src/cli/benchmark/layer_calls.ts';
import { shapesOf } from '../layers.ts';
import type { ConcatStep, LayerStep, Network, Parameters } from './network.ts';

interface Weights {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

export class UpconvNetwork {
  readonly #package: Package;
  readonly #engine: Engine;
  readonly #network: Network;
  readonly #weights: ReadonlyMap<string, Weights>;
  /** Tensors of the running call, by name. */
  readonly #live = new Map<string, Tensor>();
  /** Buffers of concatenations, made when the first part is written. */
  readonly #joined = new Map<string, Tensor>();

  constructor(upconv: Package, engine: Engine, network: Network, parameters: ReadonlyMap<string, Parameters>) {
    this.#package = upconv;
    this.#engine = engine;
    this.#network = network;
    const weights = network.steps.flatMap((step): [string, Weights][] => {
      if (step.kind !== 'layer') return [];
      const { weight, bias } = parameters.get(step.output) as Parameters;
      const tensor = upconv.tensor(weight, shapesOf(step.layer).weight, { engine });
      return [[step.output, { weight: tensor, bias: upconv.tensor(bias, undefined, { engine }) }]];
    });
    this.#weights = new Map(weights);
  }

  /** Numbers in, numbers out. */
  run(inputs: Readonly<Record<string, Float32Array>>): Float32Array<ArrayBuffer> {
    const { steps, output } = this.#network;
    for (const [name, numbers] of Object.entries(inputs)) this.#upload(name, numbers);
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'layer') this.#layer(step);
      else if (step.kind === 'add') this.#add(step.first, step.second, step.output);
      else this.#concat(step);
      this.#freeUnused(index);
    }
    const numbers = this.#tensor(output).toTypedArray() as Float32Array<ArrayBuffer>;
    this.#free(output);
    return numbers;
  }

  dispose(): void {
    for (const { weight, bias } of this.#weights.values()) {
      weight.dispose();
      bias.dispose();
    }
  }

  #upload(name: string, numbers: Float32Array): void {
    const shape = this.#network.inputs[name];
    const slice = this.#sliceFor(name);
    if (slice !== undefined) slice.copyFrom(numbers);
    this.#live.set(name, slice ?? this.#package.tensor(numbers, shape, { engine: this.#engine }));
  }

  #layer({ layer, input, output, inputActivation, activation }: LayerStep): void {
    const { kind, dims, stride, padding, dilation } = layer;
    const operation = kind === 'conv' ? (`conv${dims}dSync` as const) : (`convTranspose${dims}dSync` as const);
    const { weight, bias } = this.#weights.get(output) as Weights;
    const out = this.#sliceFor(output);
    const options: ConvOptions & ConvTransposeOptions = {
      stride,
      padding,
      dilation,
      inputActivation: inputActivation ?? 'none',
      activation: activation ?? 'none',
      ...(out === undefined ? {} : { out }),
    };
    this.#live.set(output, this.#package[operation](this.#tensor(input), weight, bias, options));
  }

  /** The package has no sum of tensors: one loop over their views. */
  #add(first: string, second: string, output: string): void {
    const sum = this.#tensor(first);
    const [a, b] = [sum.data, this.#tensor(second).data];
    for (let i = 0; i < a.length; i++) a[i] += b[i];
    sum.commit();
    this.#live.delete(first);
    this.#live.set(output, sum);
  }

  #concat({ inputs, output }: ConcatStep): void {
    for (const name of inputs) this.#free(name);
    this.#live.set(output, this.#joined.get(output) as Tensor);
    this.#joined.delete(output);
  }

  /** Where a part of a concatenation is written: a slice of its channels. */
  #sliceFor(name: string): Tensor | undefined {
    const concat = this.#network.steps.find((step) => step.kind === 'concat' && step.inputs.includes(name)) as
      | ConcatStep
      | undefined;
    if (concat === undefined) return undefined;
    const shapes = concat.inputs.map((part) => this.#shape(part));
    const channels = shapes.map(([, count]) => count);
    const position = concat.inputs.indexOf(name);
    let joined = this.#joined.get(concat.output);
    if (joined === undefined) {
      const shape = shapes[0].with(1, sum(channels));
      joined = this.#package.empty(shape, { engine: this.#engine });
      this.#joined.set(concat.output, joined);
    }
    return joined.narrow(1, sum(channels.slice(0, position)), channels[position]);
  }

  #shape(name: string): readonly number[] {
    const step = this.#network.steps.find((step) => step.kind === 'layer' && step.output === name) as
      | LayerStep
      | undefined;
    return step === undefined ? this.#network.inputs[name] : shapesOf(step.layer).output;
  }

  #tensor(name: string): Tensor {
    return this.#live.get(name) as Tensor;
  }

  #freeUnused(done: number): void {
    const { steps, output } = this.#network;
    const later = new Set([output, ...steps.slice(done + 1).flatMap(namesRead)]);
    for (const name of this.#live.keys()) if (!later.has(name)) this.#free(name);
  }

  #free(name: string): void {
    this.#live.get(name)?.dispose();
    this.#live.delete(name);
  }
}

function namesRead(step: Network['steps'][number]): readonly string[] {
  if (step.kind === 'layer') return [step.input];
  return step.kind === 'add' ? [step.first, step.second] : step.inputs;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
