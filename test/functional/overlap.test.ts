/** Which tensors share memory: views of one tensor exactly, all others on the safe side. */

import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convTranspose2dSync, createEngine, full, zeros } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { overlap } from '../../src/functional/overlap.ts';
import { coordinatesOf } from '../reference/tensor.ts';
import { codeOf } from '../support/in_flight.ts';
import { chosenSeed } from '../support/seed.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

/** Addresses of all bytes. */
function bytesOf(t: Tensor): Set<number> {
  const bytes = new Set<number>();
  const size = t.byteLength / Math.max(t.size, 1);
  for (const at of coordinatesOf(t.shape)) {
    const ptr = t.ptr + at.reduce((sum, position, axis) => sum + position * t.strides[axis], 0) * size;
    for (let byte = 0; byte < size; byte++) bytes.add(ptr + byte);
  }
  return bytes;
}

function shareBytes(a: Tensor, b: Tensor): boolean {
  const bytes = bytesOf(a);
  return [...bytesOf(b)].some((ptr) => bytes.has(ptr));
}

const part = fc.record({
  starts: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
  lengths: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5), fc.nat(5)),
  order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }),
});

const seed = chosenSeed();

test(`views of one tensor, exactly, seed ${seed}`, () => {
  const counts = { apart: 0, crossing: 0, together: 0 };
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 4 }), part, part, (shape, first, second) => {
    const whole = zeros(shape, { engine });
    const [a, b] = [first, second].map(({ starts, lengths, order }) => {
      let view = whole;
      shape.forEach((length, axis) => {
        const start = starts[axis] % length;
        view = view.narrow(axis, start, Math.min(lengths[axis], length - start));
      });
      return view.permute(order);
    });
    const shared = shareBytes(a, b);
    const [x, y] = [[...bytesOf(a)], [...bytesOf(b)]];
    const crossing = x.length > 0 && y.length > 0 && Math.max(...x) > Math.min(...y) && Math.max(...y) > Math.min(...x);
    counts[shared ? 'together' : crossing ? 'crossing' : 'apart']++;
    expect(overlap(a, b)).toBe(shared);
    expect(overlap(b, a)).toBe(shared);
    whole.dispose();
    engine.trim();
  }); // prettier-ignore
  fc.assert(property, { seed, numRuns: 1200 });
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(20);
});

test(`any addresses and strides: never apart when they share, seed ${seed}`, () => {
  const { ptr } = full([4096], 0, { engine });
  const any = fc.record({
    offset: fc.nat(40),
    shape: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    strides: fc.tuple(fc.nat(13), fc.nat(13), fc.nat(13)),
    dtype: fc.constantFrom('float32', 'float64', 'float16'),
  });
  let shared = 0;
  const property = fc.property(any, any, (...both) => {
    const [a, b] = both.map(({ offset, shape, strides, dtype }) =>
      engine.wrap(ptr + 8 * offset, shape, { strides, dtype: dtype as 'float32' }),
    );
    const share = shareBytes(a, b);
    if (share) shared++;
    expect(overlap(a, b) || !share).toBe(true);
    expect(overlap(b, a)).toBe(overlap(a, b));
    a.dispose();
    b.dispose();
  });
  fc.assert(property, { seed, numRuns: 2000 });
  expect(shared).toBeGreaterThan(100);
});

test('out may be the right half of the image whose left half is read', () => {
  const image = full([1, 1, 3, 8], 1, { engine });
  const [left, right] = [image.narrow(3, 0, 4), image.narrow(3, 4, 4)];
  const weight = full([1, 1, 1, 1], 2, { engine });
  expect(convTranspose2dSync(left, weight, null, { out: right })).toBe(right);
  expect(image.toArray()).toEqual([[[1, 2, 3].map(() => [1, 1, 1, 1, 2, 2, 2, 2])]]);
  expect(codeOf(() => convTranspose2dSync(left, weight, null, { out: image.narrow(3, 3, 4) }))).toBe('ERR_ARGUMENT');
});
