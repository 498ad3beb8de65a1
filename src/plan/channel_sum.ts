/** Plan of a sum over batch and spatial axes: the gradient of a bias. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Strides } from './conv_geometry.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** One stage, an item per channel. Operands: `source` is read, `target` (channels) is written or added to. */
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
  if (spatial[2] === 1 && spatial[1] === w) {
    w *= h;
    h = 1;
    if (spatial[0] === w) {
      w *= d;
      d = 1;
    }
  }
  return {
    entry: 'channelSum',
    items: channels,
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
    },
  };
}
