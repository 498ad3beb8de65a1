/** Run by each version of Node: speed of every micro-kernel in a matrix product that stays in cache. One line of JSON. */

import { interleave, timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { Package } from '../../src/cli/benchmark/layer_calls.ts';
import { Peak } from '../../src/cli/benchmark/peak.ts';
import { randomNumbers } from '../../src/cli/benchmark/random_numbers.ts';
import type { Engine } from '../../src/index.ts';

export interface VariantResult {
  readonly variant: string;
  /** Micro-kernel that the package chooses. */
  readonly chosen: string;
  /** GFLOP/s of the instructions that the variant has, in registers: the best sample, as below. */
  readonly peak: number;
  /** GFLOP/s by micro-kernel. */
  readonly microkernels: Readonly<Record<string, number>>;
}

export interface VersionResult {
  readonly node: string;
  readonly v8: string;
  readonly variants: readonly VariantResult[];
}

const MICROKERNELS = ['4x8', '5x8', '6x8'];
/** A multiple of every height. */
const [M, N, K] = [240, 256, 256];
const BUDGET_MS = 1500;

const upconv = (await import(process.argv[2])) as Package;

async function measureVariant(numerics: 'fast' | 'portable'): Promise<VariantResult> {
  const engines = new Map<string, Engine>();
  for (const microkernel of MICROKERNELS) {
    engines.set(microkernel, await upconv.createEngine({ threads: 1, numerics, microkernel }));
  }
  const standard = await upconv.createEngine({ threads: 1, numerics });
  const { variant, microkernel: chosen, relaxed } = standard.info;
  const peak = await Peak.create(relaxed ? 'relaxed' : 'simd');
  const subjects = [...engines].map(([name, engine]) => {
    const a = upconv.tensor(randomNumbers(M * K, 1), [M, K], { engine });
    const b = upconv.tensor(randomNumbers(K * N, 2), [K, N], { engine });
    return { name, repetitions: 20, time: () => timeOf(() => upconv.matmulSync(a, b).dispose()) };
  });
  peak.sample();
  const timings = await interleave(subjects, BUDGET_MS);
  peak.sample();
  const speeds = [...timings].map(([name, { bestMs }]) => [name, (2 * M * N * K) / bestMs / 1e6]);
  for (const engine of [standard, ...engines.values()]) engine.dispose();
  return { variant, chosen, peak: peak.most, microkernels: Object.fromEntries(speeds) as Record<string, number> };
}

const fast = await measureVariant('fast');
const portable = await measureVariant('portable');
const result: VersionResult = {
  node: process.versions.node,
  v8: process.versions.v8,
  // Without relaxed SIMD both are the plain variant.
  variants: fast.variant === portable.variant ? [portable] : [fast, portable],
};
console.log(JSON.stringify(result));
