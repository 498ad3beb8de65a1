/** A weight packed for a shape serves inputs of that shape however they lie, with the same bits. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { convTranspose2dSync, createEngine, empty, packWeight } from '../../src/index.ts';
import type { ConvTransposeOptions, Engine } from '../../src/index.ts';
import { random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

test.each<[string, number[], ConvTransposeOptions, number[]]>([
  ['few rows of C, read in place', [64, 1, 2, 2], { stride: 2 }, [1, 64, 96, 96]],
  ['transforms', [32, 32, 4, 4], { stride: 2, padding: 1 }, [1, 32, 32, 32]],
  ['planes', [64, 64, 2, 2], { stride: 2 }, [1, 64, 24, 24]],
])('%s', (_, shape, geometry, inputShape) => {
  const weight = own(random(engine, shape, 2));
  const packed = own(packWeight(weight, { ...geometry, inputShape }));
  const plain = own(random(engine, inputShape, 1));
  const expected = own(convTranspose2dSync(plain, packed, null, geometry)).toTypedArray();
  const last = own(plain.contiguous({ memoryFormat: 'channelsLast' }));
  const wide = own(empty([1, inputShape[1], 100, 100], { engine }));
  const view = own(own(wide.narrow(2, 2, inputShape[2])).narrow(3, 1, inputShape[3]));
  view.copyFrom(plain.toTypedArray());
  for (const input of [last, view]) {
    const got = own(convTranspose2dSync(input, packed, null, geometry)).toTypedArray();
    expect(got.every((value, index) => Object.is(value, expected[index]))).toBe(true);
  }
});
