/** The decoders that are timed as a whole. Batch normalisation is folded into weights and biases, as for inference. */

import { HIFIGAN_DILATIONS, HIFIGAN_KERNELS, HIFIGAN_STAGES, UNET_STAGES } from '../conv_layers.ts';
import type { Network, Step } from './network.ts';
import { layerOf } from './network.ts';

const DCGAN_CHANNELS = [100, 512, 256, 128, 64, 3];

export function dcganGenerator(batch: number): Network {
  const steps = DCGAN_CHANNELS.slice(1).map((cout, index): Step => {
    const geometry =
      index === 0 ? { input: [1, 1] } : { stride: 2, padding: 1, input: [2 ** (index + 1), 2 ** (index + 1)] };
    return {
      kind: 'layer',
      layer: layerOf({ batch, cin: DCGAN_CHANNELS[index], cout, kernel: 4, ...geometry }),
      input: index === 0 ? 'noise' : `layer${index - 1}`,
      output: `layer${index}`,
      activation: index === DCGAN_CHANNELS.length - 2 ? 'tanh' : 'relu',
    };
  });
  return {
    name: `DCGAN generator, batch ${batch}`,
    source: 'pytorch/examples dcgan/main.py',
    inputs: { noise: [batch, DCGAN_CHANNELS[0], 1, 1] },
    steps,
    output: `layer${steps.length - 1}`,
  };
}

const SLOPE = { leakyRelu: 0.1 } as const;
/** Of the transposed convolution in front of each stage of residual blocks. */
const HIFIGAN_UPSAMPLING = [
  { kernel: 16, stride: 8, padding: 4 },
  { kernel: 16, stride: 8, padding: 4 },
  { kernel: 4, stride: 2, padding: 1 },
  { kernel: 4, stride: 2, padding: 1 },
];

/** Mel spectrogram of 200 frames to a waveform. The mean over branches is a sum: its factor is in the next weights. */
export function hifiganGenerator(): Network {
  const [mels, channels, frames] = [80, 512, 200];
  const steps: Step[] = [
    {
      kind: 'layer',
      layer: layerOf({ kind: 'conv', cin: mels, cout: channels, kernel: 7, padding: 3, input: [frames] }),
      input: 'mel',
      output: 'stage0',
    },
  ];
  let [cin, length] = [channels, frames];
  for (const [stage, [cout, behind]] of HIFIGAN_STAGES.entries()) {
    const up = `up${stage + 1}`;
    steps.push({
      kind: 'layer',
      layer: layerOf({ cin, cout, input: [length], ...HIFIGAN_UPSAMPLING[stage] }),
      input: `stage${stage}`,
      output: up,
      inputActivation: SLOPE,
    });
    const branches = HIFIGAN_KERNELS.map((kernel) => residualBranch(steps, up, cout, behind, kernel));
    steps.push(
      { kind: 'add', first: branches[0], second: branches[1], output: `${up} sum` },
      { kind: 'add', first: `${up} sum`, second: branches[2], output: `stage${stage + 1}` },
    );
    [cin, length] = [cout, behind];
  }
  steps.push({
    kind: 'layer',
    layer: layerOf({ kind: 'conv', cin, cout: 1, kernel: 7, padding: 3, input: [length] }),
    input: `stage${HIFIGAN_STAGES.length}`,
    output: 'wave',
    inputActivation: { leakyRelu: 0.01 },
    activation: 'tanh',
  });
  return {
    name: 'HiFi-GAN V1, 200 frames',
    source: 'jik876/hifi-gan models.py Generator, config_v1.json',
    inputs: { mel: [1, mels, frames] },
    steps,
    output: 'wave',
  };
}

/** Appends x + conv(conv(x)) for each dilation; the name of the last sum. */
function residualBranch(steps: Step[], from: string, channels: number, length: number, kernel: number): string {
  let input = from;
  for (const dilation of HIFIGAN_DILATIONS) {
    const name = `${from} k${kernel} d${dilation}`;
    const conv = (dilation: number): ReturnType<typeof layerOf> =>
      layerOf({
        kind: 'conv',
        cin: channels,
        cout: channels,
        kernel,
        dilation,
        padding: (dilation * (kernel - 1)) / 2,
        input: [length],
      });
    steps.push(
      { kind: 'layer', layer: conv(dilation), input, output: `${name} 1`, inputActivation: SLOPE },
      { kind: 'layer', layer: conv(1), input: `${name} 1`, output: `${name} 2`, inputActivation: SLOPE },
      { kind: 'add', first: `${name} 2`, second: input, output: name },
    );
    input = name;
  }
  return input;
}

/** From the deepest features and those of the encoder to the classes of each pixel. */
export function unetDecoder(): Network {
  const [deepest, classes] = [2 * UNET_STAGES[0][0], 2];
  const inputs: Record<string, number[]> = { features: [1, deepest, UNET_STAGES[0][1] / 2, UNET_STAGES[0][1] / 2] };
  const steps: Step[] = [];
  let below = 'features';
  for (const [stage, [channels, side]] of UNET_STAGES.entries()) {
    const [skip, up, joined, inner, output] = ['skip', 'up', 'joined', 'inner', 'stage'].map(
      (name) => `${name}${stage}`,
    );
    inputs[skip] = [1, channels, side, side];
    const half = [side / 2, side / 2];
    const conv = { kind: 'conv', cout: channels, kernel: 3, padding: 1, input: [side, side] } as const;
    steps.push(
      {
        kind: 'layer',
        layer: layerOf({ cin: 2 * channels, cout: channels, kernel: 2, stride: 2, input: half }),
        input: below,
        output: up,
      },
      { kind: 'concat', inputs: [skip, up], output: joined },
      {
        kind: 'layer',
        layer: layerOf({ ...conv, cin: 2 * channels }),
        input: joined,
        output: inner,
        activation: 'relu',
      },
      { kind: 'layer', layer: layerOf({ ...conv, cin: channels }), input: inner, output, activation: 'relu' },
    );
    below = output;
  }
  const [channels, side] = UNET_STAGES[UNET_STAGES.length - 1];
  steps.push({
    kind: 'layer',
    layer: layerOf({ kind: 'conv', cin: channels, cout: classes, kernel: 1, input: [side, side] }),
    input: below,
    output: 'classes',
  });
  return {
    name: 'U-Net decoder, 512x512',
    source: 'milesial/Pytorch-UNet unet/unet_model.py, bilinear=False',
    inputs,
    steps,
    output: 'classes',
  };
}
