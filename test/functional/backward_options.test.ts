/** Options of backward calls: outputMask, given gradients, accumulate, and what is refused. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  conv2dBackwardSync,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  createEngine,
  full,
  ShapeError,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf, random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
let x: Tensor;
let w: Tensor;
beforeAll(async () => {
  engine = await createEngine();
});
beforeEach(() => {
  x = own(random(engine, [2, 4, 5, 3]));
  w = own(random(engine, [4, 3, 3, 2], 2));
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const bits = (t: Tensor): number[] => [...own(t).toTypedArray()];
const forward = (options: object, bias: Tensor | null = null): Tensor => own(convTranspose2dSync(x, w, bias, options));

describe('backward', () => {
  const y = (): Tensor => forward({});

  test('outputMask: each of the eight, null where it is false', () => {
    const g = y();
    const all = convTranspose2dBackwardSync(g, x, w);
    const names = ['gradInput', 'gradWeight', 'gradBias'] as const;
    const expected = names.map((name) => bits(all[name]));
    for (let mask = 0; mask < 8; mask++) {
      const outputMask = [0, 1, 2].map((bit) => (mask & (1 << bit)) !== 0) as [boolean, boolean, boolean];
      const got = convTranspose2dBackwardSync(g, x, w, { outputMask });
      expect(Object.keys(got).toSorted()).toEqual([...names].toSorted());
      names.forEach((name, index) => {
        const gradient: Tensor | null = got[name];
        expect(gradient && bits(gradient)).toEqual(outputMask[index] ? expected[index] : null);
      });
    }
  });

  test("an activation other than 'none' is refused", async () => {
    const g = y();
    for (const name of ['activation', 'inputActivation']) {
      for (const value of ['relu', { leakyRelu: 0.1 }, { clamp: [0, 1] }, 'nonsense', null]) {
        const options = { [name]: value };
        expect(() => convTranspose2dBackwardSync(g, x, w, options)).toThrow(ArgumentError);
        expect(() => convTranspose2dBackwardSync(g, x, w, options)).toThrow(name);
        await expect(convTranspose2dBackward(g, x, w, options)).rejects.toThrow(ArgumentError);
        expect(() => conv2dBackwardSync(x, g, w, options)).toThrow(ArgumentError);
      }
      for (const value of ['none', undefined]) {
        Object.values(convTranspose2dBackwardSync(g, x, w, { [name]: value })).forEach(own);
      }
    }
  });

  test('given gradients: returned, written in full, added to with accumulate', async () => {
    const g = y();
    const fresh = convTranspose2dBackwardSync(g, x, w);
    const expected = (['gradInput', 'gradWeight', 'gradBias'] as const).map((name) => bits(fresh[name]));
    const outs = [x.shape, w.shape, [3]].map((shape) => own(full(shape, Number.NaN, { engine })));
    const [outGradInput, outGradWeight, outGradBias] = outs;
    const given = { outGradInput, outGradWeight, outGradBias };
    for (const backward of [convTranspose2dBackward, convTranspose2dBackwardSync]) {
      outs.forEach((out) => out.copyFrom(new Float32Array(out.size).fill(Number.NaN)));
      const got = await backward(g, x, w, { ...given, accumulate: false });
      expect([got.gradInput, got.gradWeight, got.gradBias].every((t, i) => t === outs[i])).toBe(true);
      expect(outs.map((out) => [...out.toTypedArray()])).toEqual(expected);
      await backward(g, x, w, { ...given, accumulate: true });
      outs.forEach((out, i) =>
        out.toTypedArray().forEach((value, k) => expect(value).toBeCloseTo(2 * expected[i][k], 3)),
      );
    }
    // a gradient that is not given is new, accumulate or not, whatever its memory held before
    const before = Array.from({ length: 9 }, () => full(x.shape, Number.NaN, { engine }));
    for (const each of before) each.dispose();
    const partly = convTranspose2dBackwardSync(g, x, w, { outGradWeight, accumulate: true });
    expect(bits(partly.gradInput)).toEqual(expected[0]);
    own(partly.gradBias);
  });

  test('arguments', () => {
    const g = y();
    const other = own(full(x.shape, 0, { engine }));
    const part = own(own(own(other.reshape(-1)).narrow(0, 0, w.size)).reshape(w.shape));
    for (const options of [
      { outputMask: [true, true] },
      { outputMask: 'all' },
      { outputMask: null },
      { outputMask: [false, true, true], outGradInput: other },
      { out: other },
      { bias: other },
      { outGradInput: x },
      { outGradWeight: w },
      { outGradInput: other, outGradWeight: part },
    ]) {
      expect(codeOf(() => convTranspose2dBackwardSync(g, x, w, options as object))).toBe('ERR_ARGUMENT');
    }
    for (const options of [{ outputMask: [1, 0, 1] }, { accumulate: 1 }, { accumulate: null }, { outGradBias: null }]) {
      expect(() => convTranspose2dBackwardSync(g, x, w, options as object)).toThrow(TypeError);
    }
    expect(() => convTranspose2dBackwardSync(g, x, w, { outGradBias: other })).toThrow(ShapeError);
  });
});
