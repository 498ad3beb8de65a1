/** Plan of a sum over batch and spatial axes: the gradient of a bias. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Strides } from './conv_geometry.ts';
import { areNeighbours } from './conv_geometry.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** One stage, an item per channel, or per four neighbours. Operands: `source` is read, `target` (channels) is written or added to. */
export function planChannelSum(
  dtype: Dtype,
  batch: number,
  channels: number,
  lengths: readonly [number, number, number],
  strides: Strides,
  accumulate: boolean,
): Stage {
  let [d, h, w] = lengths;
  const { spatial } = strides;
  // rows that follow one another in memory are one row
  if (spatial[1] === w * spatial[2]) {
    w *= h;
    h = 1;
    if (spatial[0] === w * spatial[2]) {
      w *= d;
      d = 1;
    }
  }
  const neighbours = dtype === 'float32' && areNeighbours(strides);
  const quads = neighbours ? Math.floor(channels / 4) : 0;
  return {
    entry: 'channelSum',
    items: channels - 3 * quads,
    flops: 2 * channels * batch * d * h * w,
    block: 'channelSum',
    fields: {
      sourcePtr: pointer('source'),
      targetPtr: pointer('target'),
      elementBytes: elementBytes(dtype),
      batch,
      lengthD: d,
      lengthH: h,
      lengthW: w,
      batchStride: strides.batch,
      channelStride: strides.channel,
      strideD: spatial[0],
      strideH: spatial[1],
      strideW: spatial[2],
      accumulate: accumulate ? 1 : 0,
      quads,
    },
  };
}
