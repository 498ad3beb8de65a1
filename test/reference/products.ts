import { coordinatesOf, elementCount, stridesOf } from './tensor.ts';

/**
 * What a convolution and a transposed convolution have in common. `small` is the side that a stride
 * makes small (a convolution's output, a transposed convolution's input), `large` the other one. Element i of
 * small and tap k of the weight belong to element i * stride - begin + k * dilation of large.
 * The weight is (smallChannels, largeChannels / groups, *kernel) for both.
 */
export interface Geometry {
  batch: number;
  groups: number;
  smallChannels: number;
  largeChannels: number;
  small: number[];
  large: number[];
  kernel: number[];
  stride: number[];
  dilation: number[];
  begin: number[];
}

/** Calls `visit` with the three flat indices of every product that exists, in a fixed order. */
export function forEachProduct(
  g: Geometry,
  visit: (smallIndex: number, largeIndex: number, weightIndex: number) => void,
): void {
  const meetings = spatialMeetings(g);
  const [smallPixels, largePixels, taps] = [elementCount(g.small), elementCount(g.large), elementCount(g.kernel)];
  const smallPerGroup = g.smallChannels / g.groups;
  const largePerGroup = g.largeChannels / g.groups;
  for (let image = 0; image < g.batch; image++) {
    for (let s = 0; s < g.smallChannels; s++) {
      const group = Math.floor(s / smallPerGroup);
      for (let l = 0; l < largePerGroup; l++) {
        const smallPlane = (image * g.smallChannels + s) * smallPixels;
        const largePlane = (image * g.largeChannels + group * largePerGroup + l) * largePixels;
        const weightPlane = (s * largePerGroup + l) * taps;
        for (const [smallPixel, largePixel, tap] of meetings) {
          visit(smallPlane + smallPixel, largePlane + largePixel, weightPlane + tap);
        }
      }
    }
  }
}

/** [pixel of small, pixel of large, tap], for one pair of channels. */
function spatialMeetings(g: Geometry): [number, number, number][] {
  const largeStrides = stridesOf(g.large);
  const meetings: [number, number, number][] = [];
  let smallPixel = 0;
  for (const i of coordinatesOf(g.small)) {
    let tap = 0;
    for (const k of coordinatesOf(g.kernel)) {
      const j = i.map((position, axis) => position * g.stride[axis] - g.begin[axis] + k[axis] * g.dilation[axis]);
      if (j.every((position, axis) => position >= 0 && position < g.large[axis])) {
        const largePixel = j.reduce((sum, position, axis) => sum + position * largeStrides[axis], 0);
        meetings.push([smallPixel, largePixel, tap]);
      }
      tap++;
    }
    smallPixel++;
  }
  return meetings;
}
