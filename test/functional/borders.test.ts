/**
 * Sizes around the register tile, the blocks of K and the borders of items: all taken from the plans, so that
 * another tile or block means other tests. Results go to memory full of NaN: nothing may be read before it is written.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, full, tensor } from '../../src/index.ts';
import type { Algorithm, Engine, Tensor } from '../../src/index.ts';
import { contiguousStrides } from '../../src/core/shape.ts';
import { convTransposeGeometry } from '../../src/functional/conv_transpose_geometry.ts';
import { MAXIMUM_KC, nrOf } from '../../src/plan/blocking.ts';
import { planConvForward } from '../../src/plan/conv_forward.ts';
import { planConvTransposeForward } from '../../src/plan/conv_transpose_forward.ts';
import { planDepthwiseGather, planDepthwiseScatter } from '../../src/plan/depthwise.ts';
import { planDepthwiseGradWeight } from '../../src/plan/depthwise_grad_weight.ts';
import { planGradWeight } from '../../src/plan/grad_weight.ts';
import { planImplicitForward } from '../../src/plan/implicit_forward.ts';
import { convBackwardReference } from '../reference/conv.ts';
import { addBias, convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import type { RefTensor, Sums } from '../reference/tensor.ts';
import { expectWithinBound } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';
import { MICROKERNELS } from '../support/microkernels.ts';

type Dtype = 'float32' | 'float64';
type Rank = 1 | 2 | 3;
interface Options {
  readonly stride?: number[];
  readonly padding?: number[];
  readonly dilation?: number[];
  readonly groups?: number;
  readonly algorithm?: Algorithm;
}

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

/** Both directions and all gradients of the transposed convolution of these shapes, which is (in, out/groups, …). */
function checkAll(
  inputShape: number[],
  weightShape: number[],
  geometry: Options,
  dtype: Dtype,
  on = engine,
  algorithm: Algorithm = 'planes',
): void {
  const options = { ...geometry, algorithm };
  const axes = (weightShape.length - 2) as Rank;
  let seed = 1;
  const random = (shape: readonly number[]): RefTensor =>
    refTensor(shape, (dtype === 'float64' ? randomFloat64 : randomFloat32)(elementCount(shape), seed++));
  const upload = ({ shape, data }: RefTensor): Tensor => own(tensor(data, shape, { dtype, engine: on }));
  const dirty = (shape: readonly number[]): Tensor => own(full(shape, Number.NaN, { dtype, engine: on }));

  const [x, w] = [random(inputShape), random(weightShape)];
  const b = random([weightShape[1] * (options.groups ?? 1)]);
  const plain = convTransposeReference(x, w, null, options);
  const sums = structuredClone(plain);
  addBias(sums, b);
  const [tx, tw, tb] = [x, w, b].map(upload);
  const transposed = CONV_TRANSPOSE[axes];
  expectWithinBound(transposed.forwardSync(tx, tw, tb, { ...options, out: dirty(sums.shape) }), sums);
  const g = random(sums.shape);
  const tg = upload(g);
  const into = (expected: Gradients) => ({
    ...options,
    outGradInput: dirty(expected.gradInput.shape),
    outGradWeight: dirty(expected.gradWeight.shape),
    outGradBias: dirty(expected.gradBias.shape),
  });
  const expected = convTransposeBackwardReference(g, x, w, options);
  expectGradients(transposed.backwardSync(tg, tx, tw, into(expected)), expected);

  // the convolution that leads back: g is its input, and its sums are those above, which take most of the time
  const back = expected.gradInput;
  expectWithinBound(CONV[axes].forwardSync(tg, tw, null, { ...options, out: dirty(inputShape) }), back);
  const { gradBias } = convBackwardReference(x, g, w, options);
  const convExpected = { gradInput: plain, gradWeight: expected.gradWeight, gradBias };
  expectGradients(CONV[axes].backwardSync(tx, tg, tw, into(convExpected)), convExpected);
}

interface Gradients {
  readonly gradInput: Sums;
  readonly gradWeight: Sums;
  readonly gradBias: Sums;
}

function expectGradients(got: { [name in keyof Gradients]: Tensor | null }, expected: Gradients): void {
  for (const name of ['gradInput', 'gradWeight', 'gradBias'] as const) {
    expectWithinBound(got[name] as Tensor, expected[name]);
  }
}

