import { beforeAll, expect, test } from 'vitest';
import { empty, init, initializers, manualSeed } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/initializers.json' with { type: 'json' };
import { expectIdentical, expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { held } from '../support/operations.ts';

interface InitializerCase {
  name: string;
  seed: number;
  shape: number[];
  arguments: unknown[];
  values: FixtureTensor;
}

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

type Initializer = (target: Tensor, ...rest: unknown[]) => Tensor;
const { kaimingUniform_, normal_, uniform_ } = initializers as unknown as Readonly<Record<string, Initializer>>;

/** The tensor that the case fills, after its seed. */
function filled(initializer: Initializer, c: InitializerCase): Tensor {
  const t = held(empty(c.shape));
  manualSeed(c.seed);
  expect(initializer(t, ...c.arguments)).toBe(t);
  return t;
}

test.each(golden.cases<InitializerCase>('kaimingUniform_'))('kaimingUniform_ draws the bits of PyTorch: $name', (c) => {
  expectIdentical(filled(kaimingUniform_, c), c.values);
});

test.each(golden.cases<InitializerCase>('uniform_'))('uniform_ draws the bits of PyTorch: $name', (c) => {
  expectIdentical(filled(uniform_, c), c.values);
});

test.each(golden.cases<InitializerCase>('normal_'))('normal_ draws the numbers of PyTorch: $name', (c) => {
  // sine, cosine and logarithm may differ in the last bits
  expectWithin(filled(normal_, c), c.values, (_index, expected) => 2e-6 * (1 + Math.abs(expected)));
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
