/** The forward pass of a layer with channels last in memory, in and out: timed beside the one of row-major memory. */

import { isDeepStrictEqual } from 'node:util';
import type { Subject } from '../../src/cli/benchmark/interleave.ts';
import { timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Tensor } from '../../src/index.ts';
import type { Bench } from '../bench.ts';

export const CHANNELS_LAST = 'upconv: channels last';

export interface ChannelsLast {
  readonly subject: Subject;
  dispose(): void;
}

/**
 * @param output of the same layer in row-major memory
 * @returns null for a convolution, and in 1-D, where memory has no such format
 * @throws {Error} when one bit of the result is another
 */
export function openChannelsLast(
  { layer, shapes, input, weight }: LayerData,
  output: Float32Array | undefined,
  { upconv, engine, algorithm, repetitions }: Bench,
): ChannelsLast | null {
  const { kind, dims, stride, padding, outputPadding, groups, dilation } = layer;
  if (kind === 'conv' || dims === 1) return null;
  const memoryFormat = 'channelsLast';
  const rowMajor = upconv.tensor(input, shapes.input, { engine });
  const turned = rowMajor.contiguous({ memoryFormat });
  rowMajor.dispose();
  const ownWeight = upconv.tensor(weight, shapes.weight, { engine });
  const options = { stride, padding, outputPadding, groups, dilation, memoryFormat, ...(algorithm && { algorithm }) };
  const forward = (): Tensor => upconv[`convTranspose${dims}dSync`](turned, ownWeight, null, options as object);
  const result = forward();
  const isSame = isDeepStrictEqual(result.toTypedArray(), output);
  result.dispose();
  const dispose = (): void => {
    for (const tensor of [turned, ownWeight]) tensor.dispose();
  };
  if (!isSame) {
    dispose();
    throw new Error(`${layer.name}: channels last gives other numbers than row-major memory`);
  }
  return { subject: { name: CHANNELS_LAST, repetitions, time: () => timeOf(() => forward().dispose()) }, dispose };
}
