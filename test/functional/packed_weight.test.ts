/** Weights packed ahead: the same results with every size, and nothing else than what they were packed for. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import {
  ArgumentError,
  conv2dBackwardSync,
  conv2dSync,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTranspose3dSync,
  createEngine,
  DtypeError,
  packWeight,
  ShapeError,
  tensor,
} from '../../src/index.ts';
import type {
  ConvTransposeOptions,
  Engine,
  OutputMask,
  PackWeightOptions,
  Tensor,
  WeightArgument,
} from '../../src/index.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { expectClose } from '../support/expect.ts';
import { codeOf, random, SLOW, slicingEngine, turns } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => {
  releaseAll(engine);
  expect(engine.memory.bytesPacked).toBe(0);
});
afterAll(() => engine.dispose());

interface Case {
  dims: 1 | 2 | 3;
  weight: number[];
  options: Omit<ConvTransposeOptions, 'out'>;
  /** Spatial sizes of the small side, and batches. */
  sizes: [number, number[]][];
}

const CASES: Case[] = [
  {
    dims: 2,
    weight: [6, 5, 4, 4],
    options: { stride: 2, padding: 1 },
    sizes: [
      [1, [1, 1]],
      [2, [8, 8]],
      [20, [2, 2]],
      [1, [3, 70]],
      [1, [40, 2]],
    ],
  },
  {
    dims: 2,
    weight: [300, 7, 3, 3],
    options: {},
    sizes: [
      [1, [1, 1]],
      [33, [1, 1]],
      [1, [9, 9]],
      [2, [5, 40]],
    ],
  },
  {
    dims: 2,
    weight: [4, 3, 2, 2],
    options: { stride: 2, groups: 2 },
    sizes: [
      [1, [4, 4]],
      [3, [1, 9]],
    ],
  },
  {
    dims: 2,
    weight: [4, 2, 3, 3],
    options: { groups: 4 },
    sizes: [
      [1, [4, 4]],
      [3, [1, 9]],
    ],
  },
  {
    dims: 2,
    weight: [64, 130, 4, 4],
    options: { stride: 2, padding: 1 },
    sizes: [
      [1, [4, 4]],
      [1, [3, 150]],
    ],
  },
  {
    dims: 1,
    weight: [3, 4, 9],
    options: { stride: 5, dilation: 3, padding: 2 },
    sizes: [
      [1, [1]],
      [2, [7]],
      [1, [1000]],
    ],
  },
  {
    dims: 3,
    weight: [3, 4, 3, 2, 3],
    options: { stride: [1, 2, 3], dilation: [2, 1, 1] },
    sizes: [
      [1, [1, 1, 1]],
      [2, [2, 3, 17]],
    ],
  },
];

describe.each(CASES)('$dims-D, weight $weight, $options', ({ dims, weight, options, sizes }) => {
  const DTYPES = ['float32', 'float64'] as const;
  const EACH = DTYPES.flatMap((dtype) =>
    (['auto', 'planes', 'implicit'] as const).map((path) => [dtype, path] as const),
  );
  test.each(EACH)('one packed weight serves every size: %s, %s', (dtype, algorithm) => {
    const groups = options.groups ?? 1;
    const single = own(random(engine, weight));
    const w = own(single.to(dtype));
    const pack = (operation: 'convTranspose' | 'conv', direction: 'forward' | 'gradInput') =>
      own(packWeight(w, { ...options, algorithm, operation, direction }));
    const packs = {
      forward: pack('convTranspose', 'forward'),
      gradInput: pack('convTranspose', 'gradInput'),
      convForward: pack('conv', 'forward'),
      convGradInput: pack('conv', 'gradInput'),
    };
    const { stride, dilation, padding } = options;
    const same = { stride, dilation, padding, groups, algorithm };
    for (const [batch, spatial] of sizes) {
      const x = own(own(random(engine, [batch, weight[0], ...spatial], 3)).to(dtype));
      const expected = own(CONV_TRANSPOSE[dims].forwardSync(x, w, null, same));
      expectClose(own(CONV_TRANSPOSE[dims].forwardSync(x, packs.forward, null, same)), expected);
      const gradients = CONV_TRANSPOSE[dims].backwardSync(expected, x, packs.gradInput, same);
      expect(gradients).toMatchObject({ gradWeight: null, gradBias: null });
      const raw = { ...same, outputMask: [true, false, false] } as const;
      expectClose(own(gradients.gradInput), own(CONV_TRANSPOSE[dims].backwardSync(expected, x, w, raw).gradInput));
      // the adjoint: a convolution of the large side
      expectClose(
        own(CONV[dims].forwardSync(expected, packs.convForward, null, same)),
        own(CONV[dims].forwardSync(expected, w, null, same)),
      );
      const back = CONV[dims].backwardSync(
        own(CONV[dims].forwardSync(expected, w, null, same)),
        expected,
        packs.convGradInput,
        same,
      );
      const rawBack = CONV[dims].backwardSync(own(CONV[dims].forwardSync(expected, w, null, same)), expected, w, raw);
      expectClose(own(back.gradInput), own(rawBack.gradInput));
    }
  });
});

