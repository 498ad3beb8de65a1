import { addTerm, coordinatesOf, elementCount, stridesOf } from './tensor.ts';
import type { RefTensor, Sums } from './tensor.ts';

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

type Side = 'small' | 'large' | 'weight';

/**
 * Adds to every element of `sums`, a tensor of the side `into`, its products: those of elements of the two other sides
 * that meet there, in a fixed order.
 */
export function addProducts(
  g: Geometry,
  into: Side,
  sums: Sums,
  first: readonly [Side, RefTensor],
  second: readonly [Side, RefTensor],
): void {
  const meetings = spatialMeetings(g);
  const [smallPixels, largePixels, taps] = [elementCount(g.small), elementCount(g.large), elementCount(g.kernel)];
  const smallPerGroup = g.smallChannels / g.groups;
  const largePerGroup = g.largeChannels / g.groups;
  for (let image = 0; image < g.batch; image++) {
    for (let s = 0; s < g.smallChannels; s++) {
      const group = Math.floor(s / smallPerGroup);
      for (let l = 0; l < largePerGroup; l++) {
        const planes = {
          small: (image * g.smallChannels + s) * smallPixels,
          large: (image * g.largeChannels + group * largePerGroup + l) * largePixels,
          weight: (s * largePerGroup + l) * taps,
        };
        const of = (side: Side): Plane => ({ begin: planes[side], at: meetings[side] });
        addPlane(sums, of(into), first[1].data, of(first[0]), second[1].data, of(second[0]));
      }
    }
  }
}

/** Where a plane begins, and the elements of it that meet, one per product. */
interface Plane {
  readonly begin: number;
  readonly at: Int32Array;
}

function addPlane(sums: Sums, into: Plane, a: Float64Array, ofA: Plane, b: Float64Array, ofB: Plane): void {
  for (let m = 0; m < into.at.length; m++) {
    addTerm(sums, into.begin + into.at[m], a[ofA.begin + ofA.at[m]] * b[ofB.begin + ofB.at[m]]);
  }
}

type Meetings = Readonly<Record<Side, Int32Array>>;
type SpatialGeometry = Pick<Geometry, 'small' | 'large' | 'kernel' | 'stride' | 'dilation' | 'begin'>;

/** Those of one pair of channels: pixel of small, pixel of large and tap of every product that exists. */
export function spatialMeetings(g: SpatialGeometry): Meetings {
  const { small, large, kernel, stride, dilation, begin } = g;
  const key = JSON.stringify([small, large, kernel, stride, dilation, begin]);
  if (key !== last.key) last = { key, meetings: makeMeetings(g) };
  return last.meetings;
}

/** Tests ask for all results of one layer in a row. */
let last: { key: string; meetings: Meetings } = {
  key: '',
  meetings: { small: new Int32Array(0), large: new Int32Array(0), weight: new Int32Array(0) },
};

function makeMeetings(g: SpatialGeometry): Meetings {
  const largeStrides = stridesOf(g.large);
  const taps = [...coordinatesOf(g.kernel)];
  const meetings = { small: [] as number[], large: [] as number[], weight: [] as number[] };
  let smallPixel = 0;
  for (const i of coordinatesOf(g.small)) {
    taps.forEach((k, tap) => {
      const j = i.map((position, axis) => position * g.stride[axis] - g.begin[axis] + k[axis] * g.dilation[axis]);
      if (j.every((position, axis) => position >= 0 && position < g.large[axis])) {
        meetings.small.push(smallPixel);
        meetings.large.push(j.reduce((sum, position, axis) => sum + position * largeStrides[axis], 0));
        meetings.weight.push(tap);
      }
    });
    smallPixel++;
  }
  return {
    small: Int32Array.from(meetings.small),
    large: Int32Array.from(meetings.large),
    weight: Int32Array.from(meetings.weight),
  };
}
