/**
 * Infinities, NaN and −0, one at a time, in every element of small layers of each width and on every path: what does
 * not exist is never multiplied, so that only real products spread them. Finite values are small integers, whose sums
 * are exact, and results are compared to the bit with the definition. PyTorch 1.13 gives the same for all of them, but
 * for the depthwise convolution with padding, where its kernel leaves the zeros of the padding out.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { convTransposeAlgorithms, createEngine, packWeight, tensor } from '../../src/index.ts';
import type { Algorithm, Engine, Tensor } from '../../src/index.ts';
import type { CacheablePlan } from '../../src/engine/call.ts';
import { convBackwardReference, convReference } from '../reference/conv.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import { cropPairs } from '../reference/options.ts';
import type { RefOptions } from '../reference/options.ts';
import { coordinatesOf, elementCount, refTensor, stridesOf } from '../reference/tensor.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { loadVariant } from '../../src/wasm/load_variant.ts';
import { expectIdentical } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { ON_PAGE } from '../support/on_page.ts';

interface Layer {
  readonly name: string;
  /** Of a transposed convolution; the convolution reads what it writes. */
  readonly input: (width: number) => number[];
  readonly weight: number[];
  readonly options: RefOptions;
}

const LAYERS: Layer[] = [
  { name: '1-D k3 s2 p1 op1', input: (w) => [1, 2, w], weight: [2, 2, 3], options: { stride: 2, padding: 1, outputPadding: 1 } },
  { name: '1-D k4 s1', input: (w) => [2, 2, w], weight: [2, 1, 4], options: {} },
  { name: '1-D holes', input: (w) => [1, 2, w], weight: [2, 1, 2], options: { stride: 3, outputPadding: 2 } },
  { name: '1-D dilated groups', input: (w) => [1, 4, w], weight: [4, 2, 3], options: { groups: 2, dilation: 2, stride: 2 } },
  { name: '1-D uneven crop', input: (w) => [1, 2, w], weight: [2, 1, 4], options: { stride: 2, padding: [[2, 0]] } },
  { name: '1-D batch', input: (w) => [9, 2, w], weight: [2, 1, 3], options: { stride: 2 } },
  { name: '2-D k3 s2 p1', input: (w) => [1, 2, 3, w], weight: [2, 1, 3, 3], options: { stride: 2, padding: 1 } },
  { name: '2-D k2 s2', input: (w) => [1, 2, 2, w], weight: [2, 2, 2, 2], options: { stride: 2 } },
  { name: '2-D k3 s1 p1', input: (w) => [1, 3, 5, w], weight: [3, 1, 3, 3], options: { padding: 1 } },
  { name: '2-D k5 s2 p2', input: (w) => [1, 2, 3, w], weight: [2, 1, 5, 5], options: { stride: 2, padding: 2 } },
  { name: '2-D one row', input: (w) => [2, 2, 1, w], weight: [2, 2, 2, 3], options: { stride: [1, 2] } },
  { name: '2-D depthwise k3 s2', input: (w) => [1, 2, 3, w], weight: [2, 1, 3, 3], options: { groups: 2, stride: 2, padding: 1 } },
  { name: '2-D depthwise k4 s1', input: (w) => [2, 2, 2, w], weight: [2, 2, 2, 4], options: { groups: 2, padding: 1 } },
  { name: '3-D k2', input: (w) => [1, 2, 2, 2, w], weight: [2, 1, 2, 2, 2], options: { stride: [1, 2, 2] } },
]; // prettier-ignore

const POKES = [Infinity, -Infinity, Number.NaN, -0];
/** Of an input or a gradient. On pages fewer, of fewer widths: the definition takes minutes there, and is the same. */
const MOST_POKES = ON_PAGE ? 7 : 23;
const WIDTHS = ON_PAGE ? [1, 3, 4, 8, 9] : [1, 2, 3, 4, 5, 6, 7, 8, 9];

