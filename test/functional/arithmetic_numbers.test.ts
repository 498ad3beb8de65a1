import { beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  addBackward,
  addSync,
  init,
  mul,
  mulBackward,
  mulBackwardSync,
  mulSync,
  tensor,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';

/** A number in the place of `b`, as `torch.add(a, 2)` takes it. */

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const VALUES = [
  0,
  -0,
  1,
  -1.5,
  0.1,
  3e38,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e-45,
  7,
  8,
  9,
];
const NUMBERS = [0, -0, 1, 2, -0.1, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function taken(result: Tensor): number[] {
  const numbers = Array.from(result.toTypedArray() as Float32Array);
  result.dispose();
  return numbers;
}

describe.each(NUMBERS)('b = %d', (number) => {
  test('mul and add give the rounded result of every element', async () => {
    const a = tensor(VALUES);
    const b = Math.fround(number);
    const products = VALUES.map((value) => Math.fround(Math.fround(value) * b));
    const sums = VALUES.map((value) => Math.fround(Math.fround(value) + b));
    expect(taken(await mul(a, number))).toEqual(products);
    expect(taken(mulSync(a, number))).toEqual(products);
    expect(taken(await add(a, number))).toEqual(sums);
    expect(taken(addSync(a, number))).toEqual(sums);
    a.dispose();
  });

  test('gradients are those of a tensor that holds the number, and gradB is null', async () => {
    const a = tensor(VALUES);
    const b = tensor([number]);
    for (const backward of [addBackward, mulBackward]) {
      const expected = await backward(a, a, b, { outputMask: [true, false] });
      const found = await backward(a, a, number);
      expect(found.gradB).toBeNull();
      expect(taken(found.gradA!)).toEqual(taken(expected.gradA!));
    }
    a.dispose();
    b.dispose();
  });
});

test('alpha multiplies a number, too', async () => {
  const a = tensor([1, 2, 3]);
  expect(taken(await add(a, 10, { alpha: 0.5 }))).toEqual([6, 7, 8]);
  a.dispose();
});

test('a number has no dtype: half-precision results are rounded once', async () => {
  const a = tensor([1, 2048, -3], [3], { dtype: 'float16' });
  const result = await mul(a, 0.1);
  expect(result.dtype).toBe('float16');
  // -3 · 0.0999755859375, which is 0.1 as float16, would be -0.2998046875
  expect(result.toArray()).toEqual([0.0999755859375, 204.75, -0.300048828125]);
  const double = tensor([1], [1], { dtype: 'float64' });
  expect(taken(await mul(double, 0.1))).toEqual([0.1]);
  for (const each of [a, result, double]) each.dispose();
});

test('a view, an output and a scalar of no axes are taken', async () => {
  const a = tensor([
    [1, 2],
    [3, 4],
  ]);
  const out = tensor([
    [0, 0],
    [0, 0],
  ]);
  const turned = a.permute(1, 0);
  expect(await add(turned, 1, { out })).toBe(out);
  expect(out.toArray()).toEqual([
    [2, 4],
    [3, 5],
  ]);
  const scalar = tensor(5);
  const product = await mul(scalar, 3);
  expect(product.shape).toEqual([]);
  expect(product.item()).toBe(15);
  for (const each of [a, turned, out, scalar, product]) each.dispose();
});

test('only b may be a number, and gradB has no place', async () => {
  const a = tensor([1]);
  await expect(add(2 as never, a)).rejects.toThrow(TypeError);
  await expect(mul(a, '2' as never)).rejects.toThrow(TypeError);
  await expect(mul(a, 2n as never)).rejects.toThrow(TypeError);
  expect(() => mulBackwardSync(a, a, 2, { outputMask: [false, true], outGradB: a })).toThrow('outGradB');
  a.dispose();
});

test('nothing is left', () => {
  expect(engine.memory.tensors).toBe(0);
});
