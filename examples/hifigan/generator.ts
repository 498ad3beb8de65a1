/** The generator of HiFi-GAN, with the names that its checkpoints use. */

import { Conv1d, ConvTranspose1d, Module, Sequential } from 'upconv';
import type { Tensor } from 'upconv';

export interface Config {
  readonly melChannels: number;
  readonly channels: number;
  /** Samples per frame are their product. */
  readonly upsampleRates: readonly number[];
  readonly upsampleKernels: readonly number[];
  readonly blockKernels: readonly number[];
  readonly dilations: readonly number[];
}

/** What the authors call V1. */
export const V1: Config = {
  melChannels: 80,
  channels: 512,
  upsampleRates: [8, 8, 2, 2],
  upsampleKernels: [16, 16, 4, 4],
  blockKernels: [3, 7, 11],
  dilations: [1, 3, 5],
};

// every layer activates what it reads, so residual sums carry raw values
const inputActivation = { leakyRelu: 0.1 };

/** x + convolutions of x, several times. */
class ResBlock extends Module {
  readonly convs1: Sequential;
  readonly convs2: Sequential;

  constructor(channels: number, kernel: number, dilations: readonly number[]) {
    super();
    const conv = (dilation: number): Conv1d =>
      new Conv1d(channels, channels, kernel, { dilation, padding: (dilation * (kernel - 1)) / 2, inputActivation });
    this.convs1 = new Sequential(...dilations.map(conv));
    this.convs2 = new Sequential(...dilations.map(() => conv(1)));
  }

  override async forward(input: Tensor): Promise<Tensor> {
    const sum = input.clone();
    for (let i = 0; i < this.convs1.length; i++) {
      const inner = await this.convs1.get(i)!.forward(sum);
      const outer = await this.convs2.get(i)!.forward(inner);
      addTo(sum, outer);
      inner.dispose();
      outer.dispose();
    }
    return sum;
  }
}

/** Spectrograms (N, melChannels, frames) → waves (N, 1, frames · product of the rates). */
export class Generator extends Module {
  readonly conv_pre: Conv1d;
  readonly ups: Sequential;
  readonly resblocks: Sequential;
  readonly conv_post: Conv1d;
  readonly blocksPerLevel: number;

  constructor({ melChannels, channels, upsampleRates, upsampleKernels, blockKernels, dilations }: Config) {
    super();
    const width = (level: number): number => channels / 2 ** level;
    this.conv_pre = new Conv1d(melChannels, channels, 7, { padding: 3 });
    this.ups = new Sequential(
      ...upsampleRates.map((stride, level) => {
        const kernel = upsampleKernels[level];
        const padding = (kernel - stride) / 2;
        return new ConvTranspose1d(width(level), width(level + 1), kernel, { stride, padding, inputActivation });
      }),
    );
    this.resblocks = new Sequential(
      ...upsampleRates.flatMap((_, level) =>
        blockKernels.map((kernel) => new ResBlock(width(level + 1), kernel, dilations)),
      ),
    );
    this.conv_post = new Conv1d(width(upsampleRates.length), 1, 7, {
      padding: 3,
      inputActivation: 'leakyRelu', // of slope 0.01 here, as the authors have it
      activation: 'tanh',
    });
    this.blocksPerLevel = blockKernels.length;
  }

  override async forward(mel: Tensor): Promise<Tensor> {
    let x = await this.conv_pre.forward(mel);
    for (let level = 0; level < this.ups.length; level++) {
      const upsampled = await this.ups.get(level)!.forward(x);
      x.dispose();
      x = await this.#meanOfBlocks(level, upsampled);
      upsampled.dispose();
    }
    const wave = await this.conv_post.forward(x);
    x.dispose();
    return wave;
  }

  async #meanOfBlocks(level: number, input: Tensor): Promise<Tensor> {
    const first = level * this.blocksPerLevel;
    const sum = await this.resblocks.get(first)!.forward(input);
    for (let block = first + 1; block < first + this.blocksPerLevel; block++) {
      const more = await this.resblocks.get(block)!.forward(input);
      addTo(sum, more);
      more.dispose();
    }
    return scale(sum, 1 / this.blocksPerLevel);
  }
}

function addTo(sum: Tensor, more: Tensor): void {
  const values = more.toTypedArray();
  sum.copyFrom(sum.toTypedArray().map((value, i) => value + values[i]));
}

function scale(tensor: Tensor, factor: number): Tensor {
  return tensor.copyFrom(tensor.toTypedArray().map((value) => value * factor));
}
