/** The generator of PyTorch's DCGAN tutorial, for inference: normalisation is folded into the layers in front of it. */

import { ConvTranspose2d, Sequential } from 'upconv';
import type { FileTensor } from 'upconv/safetensors';

type State = Readonly<Record<string, FileTensor>>;

/** Of torch.nn.BatchNorm2d. */
const EPSILON = 1e-5;

/**
 * In inference, batch normalisation scales and shifts every channel: y · s + t, s = γ ÷ √(variance + ε), t = β − mean · s.
 * A transposed convolution with weight · s and bias t does both at once.
 */
function foldBatchNorm(weight: FileTensor, state: State, norm: string): { weight: FileTensor; bias: FileTensor } {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (name) => state[`${norm}.${name}`].data,
  );
  const [, channels, kernelHeight, kernelWidth] = weight.shape; // (Cin, Cout, kH, kW)
  const taps = kernelHeight * kernelWidth;
  const scale = Float64Array.from(gamma, (value, channel) => value / Math.sqrt(variance[channel] + EPSILON));
  const shift = Float64Array.from(beta, (value, channel) => value - mean[channel] * scale[channel]);
  const data = Float64Array.from(weight.data, (value, i) => value * scale[Math.floor(i / taps) % channels]);
  return {
    weight: { shape: weight.shape, data, type: 'float64' },
    bias: { shape: [channels], data: shift, type: 'float64' },
  };
}

/**
 * Noise (N, nz, 1, 1) → pictures (N, colours, 64, 64) in −1 … 1; all sizes come from the checkpoint.
 * @param state keys main.0.weight, main.1.running_mean, …: a layer, its normalisation and its activation take three numbers
 */
export function loadGenerator(state: State): Sequential {
  const layers: ConvTranspose2d[] = [];
  for (let index = 0; `main.${index}.weight` in state; index += 3) {
    const weight = state[`main.${index}.weight`];
    const [inChannels, outChannels, ...kernel] = weight.shape;
    const isLast = !(`main.${index + 1}.running_mean` in state);
    const layer = new ConvTranspose2d(inChannels, outChannels, kernel, {
      stride: index === 0 ? 1 : 2,
      padding: index === 0 ? 0 : 1,
      bias: !isLast,
      activation: isLast ? 'tanh' : 'relu',
    });
    layer.loadStateDict(isLast ? { weight } : foldBatchNorm(weight, state, `main.${index + 1}`));
    layers.push(layer);
  }
  return new Sequential(...layers);
}
