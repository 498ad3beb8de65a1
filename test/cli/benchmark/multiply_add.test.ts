import { describe, expect, test } from 'vitest';
import { FUSED, SEPARATE, multiplyAddModule } from '../../../src/cli/benchmark/multiply_add_module.ts';
import { Peak } from '../../../src/cli/benchmark/peak.ts';

/** The same chains in JavaScript; every value below is exact in float32. */
function expected(kind: 'fused' | 'separate', chains: number, iterations: number, seed: number): number {
  let [x, z] = [seed, seed * -0.5];
  const sums = Array.from({ length: chains }, (_, index) => seed + index);
  for (let i = 0; i < iterations; i++) {
    for (let chain = 0; chain < chains; chain++) {
      const factor = kind === 'fused' ? seed / 2 : seed / 2 ** (1 + (chain % 4));
      sums[chain] += (kind === 'fused' || chain < chains / 2 ? x : z) * factor;
    }
    if (kind === 'separate') [x, z] = [z, x];
  }
  return sums.reduce((sum, value) => sum + value, 0);
}

async function run(kind: 'fused' | 'separate', iterations: number, seed: number): Promise<number> {
  const { instance } = await WebAssembly.instantiate(multiplyAddModule(kind === 'fused' ? FUSED : SEPARATE));
  return (instance.exports['run'] as (iterations: number, seed: number) => number)(iterations, seed);
}

describe.each([FUSED, SEPARATE])('$kind', ({ kind, chains, flopsPerIteration }) => {
  test.each([1, 2, 3, 8])('%i iterations add every product to its chain', async (iterations) => {
    expect(await run(kind, iterations, 0.5)).toBe(expected(kind, chains, iterations, 0.5));
    expect(await run(kind, iterations, 2)).toBe(expected(kind, chains, iterations, 2));
  });

  test('four lanes of a product and a sum per chain', () => {
    expect(flopsPerIteration).toBe(chains * 4 * 2);
  });
});

test('a peak is the median of its samples', async () => {
  const peak = await Peak.create('relaxed');
  peak.sample();
  expect(peak.least).toBeGreaterThan(0);
  expect(peak.gflops).toBeGreaterThanOrEqual(peak.least);
  expect(peak.most).toBeGreaterThanOrEqual(peak.gflops);
});
