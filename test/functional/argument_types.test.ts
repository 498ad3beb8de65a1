/** Values of the wrong type, and options that do not exist. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  conv2dBackwardSync,
  conv2dSync,
  convTranspose1dSync,
  convTranspose2d,
  convTranspose2dBackwardSync,
  convTranspose2dSync,
  convTransposeAlgorithms,
  convTransposeOutputSize,
  createEngine,
  foldSync,
  full,
  matmulSync,
  packWeight,
  unfoldSync,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { random } from '../support/in_flight.ts';
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

const forward = (options: object, bias: Tensor | null = null): Tensor => own(convTranspose2dSync(x, w, bias, options));
const wrong = (value: unknown): never => value as never;

describe('a value of the wrong type', () => {
  const holes = Object.assign([], { length: 2 });
  const VALUES = ['2', {}, null, true, Promise.resolve(2), [null], ['2'], [undefined], holes];

  test.each(['stride', 'padding', 'outputPadding', 'dilation', 'groups'])('%s: TypeError', async (name) => {
    for (const value of VALUES) {
      expect(() => forward({ [name]: value })).toThrow(TypeError);
      expect(() => forward({ [name]: value })).toThrow(`convTranspose2d: ${name} expected`);
      await expect(convTranspose2d(x, w, null, { [name]: value })).rejects.toThrow(TypeError);
    }
  });

  test('in other functions', () => {
    const columns = own(full([1, 4, 4], 1, { engine }));
    for (const value of VALUES) {
      for (const name of ['stride', 'padding', 'dilation']) {
        expect(() => foldSync(columns, 3, 2, { [name]: value })).toThrow(TypeError);
        expect(() => unfoldSync(x, 2, { [name]: value })).toThrow(TypeError);
        expect(() => conv2dSync(x, w, null, { [name]: value })).toThrow(name === 'padding' && value === '2' ? ArgumentError : TypeError); // prettier-ignore
        expect(() => packWeight(w, { [name]: value })).toThrow(TypeError);
      }
      expect(() => foldSync(columns, 3, value as number)).toThrow(TypeError);
      expect(() => foldSync(columns, value as number, 2)).toThrow(TypeError);
    }
    expect(() => packWeight(w, { inputShape: wrong('1,4,5,3') })).toThrow(TypeError);
    expect(() => packWeight(w, { inputShape: [1, 4, 5, 2.5] })).toThrow(ArgumentError);
  });

  test('options that are no object, and unknown ones, in every function', () => {
    const columns = own(full([1, 4, 4], 1, { engine }));
    const small = own(full([1, 1, 1], 1, { engine }));
    const calls: ((options: never) => unknown)[] = [
      (options) => convTranspose2dSync(x, w, null, options),
      (options) => convTranspose1dSync(small, small, null, options),
      (options) => convTranspose2dBackwardSync(x, x, w, options),
      (options) => conv2dSync(x, w, null, options),
      (options) => conv2dBackwardSync(x, x, w, options),
      (options) => matmulSync(small, small, options),
      (options) => foldSync(columns, 3, 2, options),
      (options) => unfoldSync(x, 2, options),
      (options) => packWeight(w, options),
      (options) => convTransposeOutputSize([4], 3, options),
      (options) => convTransposeAlgorithms(x.shape, w.shape, options),
    ];
    for (const call of calls) {
      for (const options of [null, 3, 'x', [1]]) expect(() => call(wrong(options))).toThrow(TypeError);
      expect(() => call(wrong({ strid: 2 }))).toThrow(ArgumentError);
      expect(() => call(wrong({ strid: undefined }))).toThrow("got 'strid'");
    }
  });

  test('an engine that is none', async () => {
    const like = { data: [1], shape: [1, 1, 1, 1] };
    for (const value of [{}, 'default', 3, Promise.resolve(engine)]) {
      expect(() => convTranspose2dSync(x, w, null, { engine: wrong(value) })).toThrow(TypeError);
      await expect(convTranspose2d(like, like, null, { engine: wrong(value) })).rejects.toThrow(TypeError);
    }
  });
});
