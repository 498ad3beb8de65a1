import { cropPairs, perAxis } from './options.ts';
import type { PerAxis, RefOptions } from './options.ts';
import { spatialRuns } from './products.ts';
import { addTerm, elementCount, emptySums, reshaped } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

type FoldOptions = Pick<RefOptions, 'stride' | 'padding' | 'dilation'>;

/** Definition of col2im: adds every patch, a column of (N, C * taps, patches), back to where it was cut from. */
export function foldReference(
  columns: RefTensor,
  outputSize: PerAxis,
  kernelSize: PerAxis,
  options: FoldOptions = {},
): Sums {
  const batched = columns.shape.length === 3;
  const [rows, patches] = columns.shape.slice(-2) as [number, number];
  const g = geometryOf(perAxis(outputSize, 2, 1), perAxis(kernelSize, 2, 1), options);
  if (patches !== elementCount(g.small))
    throw new Error(`fold expects ${elementCount(g.small)} patches, got ${patches}`);
  const channels = rows / elementCount(g.kernel);
  const images = batched ? columns.shape[0] : 1;
  const output = emptySums([images, channels, ...g.large]);
  forEachPatchElement(g, images * channels, (column, pixel) => addTerm(output, pixel, columns.data[column]));
  return batched ? output : reshaped(output, output.shape.slice(1));
}

/** Definition of im2col: cuts (N, C, H, W) into the patches that a convolution would see; outside is 0. */
export function unfoldReference(input: RefTensor, kernelSize: PerAxis, options: FoldOptions = {}): Sums {
  const batched = input.shape.length === 4;
  const g = geometryOf(input.shape.slice(-2), perAxis(kernelSize, 2, 1), options);
  const images = batched ? input.shape[0] : 1;
  const channels = input.shape.at(-3)!;
  const output = emptySums([images, channels * elementCount(g.kernel), elementCount(g.small)]);
  forEachPatchElement(g, images * channels, (column, pixel) => addTerm(output, column, input.data[pixel]));
  return batched ? output : reshaped(output, output.shape.slice(1));
}

type PatchGeometry = ReturnType<typeof geometryOf>;

function geometryOf(large: number[], kernel: number[], options: FoldOptions) {
  const stride = perAxis(options.stride, 2, 1);
  const dilation = perAxis(options.dilation, 2, 1);
  const padding = cropPairs(options.padding, 2);
  const small = large.map((length, axis) => {
    const span = length + padding[axis][0] + padding[axis][1] - dilation[axis] * (kernel[axis] - 1) - 1;
    return Math.floor(span / stride[axis]) + 1;
  });
  return { small, large, kernel, stride, dilation, begin: padding.map(([begin]) => begin) };
}

/** A column element is (plane, tap, patch); each plane of the image has its own, so one channel pair suffices. */
function forEachPatchElement(
  g: PatchGeometry,
  planes: number,
  visit: (columnIndex: number, pixelIndex: number) => void,
): void {
  const [patches, pixels, taps] = [elementCount(g.small), elementCount(g.large), elementCount(g.kernel)];
  const { small, large, weight, lengths } = spatialRuns(g);
  for (let run = 0; run < lengths.length; run++) {
    const tap = weight.starts[run];
    for (let i = 0; i < lengths[run]; i++) {
      const [patch, pixel] = [small.starts[run] + i * small.step, large.starts[run] + i * large.step];
      for (let plane = 0; plane < planes; plane++) {
        visit((plane * taps + tap) * patches + patch, plane * pixels + pixel);
      }
    }
  }
}
