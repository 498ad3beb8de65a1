/** Gradients of the product that both operations are, by definition. */

import { addProducts } from './products.ts';
import type { Geometry } from './products.ts';
import { addTerm, emptySums } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

/**
 * Gradients of a convolution or transposed convolution, each computed when it is first read; a bias gradient is there
 * whether or not a bias was.
 */
export class RefGradients {
  readonly #gradientOf: (result: keyof RefGradients) => Sums;
  readonly #known: Partial<Record<keyof RefGradients, Sums>> = {};

  constructor(gradientOf: (result: keyof RefGradients) => Sums) {
    this.#gradientOf = gradientOf;
  }

  get gradInput(): Sums {
    return (this.#known.gradInput ??= this.#gradientOf('gradInput'));
  }

  get gradWeight(): Sums {
    return (this.#known.gradWeight ??= this.#gradientOf('gradWeight'));
  }

  get gradBias(): Sums {
    return (this.#known.gradBias ??= this.#gradientOf('gradBias'));
  }
}

/** An operand, and which side of the product it is. */
type Operand = readonly [side: 'small' | 'large', values: RefTensor];

/** The derivatives of sum(gradOutput * output). */
export function productGradients(g: Geometry, input: Operand, gradOutput: Operand, weight: RefTensor): RefGradients {
  const [side, { shape }] = input;
  return new RefGradients((result) => {
    if (result === 'gradBias') {
      return biasGradient(gradOutput[1], g.batch, side === 'small' ? g.largeChannels : g.smallChannels);
    }
    const gradient = emptySums(result === 'gradInput' ? shape : weight.shape);
    if (result === 'gradInput') addProducts(g, side, gradient, gradOutput, ['weight', weight]);
    else addProducts(g, 'weight', gradient, gradOutput, input);
    return gradient;
  });
}

function biasGradient(gradOutput: RefTensor, batch: number, channels: number): Sums {
  const gradBias = emptySums([channels]);
  const pixels = gradOutput.data.length / Math.max(1, batch * channels);
  for (let index = 0; index < gradOutput.data.length; index++) {
    addTerm(gradBias, Math.floor(index / pixels) % channels, gradOutput.data[index]);
  }
  return gradBias;
}