/** Numbers of the stages that these shapes lead to. */
function plansOf(inputShape: number[], weightShape: number[], options: Options, dtype: Dtype) {
  const axes = (weightShape.length - 2) as Rank;
  const { geometry, outputShape } = convTransposeGeometry('test', axes, inputShape, weightShape, options);
  const stridesOf = (shape: readonly number[]) => {
    const [batch, channel, ...spatial] = contiguousStrides(shape);
    return { batch, channel, spatial: [0, 0, ...spatial].slice(-3) as [number, number, number] };
  };
  const [inChannel, outChannel, ...kernel] = contiguousStrides(weightShape);
  const spec = {
    dtype,
    kernelSet: engine.kernelSet,
    mr: null,
    geometry,
    input: stridesOf(inputShape),
    weight: { inChannel, outChannel, spatial: [0, 0, ...kernel].slice(-3) as [number, number, number] },
    output: stridesOf(outputShape),
    bias: true,
    accumulate: false,
  };
  const numbers = (plan: { stages: readonly { fields: object; items: number }[] }) => {
    const [{ fields, items }] = plan.stages;
    return { items, ...(fields as Record<string, number>) } as Record<string, number>;
  };
  return {
    scatter: numbers(planConvTransposeForward(spec)),
    implicit: numbers(planImplicitForward(spec)),
    gather: numbers(planConvForward(spec)),
    gradWeight: numbers(planGradWeight(spec)),
    depthwise: () => ({
      scatter: numbers(planDepthwiseScatter(spec)),
      gather: numbers(planDepthwiseGather(spec)),
      gradWeight: numbers(planDepthwiseGradWeight(spec)),
    }),
  };
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  const nr = nrOf(dtype);

  test.each(MICROKERNELS)('channels and widths around the tile, micro-kernel %s', async (microkernel) => {
    const mr = Number.parseInt(microkernel, 10);
    const forced = await createEngine({ microkernel });
    try {
      const channels = [mr - 1, mr, mr + 1, 2 * mr + 3];
      const widths = [1, nr - 1, nr, nr + 1, 2 * nr + 3];
      for (const many of channels) {
        for (const width of widths) {
          const shared = { dtype, on: forced } as const;
          checkAll([2, 3, 2, width], [3, many, 2, 3], { stride: [1, 2], padding: [1, 0] }, shared.dtype, shared.on);
          checkAll([1, many, 1, width], [many, 2, 1, 2], { stride: [1, 2] }, shared.dtype, shared.on);
          disposeOwned();
        }
      }
    } finally {
      forced.dispose();
    }
  });

  test('implicit: channels and widths around the tile', () => {
    const strip = { wide: 192, relaxed: 96, simd: 80 }[engine.kernelSet] / (dtype === 'float64' ? 8 : 4);
    for (const channels of [1, 2, 3]) {
      for (const width of [1, strip - 2, strip - 1, strip, strip + 1, 2 * strip + 1]) {
        for (const [kernel, options] of [
          [[2, 3], { stride: [1, 2], padding: [1, 0] }],
          [[2, 2], { stride: [2, 2] }],
          [[1, 3], { stride: [3, 1], dilation: [1, 2] }],
        ] as const) {
          const forced = { ...options, algorithm: 'implicit' } as unknown as Options;
          checkAll([2, 3, 2, width], [3, channels, ...kernel], forced, dtype);
          checkAll([1, channels, 1, width], [channels, 2, ...kernel], { ...forced, padding: [0, 0] }, dtype);
        }
        disposeOwned();
      }
    }
  });

  test.each([
    { input: [2, 3, 30, 29], weight: [3, 2, 3, 3], options: { stride: [2, 1], padding: [1, 2] } },
    { input: [1, 4, 700], weight: [4, 3, 5], options: { groups: 2, dilation: [3] } },
    { input: [3, 2, 9, 10, 11], weight: [2, 2, 2, 1, 3], options: { stride: [1, 2, 3] } },
  ])('a long K of gradWeight is dealt to several items: $input', ({ input, weight, options }) => {
    expect(plansOf(input, weight, options, dtype).gradWeight.parts).toBeGreaterThan(1);
    checkAll(input, weight, options, dtype);
  });

  test('gradWeight in parts adds to a strided gradient', () => {
    const [x, g] = [refTensor([1, 2, 20, 20], randomFloat64(800, 1)), refTensor([1, 2, 22, 22], randomFloat64(968, 2))];
    const upload = ({ shape, data }: RefTensor): Tensor => own(tensor(data, shape, { dtype, engine }));
    const [tx, tg, w] = [upload(x), upload(g), own(full([2, 2, 3, 3], 0, { dtype, engine }))];
    const target = own(own(full([3, 3, 2, 2], 1, { dtype, engine })).permute([2, 3, 1, 0]));
    const forced = { algorithm: 'planes', outputMask: [false, true, false] } as const;
    const into = { ...forced, outGradWeight: target, accumulate: true };
    const plain = own(CONV_TRANSPOSE[2].backwardSync(tg, tx, w, forced).gradWeight);
    CONV_TRANSPOSE[2].backwardSync(tg, tx, w, into);
    const numbers = [...target.toTypedArray()];
    expect(numbers).toEqual(
      [...plain.toTypedArray()].map((sum) => (dtype === 'float32' ? Math.fround(sum + 1) : sum + 1)),
    );
  });

  test('few rows of output or positions: channels make the items', () => {
    const [input, weight] = [
      [1, 400, 8, 8],
      [400, 400, 3, 1],
    ];
    const plans = plansOf(input, weight, {}, dtype);
    expect(plans.scatter.slabs).toBeGreaterThan(1);
    expect(plans.gather.itemRows).toBeLessThan(input[1]);
    checkAll(input, weight, {}, dtype);
  });

  const depths = [MAXIMUM_KC - 1, MAXIMUM_KC, MAXIMUM_KC + 1, 2 * MAXIMUM_KC + 1];
  test.each(depths)('depth %i: input channels, output channels, positions', (depth) => {
    checkAll([1, depth, 3], [depth, 2, 2], { stride: [2] }, dtype); // K of the transposed convolution
    checkAll([1, 2, 3], [2, depth, 2], { stride: [2] }, dtype); // K of the convolution
    checkAll([1, 3, depth], [3, 2, 2], { stride: [2] }, dtype); // K of gradWeight
    checkAll([depth, 3, 1], [3, 2, 2], {}, dtype); // the batch as columns
  });

  test('a kernel of more taps than a block of K', () => {
    const side = Math.ceil(Math.sqrt(MAXIMUM_KC + 1));
    checkAll([1, 2, 3, 2], [2, 3, side, side], { stride: [4, 3] }, dtype);
  });
});

