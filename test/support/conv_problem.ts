/** Random convolutions and transposed convolutions for fast-check, with every option and layout a caller may choose. */

import * as fc from 'fast-check';
import type { Algorithm } from '../../src/index.ts';
import type { RefOptions } from '../reference/options.ts';
import { takesWinograd } from './winograd.ts';

/** How a tensor lies in memory. `narrowed`: inside a larger one filled with NaN. */
export type LayoutKind = 'plain' | 'permuted' | 'narrowed' | 'transposed';
/** Where a result goes: a new tensor, a given one, or a part of a larger one, both filled with NaN before. */
export type TargetKind = 'new' | 'contiguous' | 'channels' | 'permuted';

export interface ConvProblem {
  readonly transposed: boolean;
  readonly axes: 1 | 2 | 3;
  /** null: unbatched. */
  readonly batch: number | null;
  /** One that takes the shape. */
  readonly algorithm: Algorithm;
  readonly double: boolean;
  readonly seed: number;
  readonly inputShape: number[];
  readonly weightShape: number[];
  readonly outChannels: number;
  readonly options: RefOptions;
  readonly bias: boolean;
  readonly relu: boolean;
  readonly inputRelu: boolean;
  readonly layouts: { readonly input: LayoutKind; readonly weight: LayoutKind; readonly gradOutput: LayoutKind };
  readonly out: TargetKind;
  readonly outGrad: { readonly input: TargetKind; readonly weight: TargetKind; readonly bias: TargetKind };
  readonly mask: [boolean, boolean, boolean];
  readonly accumulate: boolean;
  /** Which of the test's engines runs it. */
  readonly engine: number;
}

interface AxisChoice {
  readonly length: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly extra: number;
}

/** Products of the largest problem of scale 1, for the naive reference. */
const LARGEST = 150_000;

/** Lengths are small in 3-D, so that the naive reference stays quick. */
function axisChoice(axes: number, scale: number): fc.Arbitrary<AxisChoice> {
  const longest = [40, 11, 5][axes - 1] * scale;
  return fc.record({
    length: fc.integer({ min: 1, max: longest }),
    kernel: fc.integer({ min: 1, max: [7, 5, 3][axes - 1] }),
    stride: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 4, max: 9 }) },
    ),
    dilation: fc.integer({ min: 1, max: 3 }),
    begin: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(5) }),
    end: fc.nat(5),
    extra: fc.nat(8),
  });
}

/** Output padding that PyTorch allows. */
function outputPadding({ extra, stride, dilation }: AxisChoice): number {
  return extra % Math.max(stride, dilation);
}

/** Length after the operation; below 1 when the choice does not fit. */
function outputLength(choice: AxisChoice, transposed: boolean): number {
  const { length, kernel, stride, dilation, begin, end } = choice;
  const reach = dilation * (kernel - 1) + 1;
  if (transposed) return (length - 1) * stride + reach - begin - end + outputPadding(choice);
  return Math.floor((length + begin + end - reach) / stride) + 1;
}

const layout = fc.constantFrom<LayoutKind>('plain', 'plain', 'permuted', 'narrowed', 'transposed');
const target = fc.constantFrom<TargetKind>('new', 'new', 'contiguous', 'channels', 'permuted');

type Passed = Omit<ConvProblem, 'axes' | 'inputShape' | 'weightShape' | 'outChannels' | 'options'>;

interface Choice {
  readonly spatial: readonly AxisChoice[];
  readonly symmetric: boolean;
  readonly groups: number;
  /** Channels per group: of the weight's first axis, and its second. */
  readonly channels: readonly [number, number];
  readonly passed: Passed;
}

/** The problem of a choice; null when it has an empty output or is too large. */
/** True when the algorithm takes the problem. */
function takes(algorithm: Algorithm, channelsPerGroup: number, axes: readonly AxisChoice[]): boolean {
  if (algorithm === 'depthwise') return channelsPerGroup <= 4;
  if (algorithm !== 'winograd') return true;
  const each = (name: 'kernel' | 'stride' | 'dilation') => axes.map((axis) => axis[name]);
  return takesWinograd(each('kernel'), each('stride'), each('dilation'));
}

function problemOf({ spatial, symmetric, groups, channels, passed }: Choice, largest: number): ConvProblem | null {
  const { transposed, batch } = passed;
  const axes = symmetric ? spatial.map((axis) => Object.assign({}, axis, { end: axis.begin })) : spatial;
  const [first, second] = channels.map((count) => count * groups);
  // the weight is (Cin, Cout/groups, …) of a transposed convolution, (Cout, Cin/groups, …) of a convolution
  const weightShape = [first, channels[1], ...axes.map(({ kernel }) => kernel)];
  const lengths = axes.map(({ length }) => length);
  const outputs = axes.map((axis) => outputLength(axis, transposed));
  const small = transposed ? lengths : outputs;
  const products = [batch ?? 1, ...weightShape, ...small].reduce((product, length) => product * length, 1);
  if (products > largest || outputs.some((length) => length < 1)) return null;
  return {
    ...passed,
    algorithm: takes(passed.algorithm, channels[0], axes) ? passed.algorithm : 'direct',
    axes: axes.length as 1 | 2 | 3,
    inputShape: [...(batch === null ? [] : [batch]), transposed ? first : second, ...lengths],
    weightShape,
    outChannels: transposed ? second : first,
    options: {
      stride: axes.map(({ stride }) => stride),
      padding: axes.map(({ begin, end }) => (symmetric ? begin : [begin, end])) as RefOptions['padding'],
      dilation: axes.map(({ dilation }) => dilation),
      groups,
      ...(transposed ? { outputPadding: axes.map(outputPadding) } : {}),
    },
  };
}

/**
 * @param engines how many engines the test has
 * @param scale factor on lengths; larger problems are cut into more items
 */
export function convProblems(engines: number, scale = 1): fc.Arbitrary<ConvProblem> {
  const passed: fc.Arbitrary<Passed> = fc.record({
    transposed: fc.boolean(),
    batch: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null, freq: 4 }),
    algorithm: fc.constantFrom<Algorithm>('auto', 'planes', 'implicit', 'depthwise', 'winograd'),
    double: fc.boolean(),
    seed: fc.integer({ min: 1, max: 2 ** 30 }),
    bias: fc.boolean(),
    relu: fc.boolean(),
    inputRelu: fc.boolean(),
    layouts: fc.record({ input: layout, weight: layout, gradOutput: layout }),
    out: target,
    outGrad: fc.record({ input: target, weight: target, bias: target }),
    mask: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    accumulate: fc.boolean(),
    engine: fc.nat(engines - 1),
  });
  const channels = fc.integer({ min: 1, max: 9 });
  return fc
    .constantFrom<1 | 2 | 3>(1, 2, 2, 3)
    .chain((axes) =>
      fc.record({
        spatial: fc.array(axisChoice(axes, scale), { minLength: axes, maxLength: axes }),
        symmetric: fc.boolean(),
        groups: fc.integer({ min: 1, max: 3 }),
        channels: fc.tuple(channels, channels),
        passed,
      }),
    )
    .map((choice) => problemOf(choice, LARGEST * scale ** 2))
    .filter((problem) => problem !== null);
}
