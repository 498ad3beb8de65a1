/** Sizes whose products pass 2³¹, 2³² and 2⁵³: a clear error, nothing that wraps around. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { codeOf } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await upconv.createEngine({ threads: 1 });
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const zeros = (...shape: number[]): Tensor => own(upconv.zeros(shape, { engine }));

const HUGE: Record<string, () => unknown> = {
  'elements that fit in 32 bits, bytes that do not': () => zeros(2 ** 30, 1),
  'a product of 2^32, which would wrap to 0': () => zeros(2 ** 16, 2 ** 16),
  'a product above 2^53': () => zeros(2 ** 31, 2 ** 31, 3),
  'an infinite product': () => zeros(1e308, 1e308),
  'an output axis of 2^31': () => upconv.convTranspose1dSync(zeros(1, 1, 3), zeros(1, 1, 1), null, { stride: 2 ** 30 }),
  'an output axis above 2^32': () =>
    upconv.convTranspose1dSync(zeros(1, 1, 2), zeros(1, 1, 2), null, { dilation: 2 ** 40 }),
  'output axes whose product is 2^32': () =>
    upconv.convTranspose2dSync(zeros(1, 1, 2, 2), zeros(1, 1, 1, 1), null, { stride: 2 ** 16 - 1 }),
  'a padded input of 2^32': () =>
    upconv.conv2dSync(zeros(1, 1, 2, 2), zeros(1, 1, 1, 1), null, { padding: 2 ** 15 - 1 }),
  'a product of matrices that broadcast': () => upconv.matmulSync(zeros(2 ** 16, 1, 1), zeros(1, 2 ** 16)),
  'numbers that broadcast': () => upconv.addSync(zeros(2 ** 17, 1), zeros(1, 2 ** 17)),
  columns: () => upconv.unfoldSync(zeros(1, 1, 2 ** 12, 2 ** 12), [2 ** 10, 2 ** 10]),
  'a folded picture': () => upconv.foldSync(zeros(1, 1, 2 ** 4), [2 ** 17, 2 ** 17], 1, { stride: 2 ** 15 }),
};

test.each(Object.keys(HUGE))('%s: refused', (name) => {
  expect(['ERR_OUT_OF_MEMORY', 'ERR_SHAPE', 'ERR_ARGUMENT']).toContain(codeOf(HUGE[name]));
});

const MAXIMUM = 2 ** 31 - 1;

test.each(['stride', 'dilation', 'padding', 'outputPadding', 'groups'])('%s above 2^31 - 1: refused', (option) => {
  const call = (value: number): unknown =>
    own(upconv.convTranspose1dSync(zeros(1, 1, 3), zeros(1, 1, 1), null, { [option]: value }));
  for (const value of [2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53]) {
    expect(() => call(value)).toThrow(
      `convTranspose1d: ${option} expected an integer of at most 2147483647, got ${value}`,
    );
  }
});

test('numbers up to 2^31 - 1 that nothing is multiplied with do not matter', () => {
  const x = own(upconv.tensor([1, 2, 3], [1, 1, 3], { engine }));
  const two = own(upconv.tensor([2], [1, 1, 1], { engine }));
  const valuesOf = (t: Tensor): number[] => [...own(t).toTypedArray()];
  expect(valuesOf(upconv.convTranspose1dSync(x, two, null, { dilation: MAXIMUM }))).toEqual([2, 4, 6]);
  const first = own(x.narrow(2, 0, 1));
  expect(valuesOf(upconv.convTranspose1dSync(first, two, null, { stride: MAXIMUM }))).toEqual([2]);
  expect(valuesOf(upconv.conv1dSync(x, two, null, { stride: MAXIMUM, dilation: MAXIMUM }))).toEqual([2]);
  const spread = own(engine.wrap(x.ptr, [1, 1, 3], { strides: [MAXIMUM, MAXIMUM, 1] }));
  expect(valuesOf(upconv.convTranspose1dSync(spread, two))).toEqual([2, 4, 6]);
});