describe('a packed weight', () => {
  const options = { stride: 2, padding: 1 };
  let w: Tensor;
  let x: Tensor;
  beforeEach(() => {
    w = own(random(engine, [8, 5, 4, 4]));
    x = own(random(engine, [1, 8, 6, 6], 2));
  });

  test('counts in bytesPacked and owns nothing else; the raw weight may go', async () => {
    const bias = own(random(engine, [5], 3));
    const expected = own(convTranspose2dSync(x, w, bias, options)).toTypedArray();
    engine.trim();
    const before = engine.memory;
    const raw = random(engine, [8, 5, 4, 4]);
    const packed = own(packWeight(raw, options));
    raw.dispose();
    const { memory } = engine;
    expect(memory.bytesPacked).toBe(packed.byteLength);
    expect(packed.byteLength).toBeGreaterThanOrEqual(w.byteLength);
    expect(memory).toMatchObject({ tensors: before.tensors, bytesInUse: before.bytesInUse });
    expect(own(convTranspose2dSync(x, packed, bias, options)).toTypedArray()).toEqual(expected);
    expect(own(await convTranspose2d(x, packed, bias, { ...options, activation: 'relu' })).toTypedArray()).toEqual(
      expected.map((value) => Math.max(value, 0)),
    );
    expect(engine.memory.bytesPacked).toBe(packed.byteLength);
    engine.trim();
    expect(engine.memory.bytesPacked).toBe(packed.byteLength);
    packed.dispose();
    packed.dispose();
    expect(engine.memory.bytesPacked).toBe(0);
  });

  test('of a view and of a plain object', () => {
    const turned = own(w.permute(0, 1, 3, 2));
    const packed = own(packWeight(turned, options));
    expect(own(convTranspose2dSync(x, packed, null, options)).toTypedArray()).toEqual(
      own(convTranspose2dSync(x, own(turned.clone()), null, options)).toTypedArray(),
    );
    const plain = own(packWeight({ data: w.toTypedArray(), dims: w.shape }, { ...options, engine }));
    expect(own(convTranspose2dSync(x, plain, null, options)).toTypedArray()).toEqual(
      own(convTranspose2dSync(x, w, null, options)).toTypedArray(),
    );
  });

  test('takes the options object of the calls', () => {
    const all = {
      ...options,
      activation: 'relu',
      inputActivation: 'silu',
      outputPadding: 1,
      algorithm: 'planes',
    } as const;
    const packed = own(packWeight(w, all));
    expect(own(convTranspose2dSync(x, packed, null, all)).toTypedArray()).toEqual(
      own(convTranspose2dSync(x, w, null, all)).toTypedArray(),
    );
  });

  test('with inputShape has the layout of that shape', () => {
    const tiny = own(random(engine, [32, 8, 1, 1], 5));
    const packed = own(packWeight(w, { ...options, inputShape: [32, 8, 1, 1] }));
    expect(own(convTranspose2dSync(tiny, packed, null, options)).toTypedArray()).toEqual(
      own(convTranspose2dSync(tiny, w, null, options)).toTypedArray(),
    );
    expect(() => convTranspose2dSync(x, packed, null, options)).toThrow(/packed for this input shape/);
  });

  test('is for one operation, direction, stride, dilation, groups and dtype', async () => {
    const packed = own(packWeight(w, options));
    const back = own(packWeight(w, { ...options, direction: 'gradInput' }));
    const conv = own(packWeight(w, { ...options, operation: 'conv' }));
    const y = own(convTranspose2dSync(x, w, null, options));
    const wrong: [() => unknown, string][] = [
      [() => convTranspose2dSync(x, back, null, options), 'direction'],
      [() => convTranspose2dSync(x, conv, null, options), 'operation'],
      [() => conv2dSync(y, packed, null, options), 'operation'],
      [() => conv2dBackwardSync(x, y, back, options), 'operation'],
      [() => convTranspose2dBackwardSync(y, x, packed, options), 'direction'],
      [() => convTranspose2dSync(x, packed, null, { ...options, stride: 3 }), 'stride'],
      [() => convTranspose2dSync(x, packed, null), 'stride'],
      [() => convTranspose2dSync(x, packed, null, { ...options, dilation: [1, 2] }), 'dilation'],
      [() => convTranspose2dSync(x, packed, null, { ...options, groups: 2 }), 'groups'],
      [() => convTranspose2dBackwardSync(y, x, back, { ...options, outputMask: [true, true, false] }), 'gradWeight'],
    ];
    for (const [use, word] of wrong) {
      expect(use).toThrow(ArgumentError);
      expect(use).toThrow(word);
    }
    expect(() => convTranspose2dSync(own(x.to('float64')), packed, null, options)).toThrow(DtypeError);
    expect(() => convTranspose2dSync(own(random(engine, [1, 7, 6, 6])), packed, null, options)).toThrow(ShapeError);
    expect(() => convTranspose3dSync(own(random(engine, [1, 8, 2, 2, 2])), packed, null, options)).toThrow(ShapeError);
    const { gradInput, gradWeight, gradBias } = convTranspose2dBackwardSync(y, x, back, {
      ...options,
      outputMask: [true, false, true],
    });
    own(gradInput);
    own(gradBias);
    expect(gradWeight).toBeNull();
    await expect(convTranspose2dBackward(y, x, packed, options)).rejects.toThrow(ArgumentError);
  });

  test("for 'gradInput' gives that alone, in types too", async () => {
    const back = own(packWeight(w, { ...options, direction: 'gradInput' }));
    const y = own(convTranspose2dSync(x, w, null, options));
    const alone = convTranspose2dBackwardSync(y, x, back, options);
    expectTypeOf(alone).toEqualTypeOf<{ gradInput: Tensor; gradWeight: null; gradBias: null }>();
    own(alone.gradInput);
    expect(alone).toMatchObject({ gradWeight: null, gradBias: null });
    const promised = await convTranspose2dBackward(y, x, back, options);
    expectTypeOf(promised).toEqualTypeOf<typeof alone>();
    own(promised.gradInput);
    expect(promised).toMatchObject({ gradWeight: null, gradBias: null });

    const all = convTranspose2dBackwardSync(y, x, w, options);
    expectTypeOf(all).toEqualTypeOf<{ gradInput: Tensor; gradWeight: Tensor; gradBias: Tensor }>();
    for (const gradient of Object.values(all)) own(gradient);
    const masked = convTranspose2dBackwardSync(y, x, w, { ...options, outputMask: [false, true, false] });
    expectTypeOf(masked).toEqualTypeOf<{ gradInput: null; gradWeight: Tensor; gradBias: null }>();
    own(masked.gradWeight);
    const any = convTranspose2dBackwardSync(y, x, w as WeightArgument, options);
    expectTypeOf(any).toEqualTypeOf<{ gradInput: Tensor; gradWeight: Tensor | null; gradBias: Tensor | null }>();
    for (const gradient of [any.gradInput, any.gradWeight, any.gradBias]) gradient?.dispose();
    const mask: OutputMask = [true, false, false];
    const computed = convTranspose2dBackwardSync(y, x, w, { ...options, outputMask: mask });
    expectTypeOf(computed.gradInput).toEqualTypeOf<Tensor | null>();
    computed.gradInput?.dispose();
  });

  test('after dispose: ERR_DISPOSED; of another engine: ERR_ENGINE_MISMATCH', async () => {
    const packed = packWeight(w, options);
    const other = await createEngine();
    const elsewhere = random(other, [1, 8, 6, 6]);
    expect(codeOf(() => convTranspose2dSync(elsewhere, packed, null, options))).toBe('ERR_ENGINE_MISMATCH');
    expect(codeOf(() => convTranspose2dSync(x, packed, null, { ...options, engine: other }))).toBe(
      'ERR_ENGINE_MISMATCH',
    );
    other.dispose();
    packed.dispose();
    expect(packed.disposed).toBe(true);
    expect(codeOf(() => convTranspose2dSync(x, packed, null, options))).toBe('ERR_DISPOSED');
  });

  test('dispose in flight takes effect when the promise settles', async () => {
    const slicing = await slicingEngine();
    const input = random(slicing, SLOW.input);
    const raw = random(slicing, SLOW.weight, 2);
    const options = { ...SLOW.options, algorithm: 'direct' } as const; // which a weight for any size takes
    const expected = convTranspose2dSync(input, raw, null, options).toTypedArray();
    const packed = packWeight(raw, options);
    raw.dispose();
    const pending = convTranspose2d(input, packed, null, options);
    await turns(3);
    packed.dispose();
    expect(slicing.memory.bytesPacked).toBeGreaterThan(0);
    expect((await pending).toTypedArray()).toEqual(expected);
    expect(slicing.memory.bytesPacked).toBe(0);
    slicing.dispose();
  });

  test('arguments', () => {
    for (const bad of [
      { operation: 'matmul' },
      { direction: 'gradWeight' },
      { stride: 0 },
      { groups: 3 },
      { padding: -1 },
      { strides: 2 },
      { algorithm: 'winograd' },
      { activation: 'rel' },
      { out: x },
      { operation: 'conv', outputPadding: 1 },
      { operation: 'conv', padding: 'full' },
      { inputShape: [1, 8, 6, 6.5] },
      { inputShape: [1, 8, 6, 6], outputSize: [100, 100] },
    ]) {
      expect(() => packWeight(w, bad as PackWeightOptions)).toThrow(ArgumentError);
    }
    expect(() => packWeight(x.shape as never)).toThrow(TypeError);
    expect(() => packWeight(w, { padding: 'same' })).toThrow(TypeError);
    expect(() => packWeight(w, null as never)).toThrow(TypeError);
    expect(() => packWeight(w, { inputShape: 7 as never })).toThrow(TypeError);
    expect(() => packWeight(w, { inputShape: [1, 7, 6, 6] })).toThrow(ShapeError);
    expect(() => packWeight(own(tensor([1, 2], [2], { engine })))).toThrow(ShapeError);
  });
});
