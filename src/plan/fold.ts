/** Plans of fold (col2im) and unfold (im2col). See assembly/conv/fold.ts. */

import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import { elementCount } from '../core/shape.ts';
import type { Stage } from './stage.ts';
import { pointer } from './stage.ts';

type Pair = readonly [number, number];

export interface FoldSpec {
  readonly dtype: Dtype;
  readonly batch: number;
  readonly channels: number;
  /** Height and width of the image. */
  readonly image: Pair;
  /** Positions of the kernel, rows and columns. */
  readonly positions: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly imageStrides: { readonly batch: number; readonly channel: number; readonly spatial: Pair };
  /** Element strides of the columns (batch, channel · taps, positions). */
  readonly columnsStrides: { readonly batch: number; readonly row: number; readonly position: number };
}

/** One stage, an item per image and channel. Operands: `columns` is read, `image` is written. */
export function planFold(spec: FoldSpec): Stage {
  return stageOf('fold', spec);
}

/** One stage, an item per image and channel. Operands: `image` is read, `columns` is written. */
export function planUnfold(spec: FoldSpec): Stage {
  return stageOf('unfold', spec);
}

function stageOf(entry: 'fold' | 'unfold', spec: FoldSpec): Stage {
  const { imageStrides, columnsStrides } = spec;
  return {
    entry,
    items: spec.batch * spec.channels,
    flops: 8 * spec.batch * spec.channels * elementCount([...spec.kernel, ...spec.positions]),
    block: 'columns',
    fields: {
      imagePtr: pointer('image'),
      columnsPtr: pointer('columns'),
      channels: spec.channels,
      height: spec.image[0],
      width: spec.image[1],
      positionsH: spec.positions[0],
      positionsW: spec.positions[1],
      kernelH: spec.kernel[0],
      kernelW: spec.kernel[1],
      strideH: spec.stride[0],
      strideW: spec.stride[1],
      dilationH: spec.dilation[0],
      dilationW: spec.dilation[1],
      paddingH: spec.padding[0],
      paddingW: spec.padding[1],
      imageBatchStride: imageStrides.batch,
      imageChannelStride: imageStrides.channel,
      imageStrideH: imageStrides.spatial[0],
      imageStrideW: imageStrides.spatial[1],
      columnsBatchStride: columnsStrides.batch,
      columnsRowStride: columnsStrides.row,
      columnsPositionStride: columnsStrides.position,
      elementBytes: elementBytes(spec.dtype),
    },
  };
}
