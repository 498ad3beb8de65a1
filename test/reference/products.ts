import { coordinatesOf, elementCount, stridesOf } from './tensor.ts';
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
  const runs = spatialRuns(g);
  const [smallPixels, largePixels, taps] = [elementCount(g.small), elementCount(g.large), elementCount(g.kernel)];
  const smallPerGroup = g.smallChannels / g.groups;
  const largePerGroup = g.largeChannels / g.groups;
  const of = ([side, { data }]: readonly [Side, RefTensor]): Operand => ({ data, begin: 0, ...runs[side] });
  const [target, a, b] = [of([into, sums]), of(first), of(second)];
  const begins = { small: 0, large: 0, weight: 0 };
  for (let image = 0; image < g.batch; image++) {
    for (let s = 0; s < g.smallChannels; s++) {
      const group = Math.floor(s / smallPerGroup);
      for (let l = 0; l < largePerGroup; l++) {
        begins.small = (image * g.smallChannels + s) * smallPixels;
        begins.large = (image * g.largeChannels + group * largePerGroup + l) * largePixels;
        begins.weight = (s * largePerGroup + l) * taps;
        target.begin = begins[into];
        a.begin = begins[first[0]];
        b.begin = begins[second[0]];
        addPlane(target, sums.magnitude, a, b, runs.lengths);
      }
    }
  }
  const planes = { small: largePerGroup, large: smallPerGroup, weight: g.batch }[into];
  countTerms(sums, { small: smallPixels, large: largePixels, weight: taps }[into], planes, runs, into);
}

/** A tensor, where its plane begins, and which elements of it the products of the runs have. */
interface Operand extends Steps {
  readonly data: Float64Array;
  begin: number;
}

/** The products of one pair of channels. Loops that tests wait for: neither calls nor lists of elements. */
function addPlane(into: Operand, magnitude: Float64Array, a: Operand, b: Operand, lengths: Int32Array): void {
  const sums = into.data;
  const { step } = into;
  const [dataA, stepA] = [a.data, a.step];
  const [dataB, stepB] = [b.data, b.step];
  for (let run = 0; run < lengths.length; run++) {
    const length = lengths[run];
    let at = into.begin + into.starts[run];
    let atA = a.begin + a.starts[run];
    let atB = b.begin + b.starts[run];
    if (step === 0) {
      let sum = sums[at];
      let absolute = magnitude[at];
      for (let i = 0; i < length; i++, atA += stepA, atB += stepB) {
        const product = dataA[atA] * dataB[atB];
        sum += product;
        absolute += Math.abs(product);
      }
      sums[at] = sum;
      magnitude[at] = absolute;
    } else {
      for (let i = 0; i < length; i++, at += step, atA += stepA, atB += stepB) {
        const product = dataA[atA] * dataB[atB];
        sums[at] += product;
        magnitude[at] += Math.abs(product);
      }
    }
  }
}

/** How many products an element has depends on its place in the plane alone: those of `planes` pairs of channels. */
function countTerms({ terms }: Sums, pixels: number, planes: number, runs: Runs, into: Side): void {
  const perPlane = new Float64Array(pixels);
  const { starts, step } = runs[into];
  runs.lengths.forEach((length, run) => {
    for (let i = 0; i < length; i++) perPlane[starts[run] + i * step]++;
  });
  for (let index = 0; index < terms.length; index++) terms[index] += planes * perPlane[index % pixels];
}

/** Elements of one side: run r has starts[r] and those that follow it, `step` apart. */
interface Steps {
  readonly starts: Int32Array;
  readonly step: number;
}

/** The products of one pair of channels: of one tap and one line of small along its last axis, those that exist. */
export interface Runs extends Readonly<Record<Side, Steps>> {
  readonly lengths: Int32Array;
}

type SpatialGeometry = Pick<Geometry, 'small' | 'large' | 'kernel' | 'stride' | 'dilation' | 'begin'>;

export function spatialRuns(g: SpatialGeometry): Runs {
  const { small, large, kernel, stride, dilation, begin } = g;
  const key = JSON.stringify([small, large, kernel, stride, dilation, begin]);
  if (key !== last?.key) last = { key, runs: makeRuns(g) };
  return last.runs;
}

/** Tests ask for all results of one layer in a row. */
let last: { readonly key: string; readonly runs: Runs } | undefined;

function makeRuns(g: SpatialGeometry): Runs {
  const axis = g.small.length - 1;
  const [length, stride] = [g.small[axis], g.stride[axis]];
  const largeStrides = stridesOf(g.large);
  const lines = [...coordinatesOf(g.small.slice(0, axis))];
  const runs = { small: [] as number[], large: [] as number[], weight: [] as number[], lengths: [] as number[] };
  let tap = 0;
  for (const k of coordinatesOf(g.kernel)) {
    const shift = k.map((position, each) => position * g.dilation[each] - g.begin[each]);
    const from = Math.max(0, Math.ceil(-shift[axis] / stride));
    const to = Math.min(length, Math.ceil((g.large[axis] - shift[axis]) / stride));
    lines.forEach((i, line) => {
      const j = [...i, from].map((position, each) => position * g.stride[each] + shift[each]);
      if (to <= from || !j.every((position, each) => position >= 0 && position < g.large[each])) return;
      runs.small.push(line * length + from);
      runs.large.push(j.reduce((sum, position, each) => sum + position * largeStrides[each], 0));
      runs.weight.push(tap);
      runs.lengths.push(to - from);
    });
    tap++;
  }
  return {
    small: { starts: Int32Array.from(runs.small), step: 1 },
    large: { starts: Int32Array.from(runs.large), step: stride },
    weight: { starts: Int32Array.from(runs.weight), step: 0 },
    lengths: Int32Array.from(runs.lengths),
  };
}
