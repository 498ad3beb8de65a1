/** Views of a tensor: what they share, and what has to be copied. */

import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, init, ShapeError, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));

const range = (...shape: number[]): Tensor =>
  own(
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
      shape,
    ),
  );
const numbers = (t: Tensor): number[] => [...own(t).toTypedArray()];

describe('views share the storage', () => {
  test('permute, transpose, narrow, squeeze, unsqueeze, reshape', () => {
    const t = range(2, 3, 4);
    const { tensors } = engine.memory;
    const views: [Tensor, number[], (i: number, j: number, k: number) => number[]][] = [
      [own(t.permute(2, 0, 1)), [4, 2, 3], (i, j, k) => [k, i, j]],
      [own(t.permute([-1, 0, 1])), [4, 2, 3], (i, j, k) => [k, i, j]],
      [own(t.transpose(0, -1)), [4, 3, 2], (i, j, k) => [k, j, i]],
      [own(t.unsqueeze(0)), [1, 2, 3, 4], (i, j, k) => [0, i, j, k]],
      [own(t.unsqueeze(-1)), [2, 3, 4, 1], (i, j, k) => [i, j, k, 0]],
      [own(t.reshape(6, -1)), [6, 4], (i, j, k) => [3 * i + j, k]],
      [own(t.reshape([24])), [24], (i, j, k) => [12 * i + 4 * j + k]],
    ];
    expect(engine.memory.tensors).toBe(tensors);
    for (const [view, shape, at] of views) {
      expect(view.shape).toEqual(shape);
      const flat = view.toTypedArray();
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 3; j++) {
          for (let k = 0; k < 4; k++) {
            const index = at(i, j, k).reduce((sum, position, axis) => sum * shape[axis] + position, 0);
            expect(flat[index]).toBe(12 * i + 4 * j + k);
          }
        }
      }
    }
    expect(numbers(t.narrow(2, -3, 2))).toEqual(numbers(t.narrow(2, 1, 2)));
    expect(numbers(t.narrow(2, 1, 2))).toEqual([1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22]);
    const ones = range(1, 3, 1);
    expect(own(ones.squeeze()).shape).toEqual([3]);
    expect(own(ones.squeeze(0)).shape).toEqual([3, 1]);
    expect(own(ones.squeeze(1)).shape).toEqual([1, 3, 1]);
    own(t.narrow(0, 1, 1)).copyFrom(new Float32Array(12));
    expect(numbers(own(t.clone())).slice(12)).toEqual(Array.from({ length: 12 }, () => 0));
  });

  test('the last one frees it', () => {
    const before = engine.memory.tensors;
    const t = range(2, 2);
    const v = t.transpose(0, 1);
    t.dispose();
    expect(engine.memory.tensors).toBe(before + 1);
    expect([...v.toTypedArray()]).toEqual([0, 2, 1, 3]);
    v.dispose();
    expect(engine.memory.tensors).toBe(before);
  });

  test('contiguous and reshape copy only what has other strides', () => {
    const t = range(2, 3);
    const { tensors } = engine.memory;
    own(t.contiguous());
    expect(engine.memory.tensors).toBe(tensors);
    const turned = own(t.transpose(0, 1));
    const dense = own(turned.contiguous());
    expect(dense.isContiguous).toBe(true);
    expect(numbers(own(turned.reshape(6)))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(engine.memory.tensors).toBe(tensors + 2);
  });

  test('reshape is a view wherever strides allow, as in PyTorch: what is written to it arrives', () => {
    // parts of (2, 4, 3, 6), strides (72, 18, 6, 1)
    const whole = range(2, 4, 3, 6);
    const channels = own(whole.narrow(1, 1, 2));
    const columns = own(whole.narrow(3, 2, 4));
    const turned = own(whole.permute(1, 0, 2, 3));
    const views: [Tensor, number[], number[]][] = [
      [channels, [2, 36], [72, 1]],
      [channels, [2, 2, 18], [72, 18, 1]],
      [channels, [2, 3, 2, 6], [72, 12, 6, 1]],
      [channels, [1, 2, 1, 36, 1], [0, 72, 0, 1, 0]],
      [columns, [24, 4], [6, 1]],
      [columns, [2, 12, 2, 2], [72, 6, 2, 1]],
      [turned, [4, 2, 18], [18, 72, 1]],
      [own(turned.narrow(0, 0, 1)), [2, 18], [72, 1]],
      [own(own(whole.narrow(0, 0, 1)).permute(1, 0, 2, 3)), [72], [1]],
    ];
    for (const [t, shape, strides] of views) {
      const { tensors } = engine.memory;
      const view = own(t.reshape(shape));
      expect(engine.memory.tensors).toBe(tensors);
      expect(view.strides.filter((_, axis) => shape[axis] > 1)).toEqual(strides.filter((_, axis) => shape[axis] > 1));
      expect(numbers(view)).toEqual([...own(t.clone()).toTypedArray()]);
    }
    for (const [t, shape] of [
      [channels, [4, 18].toReversed()],
      [channels, [4, 3, 6].toReversed()],
      [channels, [72]],
      [columns, [96]],
      [columns, [16, 6]],
      [turned, [8, 18]],
    ] as const) {
      const { tensors } = engine.memory;
      expect(numbers(t.reshape(shape))).toEqual([...own(t.clone()).toTypedArray()]);
      expect(engine.memory.tensors).toBeGreaterThan(tensors);
    }
    own(channels.reshape(2, -1)).copyFrom(new Float32Array(72).fill(-1));
    expect(
      own(whole.narrow(1, 1, 2))
        .toTypedArray()
        .every((value) => value === -1),
    ).toBe(true);
    expect(own(whole.narrow(1, 0, 1)).toTypedArray()[0]).toBe(0);
  });

  test('arguments', () => {
    const t = range(2, 3);
    for (const use of [
      () => t.permute(0),
      () => t.permute(0, 0),
      () => t.permute(0, 2),
      () => t.transpose(0, 2),
      () => t.narrow(0, 1, 2),
      () => t.narrow(0, -3, 1),
      () => t.narrow(1, -2, 3),
      () => t.narrow(0, 0, -1),
      () => t.narrow(2, 0, 1),
      () => t.squeeze(2),
      () => t.unsqueeze(3),
    ]) {
      expect(use).toThrow(ArgumentError);
    }
    const wrong = (value: unknown): never => value as never;
    for (const value of ['0', null, {}, Promise.resolve(0)]) {
      for (const use of [
        () => t.permute(wrong(value), 1),
        () => t.transpose(0, wrong(value)),
        () => t.narrow(wrong(value), 0, 1),
        () => t.narrow(0, wrong(value), 1),
        () => t.narrow(0, 0, wrong(value)),
        () => t.squeeze(wrong(value)),
        () => t.unsqueeze(wrong(value)),
        () => t.reshape(wrong(value)),
        () => t.reshape([6, wrong(value)]),
      ]) {
        expect(use).toThrow(TypeError);
      }
    }
    for (const use of [() => t.reshape(4), () => t.reshape(-1, 4), () => t.reshape(2.5, -1), () => t.reshape(-2, -3)]) {
      expect(use).toThrow(ShapeError);
    }
  });
});
