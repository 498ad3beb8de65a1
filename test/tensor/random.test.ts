import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ArgumentError,
  createEngine,
  createGenerator,
  initializers,
  manualSeed,
  rand,
  randn,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());

/** Reads a tensor and frees it. */
function take(t: Tensor): number[] {
  const values = [...t.toTypedArray()];
  t.dispose();
  return values;
}

function expectClose(got: number[], expected: number[], limit: number): void {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(limit));
}

/** The first 32 bits of a seed. */
const first = (seed: number): number => createGenerator(seed).nextUint32();

/** torch.manual_seed(7), then rand(3), rand(2, float64), randn(3), randn(2, float64), randn(19), in this order. */
const TORCH = {
  rand: [0.5349225401878357, 0.19880318641662598, 0.6592116951942444],
  rand64: [0.2551223938032269, 0.40049158261546125],
  few: [1.7714937925338745, 0.4299081265926361, -1.2119221687316895],
  few64: [0.7962812668040433, 0.9328507824831829],
  many: [
    -0.3300117254257202, 0.19844505190849304, 0.7820726633071899, -0.8284520506858826, -0.6056802868843079,
    -0.13543689250946045, 0.7471182346343994, 0.6118157505989075, 1.867783546447754, 2.5116028785705566,
    -1.254785180091858, 0.501121461391449, 0.2600362002849579, -1.6370213031768799, 0.1577119082212448,
    0.39574092626571655, -1.3677396774291992, -0.10073431581258774, 0.23701459169387817,
  ],
};

test('the sequence of PyTorch: uniform bits, normal numbers nearly', () => {
  manualSeed(7);
  expect(take(rand([3], { engine }))).toEqual(TORCH.rand);
  expect(take(rand([2], { engine, dtype: 'float64' }))).toEqual(TORCH.rand64);
  expectClose(take(randn([3], { engine })), TORCH.few, 1e-6);
  expectClose(take(randn([2], { engine, dtype: 'float64' })), TORCH.few64, 1e-14);
  expectClose(take(randn([19], { engine })), TORCH.many, 2e-6);
});

test('seeds count modulo 2^32, negative ones too', () => {
  expect(first(5489)).toBe(3499211612); // the value that the authors of MT19937 publish
  expect(first(2 ** 32 + 5489)).toBe(first(5489));
  expect(first(-1)).toBe(first(2 ** 32 - 1));
});

test('a generator of its own does not touch the default one', () => {
  manualSeed(3);
  const expected = take(rand([4], { engine }));
  manualSeed(3);
  const generator = createGenerator(99);
  const own = take(rand([4], { engine, generator }));
  expect(own).not.toEqual(expected);
  expect(take(rand([4], { engine }))).toEqual(expected);
  generator.seed(99);
  expect(take(rand([4], { engine, generator }))).toEqual(own);
  expect(generator.initialSeed).toBe(99);
});

test('manualSeed gives the default generator, whose sequence goes on wherever it is drawn from', () => {
  const generator = manualSeed(3);
  const expected = take(rand([4], { engine }));
  expect(manualSeed(3)).toBe(generator);
  expect([generator.uniformFloat32(), ...take(rand([2], { engine })), generator.uniformFloat32()]).toEqual(expected);
  generator.seed(3);
  expect(take(rand([4], { engine }))).toEqual(expected);
  const t = zeros([4], { engine });
  expect(take(initializers.uniform_(t, 0, 1, { generator: generator.seed(3) }))).toEqual(expected);
});

test('an unseeded generator is seeded at random', () => {
  const draws = new Set(Array.from({ length: 8 }, () => createGenerator().nextUint32()));
  expect(draws.size).toBeGreaterThan(1);
});

test('initialisers', () => {
  const t = zeros([64, 9], { engine });
  const before = t.storage.version;
  expect(initializers.constant_(t, -2)).toBe(t);
  expect(t.storage.version).toBeGreaterThan(before);
  expect(new Set(t.toTypedArray())).toEqual(new Set([-2]));
  const generator = createGenerator(1);
  initializers.uniform_(t, 2, 3, { generator });
  const uniform = t.toTypedArray();
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...uniform)).toBeLessThan(3);
  initializers.kaimingUniform_(t, { nonlinearity: 'relu', generator });
  const bound = Math.SQRT2 * Math.sqrt(3 / 9);
  const kaiming = t.toTypedArray().map(Math.abs);
  expect(Math.max(...kaiming)).toBeLessThanOrEqual(bound);
  expect(Math.max(...kaiming)).toBeGreaterThan(0.95 * bound);
  initializers.normal_(t, 10, 0.5, { generator });
  const normal = [...t.toTypedArray()];
  const mean = normal.reduce((sum, x) => sum + x, 0) / normal.length;
  const deviation = Math.sqrt(normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length);
  expect(mean).toBeCloseTo(10, 1);
  expect(deviation).toBeCloseTo(0.5, 1);
  t.dispose();
});

test('a range that the dtype does not hold, as PyTorch refuses it', () => {
  for (const [dtype, bound] of [
    ['float16', 40_000],
    ['float32', 3e38],
    ['float64', 1.7e308],
  ] as const) {
    const t = zeros([3], { engine, dtype });
    expect(() => initializers.uniform_(t, -bound, bound)).toThrow(ArgumentError);
    expect(t.toArray()).toEqual([0, 0, 0]);
    initializers.uniform_(t, 0, bound);
    expect((t.toArray() as number[]).every(Number.isFinite)).toBe(true);
    initializers.constant_(t, 0.5);
    expect(t.toArray()).toEqual([0.5, 0.5, 0.5]);
    t.dispose();
  }
});

test('arguments', () => {
  expect(() => manualSeed(1.5)).toThrow(ArgumentError);
  expect(() => manualSeed('7' as never)).toThrow(TypeError);
  expect(() => rand([2], { engine, generator: {} as never })).toThrow(TypeError);
  expect(() => rand([-1], { engine })).toThrow(ArgumentError);
  const t = zeros([3], { engine });
  expect(() => initializers.kaimingUniform_(t)).toThrow(/at least 2 axes/);
  expect(() => initializers.uniform_(t, 1, 0)).toThrow(ArgumentError);
  t.dispose();
  expect(engine.memory.tensors).toBe(0);
});
