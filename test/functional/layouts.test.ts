/** Elementwise operations and normalisation in any memory layout, dtype and number of threads: the same numbers. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Dtype, Engine, Tensor } from '../../src/index.ts';
import { refTensor } from '../reference/tensor.ts';
import type { LayoutKind, TargetKind } from '../support/conv_problem.ts';
import { expectWithin } from '../support/expect.ts';
import { placed, targetOf } from '../support/layouts.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

type Options = Record<string, unknown>;

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly call: (operands: Tensor[], options: Options) => unknown;
  /** Options of the results, by the name of each result; '' where there is one. */
  readonly outs: Readonly<Record<string, string>>;
  /** Roundings to float16 on the way that float32 does not have: those of sums over parts. */
  readonly tolerance?: number;
}

const GRADIENTS = { gradInput: 'outGradInput', gradWeight: 'outGradWeight', gradBias: 'outGradBias' };
const PAIR = { gradA: 'outGradA', gradB: 'outGradB' };
const IMAGE = [2, 3, 5, 6];
const CASES: Case[] = [
  {
    name: 'add',
    shapes: [IMAGE, [3, 1, 6]],
    call: ([a, b], o) => upconv.addSync(a, b, { alpha: 0.5, ...o }),
    outs: { '': 'out' },
  },
  { name: 'mul', shapes: [IMAGE, IMAGE], call: ([a, b], o) => upconv.mulSync(a, b, o), outs: { '': 'out' } },
  {
    name: 'addBackward',
    shapes: [IMAGE, IMAGE, [3, 1, 6]],
    call: ([g, a, b], o) => upconv.addBackwardSync(g, a, b, o),
    outs: PAIR,
  },
  {
    name: 'mulBackward',
    shapes: [IMAGE, [2, 1, 5, 6], [5, 1]].with(0, [2, 1, 5, 6]),
    call: ([g, a, b], o) => upconv.mulBackwardSync(g, a, b, o),
    outs: PAIR,
  },
  { name: 'cat', shapes: [IMAGE, [2, 1, 5, 6]], call: (all, o) => upconv.catSync(all, 1, o), outs: { '': 'out' } },
  { name: 'activate', shapes: [IMAGE], call: ([x], o) => upconv.activateSync(x, 'silu', o), outs: { '': 'out' } },
  {
    name: 'activateBackward tanh',
    shapes: [IMAGE, IMAGE],
    call: ([g, x], o) => upconv.activateBackwardSync(g, x, 'tanh', o),
    outs: { gradInput: 'outGradInput' },
  },
  {
    name: 'activateBackward gelu',
    shapes: [IMAGE, IMAGE],
    call: ([g, x], o) => upconv.activateBackwardSync(g, x, 'gelu', o),
    outs: { gradInput: 'outGradInput' },
  },
  { name: 'prelu', shapes: [IMAGE, [3]], call: ([x, w], o) => upconv.preluSync(x, w, o), outs: { '': 'out' } },
  {
    name: 'preluBackward',
    shapes: [IMAGE, IMAGE, [3]],
    call: ([g, x, w], o) => upconv.preluBackwardSync(g, x, w, o),
    outs: { gradInput: 'outGradInput', gradWeight: 'outGradWeight' },
  },
  {
    name: 'batchNorm',
    shapes: [IMAGE, [3], [3]],
    call: ([x, w, b], o) => upconv.batchNormSync(x, w, b, { training: true, ...o }),
    outs: { '': 'out' },
  },
  {
    name: 'batchNormBackward',
    shapes: [IMAGE, IMAGE, [3]],
    call: ([g, x, w], o) => upconv.batchNormBackwardSync(g, x, w, { training: true, ...o }),
    outs: GRADIENTS,
  },
  {
    name: 'instanceNorm',
    shapes: [IMAGE, [3], [3]],
    call: ([x, w, b], o) => upconv.instanceNormSync(x, w, b, o),
    outs: { '': 'out' },
  },
  {
    name: 'instanceNormBackward',
    shapes: [IMAGE, IMAGE, [3]],
    call: ([g, x, w], o) => upconv.instanceNormBackwardSync(g, x, w, o),
    outs: GRADIENTS,
  },
  {
    name: 'layerNorm2d',
    shapes: [IMAGE, [3], [3]],
    call: ([x, w, b], o) => upconv.layerNorm2dSync(x, w, b, o),
    outs: { '': 'out' },
  },
  {
    name: 'layerNorm2dBackward',
    shapes: [IMAGE, IMAGE, [3]],
    call: ([g, x, w], o) => upconv.layerNorm2dBackwardSync(g, x, w, o),
    outs: GRADIENTS,
  },
  {
    name: 'convTranspose2dDoubleBackward',
    shapes: [IMAGE, [3, 4, 3, 3], [4], [2, 4, 7, 8], IMAGE, [3, 4, 3, 3]],
    call: ([ggI, ggW, ggB, g, x, w], o) => upconv.convTranspose2dDoubleBackwardSync(ggI, ggW, ggB, g, x, w, o),
    outs: { gradGradOutput: 'outGradGradOutput', gradInput: 'outGradInput', gradWeight: 'outGradWeight' },
  },
];
const LAYOUTS: readonly LayoutKind[] = ['plain', 'permuted', 'narrowed', 'transposed'];
const TARGETS: readonly TargetKind[] = ['contiguous', 'channels', 'permuted'];
const DTYPES: readonly Dtype[] = ['float32', 'float64', 'float16'];

