import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ArgumentError,
  bceWithLogitsLoss,
  bceWithLogitsLossSync,
  createEngine,
  DtypeError,
  foldSync,
  full,
  init,
  l1Loss,
  l1LossSync,
  matmul,
  matmulSync,
  mseLoss,
  mseLossSync,
  OutOfMemoryError,
  ShapeError,
  tensor,
  unfoldSync,
  zeros,
  type Engine,
  type Tensor,
} from '../../src/index.ts';
import { Allocator } from '../../src/memory/allocator.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const SHAPES = {
  1: { input: [2, 4, 9], weight: [4, 4, 3], options: { stride: 2, padding: 1 } },
  2: { input: [2, 4, 5, 6], weight: [4, 4, 3, 3], options: { stride: 2, padding: 1 } },
  3: { input: [4, 3, 4, 5], weight: [4, 4, 2, 3, 2], options: { stride: 2 } },
} as const;
const OPERATIONS = [
  ['convTranspose', CONV_TRANSPOSE],
  ['conv', CONV],
] as const;
const CASES = OPERATIONS.flatMap(([name, operation]) =>
  ([1, 2, 3] as const).map((axes) => [name, axes, operation] as const),
);

function half(shape: readonly number[], seed: number): Tensor {
  const float = own(
    tensor(
      randomFloat32(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
      shape,
    ),
  );
  return own(float.to('float16'));
}

const float = (t: Tensor): Tensor => own(t.to('float32'));
/** What a float32 result is in float16. */
const rounded = (t: Tensor): ArrayLike<number> => own(own(t).to('float16')).toTypedArray();

describe.each(CASES)('%s%id', (_, axes, operation) => {
  const { input: inputShape, weight: weightShape, options } = SHAPES[axes];
  const make = () => ({ input: half(inputShape, 1), weight: half(weightShape, 2), bias: half([4], 3) });

  test('forward is the float32 result rounded', async () => {
    const { input, weight, bias } = make();
    const { forward, forwardSync } = operation[axes];
    for (const b of [bias, null]) {
      const expected = forwardSync(float(input), float(weight), b === null ? null : float(b), options);
      const { shape } = expected;
      const result = own(await forward(input, weight, b, options));
      expect([result.dtype, result.shape]).toEqual(['float16', shape]);
      expect(result.toTypedArray()).toEqual(rounded(expected));
      expect(own(forwardSync(input, weight, b, options)).toTypedArray()).toEqual(result.toTypedArray());
    }
  });

  test('backward is the float32 gradients rounded', async () => {
    const { input, weight } = make();
    const { forwardSync, backward, backwardSync } = operation[axes];
    const gradOutput = half(own(forwardSync(float(input), float(weight), null, options)).shape, 4);
    const expected = backwardSync(float(gradOutput), float(input), float(weight), options);
    const got = await backward(gradOutput, input, weight, options);
    for (const name of ['gradInput', 'gradWeight', 'gradBias'] as const) {
      const gradient = own(got[name]);
      expect(gradient.dtype).toBe('float16');
      expect(gradient.toTypedArray()).toEqual(rounded(expected[name]));
    }
    const masked = backwardSync(gradOutput, input, weight, { ...options, outputMask: [false, true, false] });
    expect([masked.gradInput, masked.gradBias]).toEqual([null, null]);
    expect(own(masked.gradWeight).toTypedArray()).toEqual(got.gradWeight.toTypedArray());
  });
});

const { forward, forwardSync, backwardSync } = CONV_TRANSPOSE[2];

test('any strides in, any strides out', () => {
  const input = half([1, 6, 5, 2], 1);
  const view = own(input.permute(0, 3, 2, 1));
  const weight = half([2, 3, 2, 2], 2);
  const expected = forwardSync(float(view), float(weight), null, { stride: 2 });
  const skip = own(full([1, 5, 10, 12], 7, { dtype: 'float16' }));
  const out = own(skip.narrow(1, 1, 3));
  expect(forwardSync(view, weight, null, { stride: 2, out })).toBe(out);
  expect(out.toTypedArray()).toEqual(rounded(expected));
  expect(new Set(own(skip.narrow(1, 4, 1)).toTypedArray())).toEqual(new Set([0x4700]));
});

test('accumulates', () => {
  const [input, weight, gradOutput] = [half([1, 2, 3, 3], 1), half([2, 2, 2, 2], 2), half([1, 2, 4, 4], 3)];
  const outGradWeight = half([2, 2, 2, 2], 4);
  const start = float(outGradWeight);
  const mask = { outputMask: [false, true, false] } as const;
  backwardSync(float(gradOutput), float(input), float(weight), { ...mask, accumulate: true, outGradWeight: start });
  backwardSync(gradOutput, input, weight, { ...mask, accumulate: true, outGradWeight });
  expect(outGradWeight.toTypedArray()).toEqual(own(start.to('float16')).toTypedArray());
});

test('a later call reads what an earlier one writes, and operands may be disposed meanwhile', async () => {
  const [input, weight] = [half([1, 1, 6, 6], 1), half([1, 1, 2, 2], 2)];
  const out = own(zeros([1, 1, 12, 12], { dtype: 'float16' }));
  const first = forward(input, weight, null, { stride: 2, out });
  const second = forward(out, weight, null, { stride: 2 });
  expect(() => weight.data).toThrow(expect.objectContaining({ code: 'ERR_IN_USE' }));
  input.dispose();
  await first;
  const expected = forwardSync(out, weight, null, { stride: 2 });
  expect(own(await second).toTypedArray()).toEqual(own(expected).toTypedArray());
});

test('TensorLikes of float16', () => {
  const [input, weight] = [half([1, 1, 2, 2], 1), half([1, 1, 2, 2], 2)];
  const like = { data: input.toTypedArray() as Uint16Array, dims: [1, 1, 2, 2], type: 'float16' };
  const expected = own(forwardSync(input, weight)).toTypedArray();
  expect(own(forwardSync(like, weight)).toTypedArray()).toEqual(expected);
  const likeWeight = { data: weight.toTypedArray() as Uint16Array, shape: [1, 1, 2, 2], type: 'float16' };
  expect(own(forwardSync(like, likeWeight)).toTypedArray()).toEqual(expected);
});

test('matmul, fold and unfold', async () => {
  const [a, b] = [half([2, 3, 5], 1), half([5, 4], 2)];
  expect(own(await matmul(a, b)).toTypedArray()).toEqual(rounded(matmulSync(float(a), float(b))));
  const image = half([1, 2, 5, 6], 3);
  const columns = own(unfoldSync(image, 3, { stride: 2 }));
  expect(columns.toTypedArray()).toEqual(rounded(unfoldSync(float(image), 3, { stride: 2 })));
  const folded = own(foldSync(columns, [5, 6], 3, { stride: 2 }));
  expect(folded.toTypedArray()).toEqual(rounded(foldSync(float(columns), [5, 6], 3, { stride: 2 })));
  expect(() => matmulSync(a, float(b))).toThrow('b expected float16, got float32');
});

test.each([
  ['mseLoss', mseLoss, mseLossSync],
  ['l1Loss', l1Loss, l1LossSync],
  ['bceWithLogitsLoss', bceWithLogitsLoss, bceWithLogitsLossSync],
])('%s: the value of float32, its gradient rounded', async (_, loss, lossSync) => {
  const pred = half([3, 5, 4], 1);
  const view = own(pred.permute(2, 0, 1));
  const target = half([4, 3, 5], 2);
  for (const reduction of ['mean', 'sum'] as const) {
    const expected = lossSync(float(view), float(target), { reduction });
    const got = own(await loss(view, target, { reduction }));
    expect([got.value, got.gradOutput.dtype]).toEqual([expected.value, 'float16']);
    expect(got.gradOutput.toTypedArray()).toEqual(rounded(expected.gradOutput));
    expect(own(lossSync(view, target, { reduction })).gradOutput.toTypedArray()).toEqual(got.gradOutput.toTypedArray());
  }
  expect(() => lossSync(view, float(target))).toThrow('target expected float16, got float32');
});

describe('memory', () => {
  const [shape, options] = [[1, 4, 6, 6], { stride: 2 }] as const;

  test('a weight is widened and packed once, until it is written to', () => {
    const [input, weight, gradOutput] = [half(shape, 1), half([4, 3, 2, 2], 2), half([1, 3, 12, 12], 3)];
    const mask = { ...options, outputMask: [true, false, false] } as const;
    const packed = () => engine.memory.bytesPacked;
    const before = packed();
    const y = own(forwardSync(input, weight, null, options));
    const one = packed() - before;
    expect(one).toBeGreaterThan(0);
    own(backwardSync(gradOutput, input, weight, mask).gradInput);
    const both = packed() - before;
    expect(both).toBeGreaterThan(one);
    own(forwardSync(input, weight, null, options));
    own(backwardSync(gradOutput, input, weight, mask).gradInput);
    expect(packed() - before).toBe(both);
    weight.copyFrom(half([4, 3, 2, 2], 5));
    const changed = own(forwardSync(input, weight, null, options));
    expect(changed.toTypedArray()).not.toEqual(y.toTypedArray());
    expect(changed.toTypedArray()).toEqual(rounded(forwardSync(float(input), float(weight), null, options)));
  });

  test('what is written through data counts, and is packed again after commit', () => {
    const [input, weight] = [half(shape, 1), half([4, 3, 2, 2], 2)];
    const check = (): void => {
      const expected = rounded(forwardSync(float(input), float(weight), null, options));
      expect(own(forwardSync(input, weight, null, options)).toTypedArray()).toEqual(expected);
    };
    check();
    const { data } = weight;
    for (const bits of [0x3c00, 0xc000]) {
      data[5] = bits;
      check();
    }
    weight.commit();
    const before = engine.memory.bytesPacked;
    own(forwardSync(input, weight, null, options));
    const packed = engine.memory.bytesPacked;
    expect(packed).toBeGreaterThan(before);
    own(forwardSync(input, weight, null, options));
    expect(engine.memory.bytesPacked).toBe(packed);
    check();
  });

  test('without room for the copies nothing is left, and the next call works', async () => {
    const tight = await createEngine({ maximumBytes: 8 * 2 ** 20 });
    const pred = zeros([2 ** 20], { dtype: 'float16', engine: tight }); // 2 MiB, 12 MiB as three copies in float32
    expect(() => mseLossSync(pred, pred)).toThrow(OutOfMemoryError);
    await expect(mseLoss(pred, pred)).rejects.toThrow(OutOfMemoryError);
    expect(tight.memory.tensors).toBe(1);
    const part = pred.narrow(0, 0, 2 ** 17);
    const loss = await mseLoss(part, part);
    expect(loss.value).toBe(0);
    loss.dispose();
    tight.dispose();
  });

  test('views of one storage are packed apart', () => {
    const input = half([1, 2, 3, 3], 1);
    const weight = half([2, 2, 2, 2], 2);
    for (const view of [weight, own(weight.transpose(0, 1)), own(weight.transpose(2, 3))]) {
      const expected = forwardSync(float(input), float(view), null, options);
      expect(own(forwardSync(input, view, null, options)).toTypedArray()).toEqual(rounded(expected));
    }
  });

  test('a second call allocates nothing', () => {
    const [input, weight, bias] = [half(shape, 1), half([4, 3, 2, 2], 2), half([3], 3)];
    const out = own(forwardSync(input, weight, bias, options));
    forwardSync(input, weight, bias, { ...options, out });
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    forwardSync(input, weight, bias, { ...options, out });
    expect(allocate).not.toHaveBeenCalled();
    allocate.mockRestore();
  });

  test('copies of large operands are not kept', () => {
    const pred = own(zeros([2 ** 21], { dtype: 'float16' }));
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    const free = vi.spyOn(Allocator.prototype, 'free');
    own(mseLossSync(pred, pred));
    const large = allocate.mock.calls.findIndex(([bytes]) => bytes > 2 ** 24);
    expect(large).toBeGreaterThanOrEqual(0);
    expect(free).toHaveBeenCalledWith(allocate.mock.results[large].value);
    vi.restoreAllMocks();
  });
});

test('overflow, infinities and NaN are those of the rounding', () => {
  const input = own(tensor([60000, Infinity, NaN, 1e-7], [1, 1, 4], { dtype: 'float16' }));
  const weight = own(tensor([2], [1, 1, 1], { dtype: 'float16' }));
  const result = own(CONV_TRANSPOSE[1].forwardSync(input, weight));
  expect(result.toArray()).toEqual([[[Infinity, Infinity, NaN, 2 ** -22]]]);
});

test('mistakes, and nothing is left', async () => {
  const [input, weight] = [half([1, 1, 2, 2], 1), half([1, 1, 2, 2], 2)];
  const floats = float(weight);
  const { tensors } = engine.memory;
  expect(() => forwardSync(input, floats)).toThrow(DtypeError);
  expect(() => forwardSync(input, floats)).toThrow('weight expected float16, got float32');
  expect(() => forwardSync(floats, weight)).toThrow('weight expected float32, got float16');
  expect(() => forwardSync(input, weight, floats)).toThrow(DtypeError);
  expect(() => forwardSync(input, weight, null, { out: floats })).toThrow(DtypeError);
  expect(() => forwardSync(input, weight, null, { stride: 0 })).toThrow(ArgumentError);
  expect(() => forwardSync(input, weight, null, { out: input })).toThrow(ShapeError);
  expect(() => backwardSync(input, input, weight)).toThrow(ShapeError);
  await expect(forward(input, weight, null, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  expect(engine.memory.tensors).toBe(tensors);
});
