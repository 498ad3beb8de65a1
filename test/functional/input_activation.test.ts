import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Activation, Engine, Tensor } from '../../src/index.ts';
import { conv2dSync, convTranspose2dSync, createEngine, tensor } from '../../src/index.ts';
import { elementCount } from '../reference/tensor.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';

// The activation of the input happens while the input is packed; nothing may show that it does.

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

/** The last one makes 1 of 0: what stands for no input must stay 0. */
const ACTIVATIONS: Activation[] = ['relu', 'tanh', 'sigmoid', 'silu', 'gelu', { leakyRelu: 0.2 }, { clamp: [1, 2] }];

interface Case {
  readonly name: string;
  readonly input: number[];
  readonly weight: number[];
  readonly options: object;
}

const CASES: Case[] = [
  {
    name: 'rows of whole strips and an edge',
    input: [2, 5, 4, 19],
    weight: [5, 3, 4, 4],
    options: { stride: 2, padding: 1 },
  },
  { name: 'narrow rows share strips', input: [1, 7, 6, 3], weight: [7, 4, 3, 3], options: { padding: 1 } },
  { name: 'the batch as columns', input: [13, 6, 1, 1], weight: [6, 5, 4, 4], options: { stride: 2, padding: 1 } },
  { name: 'many blocks of K', input: [1, 290, 2, 9], weight: [290, 2, 3, 3], options: { stride: 2 } },
  { name: 'depthwise', input: [2, 4, 7, 21], weight: [4, 2, 3, 3], options: { stride: 2, padding: 1, groups: 4 } },
];

/** On the path of the plan, and on the one where lines of input lie beside one another. */
const FORCED = CASES.flatMap(({ options, ...c }) => [
  { ...c, options: { ...options, algorithm: 'auto' as const } },
  { ...c, options: { ...options, algorithm: 'implicit' as const } },
]);

const DTYPES = ['float32', 'float64'] as const;

function random(dtype: (typeof DTYPES)[number], shape: readonly number[], seed: number): Tensor {
  const numbers = (dtype === 'float64' ? randomFloat64 : randomFloat32)(elementCount(shape), seed);
  return own(
    tensor(
      numbers.map((value) => value * 3),
      shape,
      { engine },
    ),
  );
}

/** activation(x): a kernel of one tap that is 1, for each channel. */
function activated(x: Tensor, activation: Activation): Tensor {
  const [, channels] = x.shape;
  const ones = own(
    tensor(
      Array.from({ length: channels }, () => [[[1]]]),
      undefined,
      { dtype: x.dtype, engine },
    ),
  );
  return own(convTranspose2dSync(x, ones, null, { groups: channels, activation }));
}

describe.each(DTYPES)('activation of the input, %s', (dtype) => {
  describe.each(FORCED)('$name, $options.algorithm', (c) => {
    test.each(ACTIVATIONS)('%j', (inputActivation) => {
      const [x, w] = [random(dtype, c.input, 1), random(dtype, c.weight, 2)];
      const before = x.toTypedArray();
      const apart = own(convTranspose2dSync(activated(x, inputActivation), w, null, c.options));
      const fused = own(convTranspose2dSync(x, w, null, { ...c.options, inputActivation }));
      expect(fused.toTypedArray()).toEqual(apart.toTypedArray());
      expect(x.toTypedArray()).toEqual(before);
    });

    test('a weight that is not finite', () => {
      const [x, w] = [random(dtype, c.input, 1), random(dtype, c.weight, 2)];
      const numbers = w.toTypedArray();
      numbers[3] = Infinity;
      w.copyFrom(numbers);
      const apart = own(convTranspose2dSync(activated(x, 'sigmoid'), w, null, c.options));
      const fused = own(convTranspose2dSync(x, w, null, { ...c.options, inputActivation: 'sigmoid' }));
      expect(fused.toTypedArray()).toEqual(apart.toTypedArray());
    });
  });

  test.each(ACTIVATIONS)('convolution: padding stays 0, %j', (inputActivation) => {
    const [x, w] = [random(dtype, [2, 6, 9, 21], 1), random(dtype, [4, 3, 3, 2], 2)];
    const options = { stride: [2, 1], padding: [1, 2], groups: 2 };
    const apart = own(conv2dSync(activated(x, inputActivation), w, null, options));
    const fused = own(conv2dSync(x, w, null, { ...options, inputActivation }));
    expect(fused.toTypedArray()).toEqual(apart.toTypedArray());
  });

  test('channels last', () => {
    const x = own(random(dtype, [2, 5, 19, 6], 1).permute([0, 3, 1, 2]));
    const w = random(dtype, [6, 3, 4, 4], 2);
    const options = { stride: 2, padding: 1 };
    const apart = own(convTranspose2dSync(activated(x, 'gelu'), w, null, options));
    const fused = own(convTranspose2dSync(x, w, null, { ...options, inputActivation: 'gelu' }));
    expect(fused.toTypedArray()).toEqual(apart.toTypedArray());
  });
});

test('infinite bounds of a clamp are told apart', () => {
  const [x, w] = [random('float32', [1, 2, 3, 9], 1), random('float32', [2, 2, 2, 2], 2)];
  const clamps: Activation[] = [{ clamp: [-Infinity, Infinity] }, { clamp: [-Infinity, -Infinity] }];
  const [open, closed] = clamps.map((activation) => own(convTranspose2dSync(x, w, null, { activation })));
  expect(open.toTypedArray()).toEqual(own(convTranspose2dSync(x, w, null)).toTypedArray());
  expect(closed.toTypedArray().every((value) => value === -Infinity)).toBe(true);
});

test('it needs no memory for a copy of the input', () => {
  const [x, w] = [random('float32', [1, 16, 128, 128], 1), random('float32', [16, 2, 2, 2], 2)];
  const out = own(convTranspose2dSync(x, w, null, { stride: 2 }));
  engine.resetPeak();
  const { bytesInUse } = engine.memory;
  convTranspose2dSync(x, w, null, { stride: 2, inputActivation: 'tanh', out });
  expect(engine.memory.bytesPeak).toBe(bytesInUse);
  expect(engine.memory.bytesWorkspace).toBeLessThan(x.byteLength);
});
