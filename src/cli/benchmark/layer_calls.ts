/** One layer computed by this package, as its users call it, on numbers that are the same in every run. */

import type * as Upconv from '../../index.ts';
import type { Engine, Tensor } from '../../index.ts';
import type { Layer, Shapes } from './layer.ts';
import { shapesOf, sizeOf } from './layer.ts';
import { randomNumbers } from './random_numbers.ts';

/** What a layer is computed on: numbers in [-1, 1]. */
export interface LayerData {
  readonly layer: Layer;
  readonly shapes: Shapes;
  readonly input: Float32Array<ArrayBuffer>;
  readonly weight: Float32Array<ArrayBuffer>;
  readonly gradOutput: Float32Array<ArrayBuffer>;
}

export function randomData(layer: Layer): LayerData {
  const shapes = shapesOf(layer);
  return {
    layer,
    shapes,
    input: randomNumbers(sizeOf(shapes.input), 1),
    weight: randomNumbers(sizeOf(shapes.weight), 2),
    gradOutput: randomNumbers(sizeOf(shapes.output), 3),
  };
}

/** The built package or another version of it. */
export type Package = typeof Upconv;
type Gradients = ReturnType<Package['convTranspose2dBackwardSync']>;

/** Tensors in wasm memory, and the calls on them. Each call allocates its results. */
export class LayerCalls {
  readonly #package: Package;
  readonly #engine: Engine;
  readonly #data: LayerData;
  readonly #input: Tensor;
  readonly #weight: Tensor;
  readonly #gradOutput: Tensor;
  readonly #options: object;
  readonly #forwardOptions: object;

  /** @param algorithm forces a path of the forward pass, where the layer accepts it */
  constructor(upconv: Package, engine: Engine, data: LayerData, algorithm?: string) {
    const { shapes, layer } = data;
    const { stride, padding, outputPadding, groups, dilation } = layer;
    this.#package = upconv;
    this.#engine = engine;
    this.#data = data;
    this.#input = upconv.tensor(data.input, shapes.input, { engine });
    this.#weight = upconv.tensor(data.weight, shapes.weight, { engine });
    this.#gradOutput = upconv.tensor(data.gradOutput, shapes.output, { engine });
    this.#options = { stride, padding, groups, dilation, ...(layer.kind === 'conv' ? {} : { outputPadding }) };
    this.#forwardOptions = algorithm === undefined ? this.#options : { ...this.#options, algorithm };
  }

  forward(): Tensor {
    return this.#forward(this.#input);
  }

  /** Numbers in, numbers out. The weight stays, as the initialiser of a session does. */
  forwardEndToEnd(): Float32Array {
    const input = this.#package.tensor(this.#data.input, this.#data.shapes.input, { engine: this.#engine });
    const output = this.#forward(input);
    const numbers = output.toTypedArray() as Float32Array;
    output.dispose();
    input.dispose();
    return numbers;
  }

  gradInput(): Tensor {
    return this.#backward([true, false, false]).gradInput as Tensor;
  }

  gradWeight(): Tensor {
    return this.#backward([false, true, false]).gradWeight as Tensor;
  }

  /** Both gradients. */
  backward(): void {
    const { gradInput, gradWeight } = this.#backward([true, true, false]);
    for (const tensor of [gradInput, gradWeight]) tensor?.dispose();
  }

  /** Forward and both gradients. */
  forwardBackward(): void {
    const output = this.forward();
    this.backward();
    output.dispose();
  }

  dispose(): void {
    for (const tensor of [this.#input, this.#weight, this.#gradOutput]) tensor.dispose();
  }

  #forward(input: Tensor): Tensor {
    const { kind, dims } = this.#data.layer;
    const name = kind === 'conv' ? (`conv${dims}dSync` as const) : (`convTranspose${dims}dSync` as const);
    return this.#package[name](input, this.#weight, null, this.#forwardOptions);
  }

  #backward(outputMask: [boolean, boolean, boolean]): Gradients {
    const { kind, dims } = this.#data.layer;
    const name =
      kind === 'conv' ? (`conv${dims}dBackwardSync` as const) : (`convTranspose${dims}dBackwardSync` as const);
    return this.#package[name](this.#gradOutput, this.#input, this.#weight, { ...this.#options, outputMask });
  }
}