describe('borders of items', () => {
  /** Grows a length until the plan cuts it at least twice. */
  function untilCut(cuts: (length: number) => number, least = 2): number {
    for (let length = 8; length <= 2 ** 20; length = Math.ceil(length * 1.3)) {
      if (cuts(length) >= least) return length + 1;
    }
    throw new Error('the plan never cuts');
  }

  /** The path that the plan is of. */
  const forced = (kind: 'scatter' | 'implicit' | 'gather', options: Options): Options =>
    kind === 'gather' ? options : { ...options, algorithm: kind === 'implicit' ? 'implicit' : 'planes' };

  const OPTIONS_1D: Options = { stride: [2], padding: [1] };
  const OPTIONS_2D: Options = { stride: [2, 1], padding: [1, 1] };
  const OPTIONS_3D: Options = { stride: [1, 2, 1], padding: [1, 0, 1] };

  test.each(['scatter', 'implicit', 'gather'] as const)('%s: boxes along W', (kind) => {
    const shapes = (w: number): [number[], number[]] => [
      [1, 2, w],
      [2, 2, 3],
    ];
    const width = untilCut((w) => plansOf(...shapes(w), OPTIONS_1D, 'float32')[kind].boxesW);
    checkAll(...shapes(width), forced(kind, OPTIONS_1D), 'float32');
  });

  test.each(['scatter', 'implicit', 'gather'] as const)('%s: boxes along H', (kind) => {
    const shapes = (h: number): [number[], number[]] => [
      [1, 2, h, 40],
      [2, 2, 3, 3],
    ];
    const height = untilCut((h) => plansOf(...shapes(h), OPTIONS_2D, 'float32')[kind].boxesH);
    checkAll(...shapes(height), forced(kind, OPTIONS_2D), 'float32');
  });

  test.each(['scatter', 'implicit', 'gather'] as const)('%s: boxes along D', (kind) => {
    const shapes = (d: number): [number[], number[]] => [
      [1, 2, d, 12, 20],
      [2, 2, 3, 2, 3],
    ];
    const depth = untilCut((d) => plansOf(...shapes(d), OPTIONS_3D, 'float32')[kind].boxesD);
    checkAll(...shapes(depth), forced(kind, OPTIONS_3D), 'float32');
  });

  test.each(['scatter', 'implicit'] as const)('%s: slabs of output channels, and more than one image', (kind) => {
    const shapes = (channels: number): [number[], number[]] => [
      [2, 3, 4, 33],
      [3, channels, 3, 3],
    ];
    const channels = untilCut((c) => plansOf(...shapes(c), OPTIONS_2D, 'float32')[kind].slabs);
    checkAll(...shapes(channels), forced(kind, OPTIONS_2D), 'float32');
  });

  test.each([
    ['packed', (c: number) => [2, c, 3, 20], (c: number) => [c, 2, 3, 3], { stride: [2, 2], padding: [1, 0] }],
    ['in place', (c: number) => [2, c, 3, 41], (c: number) => [c, 2, 2, 2], { stride: [2, 2] }],
    ['in place', (c: number) => [1, c, 3, 2, 9], (c: number) => [c, 1, 1, 2, 2], { stride: [1, 2, 2] }],
  ] satisfies [string, (c: number) => number[], (c: number) => number[], Options][])(
    'implicit: blocks of input channels, lines %s',
    (lines, input, weight, options) => {
      const plan = (c: number) => plansOf(input(c), weight(c), options, 'float32').implicit;
      const channels = untilCut((c) => Math.ceil(c / plan(c).kc));
      expect(plan(channels).dense).toBe(Number(lines === 'in place'));
      for (const many of [channels - 1, channels]) {
        checkAll(input(many), weight(many), { ...options, algorithm: 'implicit' }, 'float32');
      }
    },
  );

  test('slabs of rows of the packed weight', () => {
    const shapes = (channels: number): [number[], number[]] => [
      [1, channels, 3],
      [channels, 60, 4],
    ];
    const channels = untilCut((c) => {
      const { slabChannels } = plansOf(...shapes(c), OPTIONS_1D, 'float32').gather;
      return Math.ceil(c / slabChannels);
    });
    checkAll(...shapes(channels), OPTIONS_1D, 'float32');
  });

  test('items of gradWeight along rows and columns, in groups', () => {
    const rows = untilCut((c) => plansOf([1, c, 5], [c, 2, 3], OPTIONS_1D, 'float32').gradWeight.items);
    const columns = untilCut((c) => plansOf([1, 2, 5], [2, c, 3], OPTIONS_1D, 'float32').gradWeight.items);
    checkAll([1, 2 * rows, 5], [2 * rows, columns, 3], { ...OPTIONS_1D, groups: 2 }, 'float32');
  });

  test('blocks of positions and of images in gradWeight', () => {
    const box = (h: number) => plansOf([3, 2, h, 11], [2, 2, 2, 3], OPTIONS_2D, 'float32').gradWeight;
    const height = untilCut((h) => Math.ceil(h / box(h).boxH), 3);
    checkAll([3, 2, height, 11], [2, 2, 2, 3], OPTIONS_2D, 'float32');
    const images = untilCut((n) => {
      return Math.ceil(n / plansOf([n, 2, 3, 5], [2, 2, 2, 3], OPTIONS_2D, 'float32').gradWeight.imagesPerItem);
    });
    checkAll([images, 2, 3, 5], [2, 2, 2, 3], OPTIONS_2D, 'float32');
  });

  test.each([
    ['D', 3, (n: number) => [1, 3, n, 12, 30], [3, 1, 3, 3, 3]],
    ['H', 2, (n: number) => [1, 3, n, 40], [3, 1, 3, 4]],
    ['W', 1, (n: number) => [1, 3, n], [3, 1, 5]],
  ] as const)('depthwise: boxes along %s', (axis, rank, input, weight) => {
    const options: Options = {
      stride: [1, 2, 2].slice(0, rank),
      padding: [1, 1, 1].slice(0, rank),
      dilation: [1, 1, 2].slice(0, rank),
      groups: 3,
    };
    const cuts = (n: number) => plansOf([...input(n)], [...weight], options, 'float32').depthwise();
    // the product with the largest boxes last
    const length = untilCut((n) => Math.min(...Object.values(cuts(n)).map((fields) => fields[`boxes${axis}`])), 3);
    checkAll([...input(length)], [...weight], options, 'float32', engine, 'depthwise');
  });
});
