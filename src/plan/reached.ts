/** What a convolution and gradWeight read of the output side: in place, or copied. See assembly/conv/reached.ts. */

import { elementCount } from '../core/shape.ts';
import type { ProductSpec } from './conv_fields.ts';
import type { Box } from './conv_gather.ts';
import { pitchesOf, spanOf } from './conv_gather.ts';
import { areNeighbours } from './conv_geometry.ts';

/** Taps up to which an item of gradWeight has all of a channel. */
const MOST_TURNED_TAPS = 512;

export interface Reached {
  /** Elements of a channel that are copied for a box. */
  readonly copied: (box: Box) => number;
  /** Fields about it; `tapTablePtr` holds (offset on the output side, weight offset) per tap. */
  readonly fields: (box: Box) => Record<string, number | Int32Array>;
}

export function reachedOf({ geometry, weight, output, inputActivation }: ProductSpec): Reached {
  const { axes } = geometry;
  const image = axes.map(({ input }) => input) as [number, number, number];
  // a copy turns neighbouring channels into rows; of many taps it would be made for some of them again and again
  const taps = elementCount(axes.map(({ kernel }) => kernel));
  const turned = areNeighbours(output) && taps <= MOST_TURNED_TAPS;
  // no position has a tap outside the output
  const inPlace =
    (inputActivation?.kind ?? 0) === 0 &&
    !turned &&
    spanOf(geometry, image).every((span, axis) => axes[axis].crop === 0 && span <= axes[axis].output);
  const [outputD, outputH, outputW] = output.spatial;
  /** Elements from one position, row, slice to the next, and of a channel. */
  const pitches = (box: Box): readonly [number, number, number, number] => {
    if (inPlace) return [outputW, outputH, outputD, output.channel];
    const [slices, rows, columns] = spanOf(geometry, box);
    return [1, ...pitchesOf(slices, rows, columns)];
  };
  return {
    copied: (box) => (inPlace ? 0 : pitches(box)[3]),
    fields(box) {
      const [element, planeRow, planeSlice, planeSize] = pitches(box);
      const steps = [planeSlice, planeRow, element];
      const table = axes.reduce<number[][]>(
        (taps, { kernel, dilation }, axis) =>
          taps.flatMap(([offset, weightOffset]) =>
            Array.from({ length: kernel }, (_, tap) => [
              offset + tap * dilation * steps[axis],
              weightOffset + tap * weight.spatial[axis],
            ]),
          ),
        [[0, 0]],
      );
      return {
        inPlace: Number(inPlace),
        planeRow,
        planeSlice,
        planeSize,
        positionStep: axes[2].stride * element,
        tapRun: axes[2].dilation * element === 1 ? axes[2].kernel : 1,
        tapTablePtr: Int32Array.from(table.flat()),
      };
    },
  };
}
