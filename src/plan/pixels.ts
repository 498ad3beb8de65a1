/** Stages between interleaved 8-bit samples and planes. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

/** Pixels of an item. */
const ITEM_LENGTH = 16384;

/** plane = sample · scale + offset */
export interface ChannelScale {
  readonly scale: number;
  readonly offset: number;
}

/**
 * Operands pixels, planes (float32).
 * @param samples per pixel of the source; one plane of several samples is their luma
 * @param channels one entry per plane
 */
export function planPixelsToPlanes(length: number, samples: number, channels: readonly ChannelScale[]): Stage {
  const table = new Float64Array(channels.flatMap(({ scale, offset }) => [scale, offset]));
  return {
    entry: 'pixelsToPlanes',
    items: Math.ceil(length / ITEM_LENGTH),
    block: 'pixels',
    fields: {
      pixelsPtr: pointer('pixels'),
      planesPtr: pointer('planes'),
      channelTablePtr: new Int32Array(table.buffer),
      length,
      itemLength: ITEM_LENGTH,
      samples,
      channels: channels.length,
      luma: channels.length === 1 && samples > 1 ? 1 : 0,
    },
  };
}

/**
 * Operands planes, alpha (a plane, or absent), pixels (RGBA).
 * @param channels planes of colour: 1 or 3
 * @param alpha 0 … 1, of every pixel where there is no plane of it
 * @param alphaFrom where the plane of alpha is: an operand of its own, or the fourth plane
 */
export function planPlanesToPixels(
  dtype: Dtype,
  length: number,
  channels: number,
  alpha: number,
  alphaFrom: 'alpha' | 'planes',
): Stage {
  return {
    entry: 'planesToPixels',
    items: Math.ceil(length / ITEM_LENGTH),
    block: 'pixels',
    fields: {
      pixelsPtr: pointer('pixels'),
      planesPtr: pointer('planes'),
      alphaPtr: alphaFrom === 'alpha' ? pointer('alpha') : pointer('planes', channels * length * elementBytes(dtype)),
      length,
      itemLength: ITEM_LENGTH,
      channels,
      elementBytes: elementBytes(dtype),
      alpha,
    },
  };
}
