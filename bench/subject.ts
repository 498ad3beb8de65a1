/** One layer, computed by this package. */

import type { Engine, Tensor } from '../src/index.ts';
import { upconv } from './built_package.ts';
import type { Layer, Shapes } from './layers.ts';
import { shapesOf, sizeOf } from './layers.ts';
import { randomNumbers } from './random.ts';

/** What a layer is computed on. */
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

const FORWARD = [upconv.convTranspose1dSync, upconv.convTranspose2dSync, upconv.convTranspose3dSync];
const BACKWARD = [
  upconv.convTranspose1dBackwardSync,
  upconv.convTranspose2dBackwardSync,
  upconv.convTranspose3dBackwardSync,
];

/** Tensors in wasm memory, and the calls on them. Each call allocates its results. */
export class UpconvLayer {
  readonly #engine: Engine;
  readonly #data: LayerData;
  readonly #input: Tensor;
  readonly #weight: Tensor;
  readonly #gradOutput: Tensor;
  readonly #options: object;

  constructor(engine: Engine, data: LayerData) {
    const { shapes, layer } = data;
    const { stride, padding, outputPadding, groups, dilation } = layer;
    this.#engine = engine;
    this.#data = data;
    this.#input = upconv.tensor(data.input, shapes.input, { engine });
    this.#weight = upconv.tensor(data.weight, shapes.weight, { engine });
    this.#gradOutput = upconv.tensor(data.gradOutput, shapes.output, { engine });
    this.#options = { stride, padding, outputPadding, groups, dilation };
  }

  forward(): Tensor {
    return this.#forward(this.#input);
  }

  /** Numbers in, numbers out. The weight stays, as the initialiser of a session does. */
  forwardEndToEnd(): Float32Array {
    const input = upconv.tensor(this.#data.input, this.#data.shapes.input, { engine: this.#engine });
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

  forwardBackward(): void {
    const output = this.forward();
    const { gradInput, gradWeight } = this.#backward([true, true, false]);
    for (const tensor of [output, gradInput, gradWeight]) tensor?.dispose();
  }

  dispose(): void {
    for (const tensor of [this.#input, this.#weight, this.#gradOutput]) tensor.dispose();
  }

  #forward(input: Tensor): Tensor {
    return FORWARD[this.#data.layer.dims - 1](input, this.#weight, null, this.#options);
  }

  #backward(outputMask: [boolean, boolean, boolean]): ReturnType<(typeof BACKWARD)[number]> {
    const options = { ...this.#options, outputMask };
    return BACKWARD[this.#data.layer.dims - 1](this.#gradOutput, this.#input, this.#weight, options);
  }
}
