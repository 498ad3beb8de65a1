/** The yardstick: multiply-adds per second of one core in this run, without memory. */

import { timeOf } from './interleave.ts';
import { FUSED, SEPARATE, multiplyAddModule, type MultiplyAdd } from './multiply_add_module.ts';
import { median } from './statistics.ts';

type Run = (iterations: number, seed: number) => number;

export const SAMPLE_FLOPS = 300e6;
const SAMPLES = 3;
/** Calls until the optimising compiler has replaced the first code. */
const WARM_UP_CALLS = 100;
const WARM_UP_ITERATIONS = 10_000;

/** Milliseconds of `SAMPLE_FLOPS` operations, of which an iteration of `run` does so many. */
export function timeSample(flopsPerIteration: number, run: (iterations: number) => void): number {
  const iterations = Math.round(SAMPLE_FLOPS / flopsPerIteration);
  const ms = timeOf(() => {
    run(iterations);
  });
  return (ms * SAMPLE_FLOPS) / (iterations * flopsPerIteration);
}

/** Measures again whenever it is asked, because the clock of the machine moves. */
export class Peak {
  readonly #run: Run;
  readonly #flopsPerIteration: number;
  readonly #gflops: number[] = [];

  private constructor(run: Run, { flopsPerIteration }: MultiplyAdd) {
    this.#run = run;
    this.#flopsPerIteration = flopsPerIteration;
  }

  /** @param kernelSet relaxed: one fused instruction; simd: a multiplication and an addition */
  static async create(kernelSet: 'simd' | 'relaxed'): Promise<Peak> {
    const loop = kernelSet === 'relaxed' ? FUSED : SEPARATE;
    const { instance } = await WebAssembly.instantiate(multiplyAddModule(loop));
    const run = instance.exports['run'] as Run;
    for (let call = 0; call < WARM_UP_CALLS; call++) run(WARM_UP_ITERATIONS, 0.5);
    return new Peak(run, loop);
  }

  /** Takes a few samples. */
  sample(): void {
    for (let sample = 0; sample < SAMPLES; sample++) this.time();
  }

  /** Takes one sample: milliseconds of `SAMPLE_FLOPS` operations. */
  time(): number {
    const milliseconds = timeSample(this.#flopsPerIteration, (iterations) => this.#run(iterations, 0.5));
    this.#gflops.push(SAMPLE_FLOPS / milliseconds / 1e6);
    return milliseconds;
  }

  /** Median of the samples, GFLOP/s. */
  get gflops(): number {
    return median(this.#gflops);
  }

  get least(): number {
    return Math.min(...this.#gflops);
  }

  get most(): number {
    return Math.max(...this.#gflops);
  }
}