let engine: Engine;
let threaded: Engine;
beforeAll(async () => {
  [engine, threaded] = [await upconv.createEngine({ threads: 1 }), await upconv.createEngine({ threads: 3 })];
});
afterEach(() => [engine, threaded].forEach(releaseAll));
afterAll(() => [engine, threaded].forEach((each) => each.dispose()));

/** Operands of numbers that float16 holds. */
function operandsOf({ shapes }: Case, layout: LayoutKind, dtype: Dtype, where = engine): Tensor[] {
  return shapes.map((shape, index) => {
    const values = randomFloat32(shape.reduce((x, y) => x * y, 1), index + 1); // prettier-ignore
    return placed(
      refTensor(
        shape,
        values.map((value) => Math.round(value * 64) / 32),
      ),
      layout,
      dtype,
      where,
    );
  });
}

function resultsOf({ call, outs }: Case, operands: Tensor[], options: Options = {}): [string, Tensor][] {
  const returned = call(operands, options);
  return Object.entries(outs).map(([name, option]) => {
    return [option, own(name === '' ? (returned as Tensor) : (returned as Record<string, Tensor>)[name])];
  });
}

const numbers = (t: Tensor): { shape: readonly number[]; values: ArrayLike<number> } => {
  return { shape: t.shape, values: own(t.to('float64')).toTypedArray() };
};
const ULP = { float32: 2 ** -22, float64: 2 ** -48, float16: 2 ** -9 };

describe.each(CASES)('$name', (c) => {
  const expected = (): [string, Tensor][] => resultsOf(c, operandsOf(c, 'plain', 'float64'));

  test.each(DTYPES.flatMap((dtype) => LAYOUTS.map((layout) => [dtype, layout] as const)))('%s, %s', (dtype, layout) => {
    const results = resultsOf(c, operandsOf(c, layout, dtype));
    expected().forEach(([, reference], index) => {
      const { shape, values } = numbers(reference);
      const largest = Math.max(...Array.from(values, Math.abs));
      const limit = (): number => 8 * ULP[dtype] * largest;
      expect(results[index][1].dtype).toBe(dtype);
      expectWithin(numbers(results[index][1]), refTensor(shape, Float64Array.from(values)), limit);
    });
  });

  test.each(DTYPES)('%s into views, and added to what is there', (dtype) => {
    const operands = operandsOf(c, 'plain', dtype);
    const plain = resultsOf(c, operands);
    for (const kind of TARGETS) {
      const accumulates = plain[0][0] !== 'out';
      for (const accumulate of accumulates ? [false, true] : [false]) {
        const targets = plain.map(([option, { shape }]) => {
          const start = accumulate
            ? refTensor(shape, new Float64Array(shape.reduce((x, y) => x * y, 1)).fill(2))
            : null;
          return [option, targetOf(shape, kind, Math.min(1, shape.length - 1), dtype, engine, start)] as const;
        });
        const options = Object.fromEntries(targets.map(([option, { out }]) => [option, out]));
        const results = resultsOf(c, operands, accumulate ? { ...options, accumulate } : options);
        results.forEach(([option, result], index) => {
          expect(result).toBe(options[option]);
          targets[index][1].check();
          const { shape, values } = numbers(plain[index][1]);
          const wanted = Float64Array.from(values, (value) => (accumulate ? value + 2 : value));
          const largest = Math.max(...wanted.map(Math.abs)) + 2;
          const limit = accumulate ? 4 * ULP[dtype] * largest : 0;
          // reductions take another order where the target lies otherwise
          expectWithin(numbers(result), refTensor(shape, wanted), () => Math.max(limit, ULP[dtype] * largest));
        });
      }
    }
  });

  test('three threads give the bits of one', () => {
    const [one, three] = [engine, threaded].map((each) => resultsOf(c, operandsOf(c, 'plain', 'float32', each)));
    one.forEach(([, result], index) => expect(three[index][1].toTypedArray()).toEqual(result.toTypedArray()));
  });

  test('channels last stays channels last', () => {
    const operands = operandsOf(c, 'plain', 'float32');
    const last = operands.map((t) => (t.shape.length === 4 ? own(t.contiguous({ memoryFormat: 'channelsLast' })) : t));
    const [plain, results] = [resultsOf(c, operands), resultsOf(c, last)];
    results.forEach(([, result], index) => {
      const { shape, values } = numbers(plain[index][1]);
      const largest = Math.max(...Array.from(values, Math.abs));
      expectWithin(numbers(result), refTensor(shape, Float64Array.from(values)), () => 4 * ULP.float32 * largest);
      const keeps = shape.join() === IMAGE.join() && !c.name.endsWith('DoubleBackward');
      expect(keeps ? result.strides[1] : 1).toBe(1);
    });
  });

  test('zero batch', () => {
    const empty = (shape: readonly number[]): readonly number[] =>
      shape.length === 4 && shape[0] === 2 ? [0, ...shape.slice(1)] : shape;
    const results = resultsOf(c, operandsOf({ ...c, shapes: c.shapes.map(empty) }, 'plain', 'float32'));
    for (const [, result] of results) expect([...result.toTypedArray()].every((value) => value === 0)).toBe(true);
  });
});

