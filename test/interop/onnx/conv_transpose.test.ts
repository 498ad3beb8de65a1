import { beforeAll, describe, expect, test } from 'vitest';
import { init, packWeight, tensor } from '../../../src/index.ts';
import type { Engine } from '../../../src/index.ts';
import type { ConvTransposeAttributes, ConvTransposeInputs } from '../../../src/onnx.ts';
import {
  convTranspose,
  convTransposeBackward,
  convTransposeBackwardSync,
  convTransposeSync,
} from '../../../src/onnx.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../../reference/conv_transpose.ts';
import type { RefOptions } from '../../reference/options.ts';
import { elementCount, refTensor } from '../../reference/tensor.ts';
import type { RefTensor } from '../../reference/tensor.ts';
import { expectWithinBound } from '../../support/expect.ts';
import { held, heldGradients } from '../../support/operations.ts';
import { randomFloat32, randomSource } from '../../support/random.ts';
import { chosenSeed } from '../../support/seed.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const random = (shape: number[], seed: number): RefTensor => refTensor(shape, randomFloat32(elementCount(shape), seed));
const upload = ({ shape, data }: RefTensor) => held(tensor(Float32Array.from(data), shape));

/** The formulas of the operator, axis by axis: where the result begins in the uncropped one, and its length. */
function cropOf(a: ConvTransposeAttributes, input: number[], kernel: number[]): NonNullable<RefOptions['crop']> {
  const begin: number[] = [];
  const outputSpatial = kernel.map((k, i) => {
    const [s, d, extra] = [a.strides?.[i] ?? 1, a.dilations?.[i] ?? 1, a.output_padding?.[i] ?? 0];
    const whole = s * (input[i] - 1) + extra + ((k - 1) * d + 1);
    const isSame = a.auto_pad === 'SAME_UPPER' || a.auto_pad === 'SAME_LOWER';
    if (a.output_shape !== undefined || isSame) {
      const wanted = a.output_shape?.[i] ?? input[i] * s;
      const total = Math.max(whole - wanted, 0);
      const half = Math.floor(total / 2);
      begin.push(a.auto_pad === 'SAME_UPPER' ? half : total - half);
      return wanted;
    }
    begin.push(a.pads?.[i] ?? 0);
    return whole - (a.pads?.[i] ?? 0) - (a.pads?.[i + kernel.length] ?? 0);
  });
  return { begin, outputSpatial };
}

async function checkAgainstDefinition(a: ConvTransposeAttributes, xShape: number[], wShape: number[]): Promise<void> {
  const group = a.group ?? 1;
  const [x, w, b] = [random(xShape, 1), random(wShape, 2), random([wShape[1] * group], 3)];
  const crop = cropOf(a, xShape.slice(2), wShape.slice(2));
  const options: RefOptions = { stride: a.strides, dilation: a.dilations, groups: group, crop };
  const expected = convTransposeReference(x, w, b, options);
  const [X, W, B] = [x, w, b].map(upload);
  expectWithinBound(held(await convTranspose(a, [X, W, B])), expected);
  const gradOutput = random(expected.shape, 4);
  const gradients = heldGradients(await convTransposeBackward(a, upload(gradOutput), [X, W]));
  const wanted = convTransposeBackwardReference(gradOutput, x, w, options);
  expectWithinBound(gradients.gradInput!, wanted.gradInput);
  expectWithinBound(gradients.gradWeight!, wanted.gradWeight);
  expectWithinBound(gradients.gradBias!, wanted.gradBias);
}

