/** Packed weights of float16: calls with them give the bits of calls with the raw weight. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DtypeError, init, packWeight, tensor, type Engine, type Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => {
  releaseAll(engine);
  engine.trim();
  expect(engine.memory.bytesPacked).toBe(0);
});
afterAll(() => engine.dispose());

function half(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  return own(own(tensor(randomFloat32(count, seed), shape)).to('float16'));
}

const OPERATIONS = [
  ['convTranspose', CONV_TRANSPOSE],
  ['conv', CONV],
] as const;
const GEOMETRIES = [
  ['1d', 1, [2, 4, 9], [4, 4, 3], { stride: 2, padding: 1 }],
  ['2d', 2, [2, 4, 5, 6], [4, 4, 4, 4], { stride: 2, padding: 1 }],
  ['2d in groups', 2, [2, 4, 5, 6], [4, 2, 3, 3], { groups: 2 }],
  ['2d depthwise', 2, [2, 4, 5, 6], [4, 1, 3, 3], { groups: 4, stride: 2 }],
  ['2d of a small image', 2, [9, 4, 3, 3], [4, 4, 3, 3], { padding: 1 }],
  ['3d', 3, [1, 4, 3, 4, 3], [4, 4, 2, 2, 2], { stride: 2 }],
] as const;
const CASES = OPERATIONS.flatMap(([operation, calls]) =>
  GEOMETRIES.flatMap(([name, axes, inputShape, weightShape, options]) =>
    (['any size', 'this size'] as const).map((size) => {
      const shape = size === 'this size' ? { inputShape } : {};
      return [operation, name, size, calls[axes], [inputShape, weightShape, options, shape]] as const;
    }),
  ),
);

describe.each(CASES)('%s %s, packed for %s', (operation, _, size, calls, [inputShape, weightShape, options, shape]) => {
  // a layout for every size may add in another order, and its sum may round to the neighbour
  const limit = size === 'this size' ? 0 : 1;
  test('forward', async () => {
    const [input, weight, bias] = [half(inputShape, 1), half(weightShape, 2), half([4], 3)];
    const expected = own(calls.forwardSync(input, weight, bias, options));
    const packed = own(packWeight(weight, { operation, ...shape, ...options }));
    expect([packed.dtype, packed.shape]).toEqual(['float16', weightShape]);
    weight.dispose();
    const outputs = [
      calls.forwardSync(input, packed, bias, options),
      await calls.forward(input, packed, bias, options),
    ];
    for (const output of outputs) {
      expect(own(output).dtype).toBe('float16');
      expect(difference(output, expected)).toBeLessThanOrEqual(limit);
    }
  });

  test('gradient of the input', async () => {
    const [input, weight] = [half(inputShape, 1), half(weightShape, 2)];
    const gradOutput = half(own(calls.forwardSync(input, weight, null, options)).shape, 4);
    const mask = { ...options, outputMask: [true, false, false] } as const;
    const expected = own(calls.backwardSync(gradOutput, input, weight, mask).gradInput);
    const packed = own(packWeight(weight, { operation, direction: 'gradInput', ...shape, ...options }));
    weight.dispose();
    const results = [
      calls.backwardSync(gradOutput, input, packed, mask),
      await calls.backward(gradOutput, input, packed, mask),
    ];
    for (const { gradInput } of results) {
      expect(own(gradInput).dtype).toBe('float16');
      expect(difference(gradInput, expected)).toBeLessThanOrEqual(limit);
    }
  });
});

/** Largest difference in units of the last place. */
function difference(got: Tensor, expected: Tensor): number {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.toTypedArray(), expected.toTypedArray()];
  return Math.max(...Array.from(a, (bits, i) => Math.abs(bits - b[i])));
}

test('a view and a plain object are packed as what they hold', () => {
  const input = half([1, 2, 3, 3], 1);
  const weight = half([2, 3, 2, 2], 2);
  const view = own(weight.transpose(2, 3));
  const { forwardSync } = CONV_TRANSPOSE[2];
  const packed = own(packWeight(view));
  expect(own(forwardSync(input, packed)).toTypedArray()).toEqual(own(forwardSync(input, view)).toTypedArray());
  const like = { data: weight.toTypedArray() as Uint16Array, shape: weight.shape, type: 'float16' };
  const fromLike = own(packWeight(like));
  expect(own(forwardSync(input, fromLike)).toTypedArray()).toEqual(own(forwardSync(input, weight)).toTypedArray());
});

test('goes with operands of float16 alone', () => {
  const input = half([1, 2, 3, 3], 1);
  const weight = half([2, 3, 2, 2], 2);
  const { forwardSync } = CONV_TRANSPOSE[2];
  const [packed, wide] = [own(packWeight(weight)), own(packWeight(own(weight.to('float32'))))];
  const { tensors } = engine.memory;
  expect(() => forwardSync(own(input.to('float32')), packed)).toThrow('weight expected float32, got float16');
  expect(() => forwardSync(input, wide)).toThrow(DtypeError);
  expect(() => forwardSync(input, packed, own(weight.to('float64')))).toThrow(DtypeError);
  expect(engine.memory.tensors).toBe(tensors + 2); // the two that were converted
});