let engine: Engine;
/** Paths that were taken: entries of stages, with what decides how they go. */
const paths = new Set<string>();
beforeAll(async () => {
  engine = await createEngine();
  const plan: Engine['plan'] = engine.plan.bind(engine);
  // not a spy, which remembers what it returned of 100,000 calls
  engine.plan = (key, make) =>
    plan(key, () => {
      const made = make();
      notePaths(made);
      return made;
    });
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

function notePaths({ stages }: CacheablePlan): void {
  for (const { entry, fields } of stages) {
    const { flat, writeOnce, dense } = fields;
    const how = entry === 'implicitForward' ? dense : writeOnce;
    const lines = flat === undefined ? '' : ` ${flat === 0 ? 'rows' : 'slices'}${how === 1 ? ' once' : ''}`;
    paths.add(`${entry}${lines}`);
  }
}

/** −2 … 2. */
function integers(shape: readonly number[], seed: number): RefTensor {
  let state = seed;
  return refTensor(
    shape,
    Array.from({ length: elementCount(shape) }, () => {
      state = (state * 48271) % 2147483647;
      return (state % 5) - 2;
    }),
  );
}

const upload = ({ shape, data }: RefTensor): Tensor => own(tensor(Float32Array.from(data), shape, { engine }));

type Named = Readonly<Record<'input' | 'weight' | 'gradOutput', RefTensor>>;
type Result = 'output' | 'gradInput' | 'gradWeight' | 'gradBias';

/** What the definition says of a layer, by its width and what was poked: the same for every path. */
let known = new Map<string, RefTensor>();
function once(key: string, make: () => RefTensor): RefTensor {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}

/**
 * What PyTorch computes. Products that scatter are with elements that exist; those that gather, a convolution's output
 * and the gradients of weights, take the zeros around an image for elements.
 */
function expectedOf(kind: 'conv' | 'convTranspose', result: Result, named: Named, options: RefOptions): RefTensor {
  const { input, weight, gradOutput } = named;
  const noPadding = { ...options, padding: 0 };
  if (kind === 'convTranspose') {
    if (result === 'output') return convTransposeReference(input, weight, null, options);
    if (result === 'gradBias') return convTransposeBackwardReference(gradOutput, input, weight, options).gradBias;
    return convTransposeBackwardReference(zeroPadded(gradOutput, options), input, weight, noPadding)[result];
  }
  const around = zeroPadded(input, options);
  if (result === 'output') return convReference(around, weight, null, noPadding);
  if (result === 'gradWeight') return convBackwardReference(gradOutput, around, weight, noPadding).gradWeight;
  return convBackwardReference(gradOutput, input, weight, options)[result];
}

/** `t` in the middle of zeros. */
function zeroPadded(t: RefTensor, { padding }: RefOptions): RefTensor {
  const pairs = [[0, 0], [0, 0], ...cropPairs(padding, t.shape.length - 2)];
  const shape = t.shape.map((length, axis) => length + pairs[axis][0] + pairs[axis][1]);
  const padded = refTensor(shape, new Float64Array(elementCount(shape)));
  const strides = stridesOf(shape);
  let from = 0;
  for (const at of coordinatesOf(t.shape)) {
    padded.data[at.reduce((sum, position, axis) => sum + (position + pairs[axis][0]) * strides[axis], 0)] =
      t.data[from++];
  }
  return padded;
}

/** The operands, what is written into each of their elements in turn, and the results that depend on them. */
const TARGETS: [keyof Named, readonly number[], readonly Result[]][] = [
  ['weight', [Infinity, -Infinity, Number.NaN], ['output', 'gradInput']],
  ['input', POKES, ['output', 'gradWeight']],
  ['gradOutput', POKES, ['gradInput', 'gradWeight', 'gradBias']],
];

/** Runs one operation with each poke of each operand; says what differs. */
function pokeAll(
  kind: 'conv' | 'convTranspose',
  axes: 1 | 2 | 3,
  algorithm: Algorithm,
  base: Named,
  geometry: RefOptions,
  turn: number,
): string[] {
  const options = { ...geometry, algorithm };
  const operation = (kind === 'conv' ? CONV : CONV_TRANSPOSE)[axes];
  const [input, weight, gradOutput] = [base.input, base.weight, base.gradOutput].map(upload);
  const tensors = { input, weight, gradOutput };
  const failures: string[] = [];
  const poked = (target: keyof Named, index: number, value: number, results: readonly Result[]): void => {
    const values = base[target].data.slice();
    values[index] = value;
    tensors[target].copyFrom(values);
    const outputMask = [
      results.includes('gradInput'),
      results.includes('gradWeight'),
      results.includes('gradBias'),
    ] as const;
    const got: Partial<Record<Result, Tensor | null>> = operation.backwardSync(gradOutput, input, weight, {
      ...options,
      outputMask,
    });
    if (results.includes('output')) {
      // every other tap, the others in the next width
      const packs = target === 'weight' && (index + turn) % 2 === 0;
      const w = packs ? own(packWeight(weight, { ...options, operation: kind })) : weight;
      got.output = operation.forwardSync(input, w, null, options);
    }
    const named = { ...base, [target]: refTensor(base[target].shape, values) };
    for (const result of results) {
      const label = `${kind} ${target}[${index}] = ${Object.is(value, -0) ? '-0' : value}: ${result}`;
      const expected = once(`width ${input.shape.at(-1)}, ${label}`, () => expectedOf(kind, result, named, geometry));
      try {
        expectIdentical(own(got[result] as Tensor), expected, label);
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
  };
  for (const [target, values, results] of TARGETS) {
    const count = base[target].data.length;
    // values take turns, so that the widths of a path put each into every tap ('auto', which is one of them, has fewer
    // widths); large images are not poked everywhere
    const step = target === 'weight' ? 1 : Math.ceil(count / MOST_POKES);
    for (let index = 0; index < count; index += step) {
      poked(target, index, values[(index / step + turn) % values.length], results);
    }
    tensors[target].copyFrom(base[target].data);
  }
  return failures;
}

/** Each takes all layers; of a convolution, it is that of the gradient of its input. */
const ALGORITHMS = ['auto', 'planes', 'implicit', 'depthwise', 'winograd'] as const;
const algorithmsOf = ({ input, weight, options }: Layer): Algorithm[] =>
  ALGORITHMS.filter(
    (algorithm) => algorithm !== 'winograd' || convTransposeAlgorithms(input(9), weight, options).includes(algorithm),
  );

/** Around tiles of two and three, and strips of four and eight; a call of many transforms is slow. 'auto' is one of the others. */
const FEW_WIDTHS: Partial<Record<Algorithm, number[]>> = { auto: [3, 9], winograd: [1, 3, 4, 8] };
const widthsOf = (algorithm: Algorithm): number[] => FEW_WIDTHS[algorithm] ?? WIDTHS;

describe.each(LAYERS)('widths 1 to 9: $name', (layer) => {
  const { input: shapeOf, weight: weightShape, options } = layer;
  const axes = (weightShape.length - 2) as 1 | 2 | 3;
  afterAll(() => {
    known = new Map();
  });

  test.each(algorithmsOf(layer))('%s', (algorithm) => {
    for (const [turn, width] of widthsOf(algorithm).entries()) {
      const input = integers(shapeOf(width), 11);
      const weight = integers(weightShape, 12);
      const gradOutput = integers(convTransposeReference(input, weight, null, options).shape, 13);
      const failures = pokeAll('convTranspose', axes, algorithm, { input, weight, gradOutput }, options, turn);
      const { outputPadding: _, ...others } = options;
      const back = { input: gradOutput, weight, gradOutput: input };
      failures.push(...pokeAll('conv', axes, algorithm, back, others, turn));
      disposeOwned();
      expect({ width, failures: failures.slice(0, 3), count: failures.length }).toEqual({
        width,
        failures: [],
        count: 0,
      });
    }
  });
});

test('the layers above take every path', async () => {
  const entries = new Set([...paths].map((path) => path.split(' ')[0]));
  const kernels = /^(conv(?!ertHalf)|depthwise|implicit|winograd|channelSum)/;
  const all = WebAssembly.Module.exports(await loadVariant('simd'))
    .map(({ name }) => name)
    .filter((name) => kernels.test(name));
  expect(all.length).toBeGreaterThan(4);
  // gradWeight by transforms is for 128 bits
  const none = engine.kernelSet === 'wide' ? ['winogradGradWeight'] : [];
  expect(all.filter((entry) => !entries.has(entry))).toEqual(none);
  for (const lines of ['rows', 'rows once', 'slices', 'slices once']) {
    expect(paths).toContain(`convTransposeForward ${lines}`);
  }
});