describe('geometry', () => {
  test.each<[ConvTransposeAttributes, number[], number[]]>([
    [{}, [1, 2, 5], [2, 3, 3]],
    [{ strides: [2, 1], pads: [0, 1, 2, 0] }, [2, 2, 4, 5], [2, 3, 3, 2]],
    [{ auto_pad: 'NOTSET', pads: [1, 0, 2, 0, 3, 1], strides: [2, 2, 2] }, [1, 2, 3, 3, 3], [2, 2, 3, 4, 3]],
    [{ auto_pad: 'VALID', strides: [2], pads: [0, 0] }, [1, 2, 5], [2, 3, 3]],
    [{ auto_pad: 'SAME_UPPER', strides: [2] }, [1, 2, 5], [2, 3, 3]],
    [{ auto_pad: 'SAME_LOWER', strides: [2] }, [1, 2, 5], [2, 3, 3]],
    [{ auto_pad: 'SAME_UPPER', strides: [2, 3], dilations: [2, 1] }, [1, 2, 4, 5], [2, 2, 4, 4]],
    [{ auto_pad: 'SAME_LOWER', strides: [2], output_padding: [1] }, [1, 2, 5], [2, 1, 4]],
    [{ auto_pad: 'SAME_UPPER', strides: [3] }, [1, 2, 5], [2, 3, 1]], // the kernel does not reach so far
    [{ auto_pad: 'SAME_LOWER', strides: [3, 2] }, [1, 4, 5, 3], [4, 2, 2, 1]],
    [{ output_shape: [10, 8], strides: [3, 3], output_padding: [1, 1] }, [1, 1, 3, 3], [1, 2, 3, 3]],
    [{ output_shape: [7], strides: [2] }, [1, 2, 4], [2, 3, 4]], // 3 too many: 2 at the beginning
    [{ output_shape: [7], strides: [2], auto_pad: 'SAME_UPPER' }, [1, 2, 4], [2, 3, 4]],
    [{ output_shape: [7], strides: [2], auto_pad: 'SAME_LOWER' }, [1, 2, 4], [2, 3, 4]],
    [{ output_shape: [7], strides: [2], auto_pad: 'VALID', pads: [5, 5] }, [1, 2, 4], [2, 3, 4]], // pads do not count
    [{ output_shape: [40], strides: [2] }, [1, 2, 4], [2, 3, 4]], // longer than what is reached
    [{ group: 2, dilations: [2, 1], pads: [1, 1, 1, 1] }, [1, 4, 4, 4], [4, 3, 2, 3]],
    [{ group: 6, strides: [2], auto_pad: 'SAME_UPPER' }, [1, 6, 20], [6, 1, 4]],
    [{ output_padding: [1], strides: [1], dilations: [2] }, [1, 1, 4], [1, 1, 3]],
  ])('%j, X %j, W %j', async (attributes, xShape, wShape) => {
    await checkAgainstDefinition(attributes, xShape, wShape);
  });

  const seed = chosenSeed();
  test(`random attributes, seed ${seed}`, async () => {
    const next = randomSource(seed);
    const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
    for (let round = 0; round < 60; round++) {
      const axes = integer(1, 3);
      const list = (least: number, most: number): number[] => Array.from({ length: axes }, () => integer(least, most));
      const [group, kernel, strides, dilations] = [integer(1, 2), list(1, 4), list(1, 3), list(1, 2)];
      const output_padding = strides.map((s, i) => integer(0, Math.max(s, dilations[i]) - 1));
      const attributes: ConvTransposeAttributes = { group, kernel_shape: kernel, strides, dilations, output_padding };
      const auto_pad = (['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'] as const)[integer(0, 3)];
      if (auto_pad !== 'NOTSET') attributes.auto_pad = auto_pad;
      else if (next() < 0.5) attributes.pads = [...list(0, 2), ...list(0, 2)];
      if (next() < 0.3) attributes.output_shape = list(1, 12);
      const [xShape, wShape] = [
        [integer(1, 2), 2 * group, ...list(3, 6)],
        [2 * group, integer(1, 3), ...kernel],
      ];
      const { outputSpatial } = cropOf(attributes, xShape.slice(2), kernel);
      if (outputSpatial.some((length) => length < 1)) continue;
      await checkAgainstDefinition(attributes, xShape, wShape);
    }
  });
});

