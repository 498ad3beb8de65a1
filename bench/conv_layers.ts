/** The convolutions of models whose transposed convolutions are in layers.json: most of their arithmetic. */

import type { Layer } from './layers.ts';

interface Convolution {
  readonly cin: number;
  readonly cout: number;
  /** Of every axis, as the padding that keeps the size. */
  readonly kernel: number;
  readonly dilation?: number;
  readonly input: readonly number[];
}

function convolution(name: string, model: string, source: string, conv: Convolution): Layer {
  const { cin, cout, kernel, dilation = 1, input } = conv;
  const each = (value: number): number[] => input.map(() => value);
  return {
    name,
    model,
    kind: 'conv',
    dims: input.length as Layer['dims'],
    batch: 1,
    cin,
    cout,
    kernel: each(kernel),
    stride: each(1),
    padding: each((dilation * (kernel - 1)) / 2),
    outputPadding: each(0),
    groups: 1,
    dilation: each(dilation),
    input,
    source,
  };
}

/** Channels and length behind each transposed convolution, from 200 frames. */
export const HIFIGAN_STAGES: readonly (readonly [channels: number, length: number])[] = [
  [256, 1600],
  [128, 12800],
  [64, 25600],
  [32, 51200],
];
export const HIFIGAN_KERNELS = [3, 7, 11];
export const HIFIGAN_DILATIONS = [1, 3, 5];

const hifigan = HIFIGAN_STAGES.flatMap(([channels, length]) =>
  HIFIGAN_KERNELS.flatMap((kernel) =>
    HIFIGAN_DILATIONS.map((dilation) =>
      convolution(
        `hifigan-res${channels}-k${kernel}-d${dilation}`,
        'HiFi-GAN V1 residual block',
        'jik876/hifi-gan models.py ResBlock1, config_v1.json; 200 frames',
        { cin: channels, cout: channels, kernel, dilation, input: [length] },
      ),
    ),
  ),
);

const fsrcnn = [
  { name: 'fsrcnn-features', cin: 1, cout: 56, kernel: 5 },
  { name: 'fsrcnn-shrink', cin: 56, cout: 12, kernel: 1 },
  { name: 'fsrcnn-map', cin: 12, cout: 12, kernel: 3 },
  { name: 'fsrcnn-expand', cin: 12, cout: 56, kernel: 1 },
].map(({ name, ...conv }) =>
  convolution(name, 'FSRCNN', 'yjn870/FSRCNN-pytorch models.py (256x256 input)', { ...conv, input: [256, 256] }),
);

/** Channels behind each step of the decoder, and the side of the image there. */
export const UNET_STAGES: readonly (readonly [channels: number, side: number])[] = [
  [512, 64],
  [256, 128],
  [128, 256],
  [64, 512],
];

const unet = UNET_STAGES.flatMap(([channels, side], stage) =>
  [2 * channels, channels].map((cin, index) =>
    convolution(
      `unet-up${stage + 1}-conv${index + 1}`,
      'U-Net 512',
      'milesial/Pytorch-UNet unet/unet_parts.py DoubleConv behind Up(bilinear=False), 512x512 image',
      { cin, cout: channels, kernel: 3, input: [side, side] },
    ),
  ),
);

const nnunet = [
  { name: 'nnunet-up3-conv1', cin: 256, cout: 128, input: [32, 32, 32] },
  { name: 'nnunet-up3-conv2', cin: 128, cout: 128, input: [32, 32, 32] },
  { name: 'nnunet-hippocampus-conv1', cin: 64, cout: 32, input: [40, 56, 40] },
  { name: 'nnunet-hippocampus-conv2', cin: 32, cout: 32, input: [40, 56, 40] },
].map(({ name, ...conv }) =>
  convolution(
    name,
    'nnU-Net 3d_fullres',
    'MIC-DKFZ/dynamic-network-architectures building_blocks/unet_decoder.py; patches 128x128x128 and 40x56x40',
    { ...conv, kernel: 3 },
  ),
);

export const CONV_LAYERS: readonly Layer[] = [...hifigan, ...fsrcnn, ...unet, ...nnunet];
