/** Results of transposed convolutions where PyTorch's arguments cannot put them. */

import { ShapeError } from '../core/errors.ts';
import type { Placement, SpatialRank } from './conv_options.ts';
import { threeAxes } from './conv_options.ts';

/** Coordinates are i32 in the kernels. */
const MAXIMUM_LENGTH = 2 ** 31 - 1;

/** One axis: the first coordinate of the result in the uncropped one, and its length, which may go beyond that one. */
export interface Place {
  readonly crop: number;
  readonly output: number;
}

/** Places of all axes, from the sizes of input and kernel. */
export type Places = (inputSpatial: readonly number[], kernel: readonly number[]) => readonly Place[];

/**
 * In the place of padding, outputPadding and outputSize, which have to be left out.
 * @throws (the placement) {ShapeError} for an output below 1
 */
export function placedAt(operation: string, axes: SpatialRank, placesOf: Places): Placement {
  return (checked) => {
    const spatial = checked.geometry.axes.slice(-axes);
    const places = placesOf(
      spatial.map(({ input }) => input),
      spatial.map(({ kernel }) => kernel),
    );
    places.forEach(({ output }, axis) => {
      if (output < 1 || output > MAXIMUM_LENGTH) {
        throw new ShapeError(operation, 'output', `from 1 to ${MAXIMUM_LENGTH} (axis ${axis})`, String(output));
      }
    });
    const moved = spatial.map(({ input, kernel, stride, dilation }, axis) => {
      const { crop, output } = places[axis];
      return { input, output, kernel, stride, dilation, crop };
    });
    return {
      ...checked,
      geometry: { ...checked.geometry, axes: threeAxes(moved) },
      outputShape: [...checked.outputShape.slice(0, -axes), ...places.map(({ output }) => output)],
    };
  };
}