describe('inputs and options', () => {
  const [X, W, B] = [
    { shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] },
    { shape: [2, 1, 2], data: [1, -1, 2, 0.5] },
    { shape: [1], data: [10] },
  ];

  test('in order or by name, objects with data and shape, B or not', () => {
    const expected = [[[19, 23, 25.5, 10]]];
    expect(held(convTransposeSync({}, [X, W, B])).toArray()).toEqual(expected);
    expect(held(convTransposeSync({}, { X, W, B })).toArray()).toEqual(expected);
    const withoutBias = [[[9, 13, 15.5, 0]]];
    for (const inputs of [[X, W], [X, W, null], { X, W }, { X, W, B: null }] as ConvTransposeInputs[]) {
      expect(held(convTransposeSync({}, inputs)).toArray()).toEqual(withoutBias);
    }
  });

  test('out, activation, float64, packed weights', async () => {
    const out = held(tensor(new Float64Array(4), [1, 1, 4]));
    const [x, w] = [X, W].map(({ data, shape }) => held(tensor(Float64Array.from(data), shape)));
    expect(await convTranspose({}, [x, w], { out, activation: 'relu' })).toBe(out);
    expect(out.dtype).toBe('float64');
    const packed = held(packWeight(w, { stride: 2 }));
    const attributes = { strides: [2], auto_pad: 'SAME_UPPER' } as const;
    expect(held(convTransposeSync(attributes, [x, packed])).toArray()).toEqual(
      held(convTransposeSync(attributes, [x, w])).toArray(),
    );
    expect(() => convTransposeSync({ strides: [3] }, [x, packed])).toThrow(/packed for/);
  });

  test('outputMask of the gradients', () => {
    const gradOutput = { shape: [1, 1, 4], data: [1, 1, 1, 1] };
    const masked = heldGradients(
      convTransposeBackwardSync({}, gradOutput, [X, W], { outputMask: [false, true, false] }),
    );
    expect([masked.gradInput, masked.gradBias]).toEqual([null, null]);
    expect(masked.gradWeight!.shape).toEqual([2, 1, 2]);
  });

  test.each<[string, ConvTransposeAttributes, RegExp]>([
    ['unknown', { autoPad: 'VALID' } as never, /options expected one of auto_pad.*got 'autoPad'/],
    ['auto_pad', { auto_pad: 'SAME' as never }, /auto_pad expected 'NOTSET' \| 'SAME_UPPER'.*got 'SAME'/],
    ['too few strides', { strides: [] }, /strides expected 1 integers of at least 1, got \[\]/],
    ['too many strides', { strides: [1, 1] }, /strides expected 1 integers of at least 1, got \[1, 1\]/],
    ['stride 0', { strides: [0] }, /strides expected 1 integers of at least 1, got \[0\]/],
    ['a number', { strides: 2 as never }, /strides expected an array/],
    ['dilation 0', { dilations: [0] }, /dilations expected/],
    ['pads of one end', { pads: [1] }, /pads expected 2 integers of at least 0, got \[1\]/],
    ['negative pads', { pads: [0, -1] }, /pads expected an integer of at least 0, got -1/],
    ['pads with auto_pad', { auto_pad: 'SAME_UPPER', pads: [0, 1] }, /pads expected 0 with auto_pad 'SAME_UPPER'/],
    ['pads that leave nothing', { pads: [2, 2] }, /output expected from 1 to \d+ \(axis 0\), got 0/],
    ['kernel_shape', { kernel_shape: [3] }, /kernel_shape expected that of W, \[2\], got \[3\]/],
    ['output_padding', { output_padding: [1] }, /output_padding expected less than max\(stride, dilation\) = 1, got 1/],
    ['output_shape of all axes', { output_shape: [1, 1, 4] }, /output_shape expected 1 integers/],
    ['output_shape 0', { output_shape: [0] }, /output_shape expected 1 integers of at least 1/],
    ['group', { group: 3 }, /: group expected a divisor of C = 2, got 3/],
    ['group 0', { group: 0 }, /: group expected an integer of at least 1, got 0/],
  ])('attributes: %s', async (_what, attributes, message) => {
    await expect(convTranspose(attributes, [X, W])).rejects.toThrow(message);
    expect(() => convTransposeSync(attributes, [X, W])).toThrow(message);
  });

  test('inputs that are none', () => {
    for (const inputs of [X, [X], [X, W, B, B], null, { X }, 'X'] as never[]) {
      expect(() => convTransposeSync({}, inputs)).toThrow(TypeError);
    }
    expect(() => convTransposeSync({}, [3 as never, W])).toThrow(/X expected a Tensor, got 3/);
    expect(() => convTransposeSync({}, [X, { shape: [2, 1], data: [1, 2] }])).toThrow(/W expected 3 to 5 axes/);
    expect(() => convTransposeSync({}, [{ shape: [2, 3], data: X.data }, W])).toThrow(
      /X expected 3 axes, as many as W/,
    );
    expect(() => convTransposeSync({}, [X, W, { shape: [2], data: [1, 2] }])).toThrow(
      /B expected \(M\) = \[1\], got \[2\]/,
    );
    expect(() => convTransposeSync({}, [X, W, 'B' as never])).toThrow(/B expected a Tensor, got 'B'/);
    expect(() => convTransposeSync({}, [X, { shape: [1, 2, 2], data: W.data }])).toThrow(
      /W expected \(C, M\/group, …\) with C = 2 as X has, got \[1, 2, 2\]/,
    );
    for (const option of ['stride', 'padding', 'outputSize', 'outputMask']) {
      expect(() => convTransposeSync({}, [X, W], { [option]: [1] })).toThrow(/options expected/);
    }
    const gradOutput = { shape: [1, 1, 4], data: [1, 1, 1, 1] };
    expect(() => convTransposeBackwardSync({}, gradOutput, [X, W], { padding: 1 } as never)).toThrow(
      /options expected/,
    );
    expect(() => convTransposeSync(null as never, [X, W])).toThrow(/attributes expected an object, got null/);
  });
});

test('every tensor is released', () => {
  expect(engine.memory.tensors).toBe(0);
});