test('sums of many numbers are exact to rounding, along rows and along columns', () => {
  const values = randomFloat32(9000 * 3, 1);
  const sums = [0, 1, 2].map((column) =>
    values.reduce((sum, value, index) => (index % 3 === column ? sum + value : sum), 0),
  );
  for (const shape of [
    [9000, 3],
    [3, 9000],
  ]) {
    // prettier-ignore
    const stored = shape[0] === 3 ? Float32Array.from(values, (_, i) => values[(i % 9000) * 3 + Math.floor(i / 9000)]) : values;
    const g = own(upconv.tensor(stored, shape, { engine }));
    const b = own(upconv.zeros(shape[0] === 3 ? [3, 1] : [3], { engine }));
    const { gradB } = upconv.addBackwardSync(g, g, b, { outputMask: [false, true] });
    const limit = (): number => 2e-4;
    expectWithin(own(gradB!.reshape(3)), refTensor([3], Float64Array.from(sums)), limit);
    own(gradB!);
  }
});

test('a large tensor is cut into items', () => {
  const x = own(upconv.full([2, 20_000], 1.5, { engine }));
  const y = own(upconv.full([2, 20_000], 0.25, { engine }));
  expect(
    own(upconv.addSync(x, y, { alpha: 2 }))
      .toTypedArray()
      .every((value) => value === 2),
  ).toBe(true);
});

test('cat copies nothing of what lies in its place already', () => {
  const whole = own(upconv.empty([2, 5, 3], { engine }));
  const [first, second] = [own(whole.narrow(1, 0, 2)), own(whole.narrow(1, 2, 3))];
  first.copyFrom(new Float32Array(12).fill(1));
  second.copyFrom(new Float32Array(18).fill(2));
  const version = own(upconv.full([2, 3, 3], 7, { engine }));
  expect(upconv.catSync([first, second], 1, { out: whole })).toBe(whole);
  const image = [[1, 1, 1], [1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]]; // prettier-ignore
  expect(whole.toArray()).toEqual([image, image]);
  upconv.catSync([first, version], 1, { out: whole });
  expect(own(whole.narrow(1, 2, 3)).toArray()).toEqual(version.toArray());
  expect(own(whole.narrow(1, 0, 2)).toArray()).toEqual(first.toArray());
  // in another place it overlaps
  expect(() => upconv.catSync([second, first], 1, { out: whole })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});

test('parts written by calls in flight', async () => {
  const joined = own(upconv.empty([1, 3, 4, 4], { engine }));
  const [up, skip] = [own(joined.narrow(1, 0, 2)), own(joined.narrow(1, 2, 1))];
  const x = own(upconv.full([1, 1, 2, 2], 2, { engine }));
  const w = own(upconv.full([1, 2, 2, 2], 3, { engine }));
  const written = [
    upconv.convTranspose2d(x, w, null, { stride: 2, out: up }),
    upconv.add(own(upconv.full([1, 1, 4, 4], 1, { engine })), own(upconv.full([1], 4, { engine })), { out: skip }),
  ];
  await upconv.cat([up, skip], 1, { out: joined });
  expect([...joined.toTypedArray()]).toEqual([...Array<number>(32).fill(6), ...Array<number>(16).fill(5)]);
  await Promise.all(written);
});
