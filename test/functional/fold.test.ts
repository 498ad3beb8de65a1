import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  ArgumentError,
  createEngine,
  fold,
  foldSync,
  full,
  ShapeError,
  tensor,
  unfold,
  unfoldSync,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { foldReference, unfoldReference } from '../reference/fold.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectIdentical, expectWithinBound } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

function random(shape: readonly number[], seed: number, double = false): Tensor {
  return own(tensor((double ? randomFloat64 : randomFloat32)(elementCount(shape), seed), shape, { engine }));
}

function referenceOf(t: Tensor): ReturnType<typeof refTensor> {
  return refTensor(t.shape, t.toTypedArray());
}

const small = fc.integer({ min: 1, max: 4 });
const pair = fc.tuple(small, small);
const windows = fc
  .record({
    batch: fc.integer({ min: 0, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    image: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })),
    kernelSize: pair,
    stride: pair,
    dilation: pair,
    padding: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
    double: fc.boolean(),
    seed: fc.integer({ min: 1, max: 1e6 }),
  })
  .filter(({ image, kernelSize, dilation, padding }) =>
    image.every((length, axis) => length + 2 * padding[axis] >= dilation[axis] * (kernelSize[axis] - 1) + 1),
  );

test('random windows: unfold to the bit, fold within the bound, each the adjoint of the other', () => {
  fc.assert(
    fc.property(windows, ({ batch, channels, image, kernelSize, double, seed, stride, dilation, padding }) => {
      const options = { stride, dilation, padding };
      const input = random([batch, channels, ...image], seed, double);
      const columns = own(unfoldSync(input, kernelSize, options));
      expectIdentical(columns, unfoldReference(referenceOf(input), kernelSize, options));
      const gradient = random(columns.shape, seed + 1, double);
      const folded = own(foldSync(gradient, image, kernelSize, options));
      expectWithinBound(folded, foldReference(referenceOf(gradient), image, kernelSize, options));

      const [x, ux, g, fg] = [input, columns, gradient, folded].map((t) => t.toTypedArray());
      let [left, right, scale] = [0, 0, 0];
      ux.forEach((value, i) => {
        left += value * g[i];
        scale += Math.abs(value * g[i]);
      });
      x.forEach((value, i) => (right += value * fg[i]));
      expect(Math.abs(left - right)).toBeLessThanOrEqual((double ? 1e-12 : 2 ** -20) * scale);
      disposeOwned();
    }),
    { numRuns: 150 },
  );
});

describe('views', () => {
  const options = { stride: 2, padding: 1 };

  test('input of any strides', async () => {
    const nhwc = own(random([2, 7, 8, 3], 1).permute(0, 3, 1, 2));
    expectIdentical(own(await unfold(nhwc, 3, options)), unfoldReference(referenceOf(nhwc), 3, options));
    const turned = own(random([2, 16, 18], 2).transpose(1, 2)); // (2, 18, 16)
    const got = own(await fold(turned, [7, 8], 3, options));
    expectWithinBound(got, foldReference(referenceOf(turned), [7, 8], 3, options));
  });

  test('out: a slice of a larger tensor, filled with NaN before', () => {
    const input = random([2, 3, 7, 8], 3);
    const wide = own(full([2, 40, 16], Number.NaN, { engine }));
    const out = own(wide.narrow(1, 5, 27));
    expect(unfoldSync(input, 3, { ...options, out })).toBe(out);
    expectIdentical(out, unfoldReference(referenceOf(input), 3, options));

    const skip = own(full([2, 5, 7, 8], Number.NaN, { engine }));
    const image = own(skip.narrow(1, 1, 3));
    foldSync(out, [7, 8], 3, { ...options, out: image });
    expectWithinBound(image, foldReference(referenceOf(out), [7, 8], 3, options));
    for (const channel of [0, 4]) {
      expect([...own(skip.narrow(1, channel, 1)).toTypedArray()].every(Number.isNaN)).toBe(true);
    }
  });
});

describe('errors', () => {
  test.each<[string, number[], unknown, unknown, object, new (...values: never[]) => Error]>([
    ['too few axes', [4], [3, 3], 2, {}, ShapeError],
    ['too many axes', [1, 1, 4, 4], [3, 3], 2, {}, ShapeError],
    ['rows that no channel count explains', [1, 6, 4], [3, 3], 2, {}, ShapeError],
    ['wrong number of positions', [1, 4, 5], [3, 3], 2, {}, ShapeError],
    ['a kernel larger than the image', [1, 16, 1], [3, 3], 4, {}, ShapeError],
    ['no rows', [1, 0, 4], [3, 3], 2, {}, ShapeError],
    ['stride 0', [1, 4, 4], [3, 3], 2, { stride: 0 }, ArgumentError],
    ['negative padding', [1, 4, 4], [3, 3], 2, { padding: -1 }, ArgumentError],
    ['three sizes', [1, 4, 4], [3, 3, 3], 2, {}, ArgumentError],
    ['an unknown option', [1, 4, 4], [3, 3], 2, { groups: 2 }, ArgumentError],
    ['no output size', [1, 4, 4], undefined, 2, {}, TypeError],
    ['no kernel size', [1, 4, 4], [3, 3], undefined, {}, TypeError],
  ])('fold: %s', async (_, shape, outputSize, kernelSize, options, type) => {
    const columns = own(zeros(shape, { engine }));
    const sizes = [outputSize as number, kernelSize as number] as const;
    expect(() => foldSync(columns, ...sizes, options)).toThrow(type);
    await expect(fold(columns, ...sizes, options)).rejects.toThrow(type);
  });

  test.each<[string, number[], unknown, object, new (...values: never[]) => Error]>([
    ['too few axes', [4, 4], 2, {}, ShapeError],
    ['too many axes', [1, 1, 1, 4, 4], 2, {}, ShapeError],
    ['an empty axis', [1, 1, 0, 4], 2, {}, ShapeError],
    ['a kernel larger than the padded image', [1, 1, 2, 2], 5, { padding: 1 }, ShapeError],
    ['dilation 0', [1, 1, 4, 4], 2, { dilation: 0 }, ArgumentError],
    ['a fractional kernel', [1, 1, 4, 4], 1.5, {}, ArgumentError],
    ['a kernel of 0', [1, 1, 4, 4], 0, {}, ArgumentError],
    ['a string', [1, 1, 4, 4], '2', {}, TypeError],
  ])('unfold: %s', async (_, shape, kernelSize, options, type) => {
    const input = own(zeros(shape, { engine }));
    expect(() => unfoldSync(input, kernelSize as number, options)).toThrow(type);
    await expect(unfold(input, kernelSize as number, options)).rejects.toThrow(type);
  });
});
