/** The yardstick: multiply-adds per second of one core in this run, without memory. */

import { readFileSync } from 'node:fs';
import { main as compileAssembly } from 'assemblyscript/asc';
import { median } from './statistics.ts';

interface PeakExports {
  fused(iterations: number, seed: number): number;
  separate(iterations: number, seed: number): number;
}

/** Operations of one iteration, see peak/multiply_add.ts. */
const FLOPS = { fused: 96, separate: 64 } as const;
const SAMPLE_FLOPS = 300e6;
const SAMPLES = 3;
/** Calls until the optimising compiler has replaced the first code. */
const WARM_UP_CALLS = 100;

async function compile(): Promise<PeakExports> {
  let wasm: Uint8Array<ArrayBuffer> | null = null;
  const source = readFileSync(new URL('peak/multiply_add.ts', import.meta.url), 'utf8');
  const { error } = await compileAssembly(
    ['peak.ts', '--outFile', 'peak.wasm', '--enable', 'simd,relaxed-simd', '--runtime', 'stub', '-O3'],
    {
      readFile: (name) => (name === 'peak.ts' ? source : null),
      writeFile: (name, content) => {
        if (name === 'peak.wasm') wasm = content as Uint8Array<ArrayBuffer>;
      },
    },
  );
  if (error !== null || wasm === null) throw new Error('peak/multiply_add.ts does not compile', { cause: error });
  const { instance } = await WebAssembly.instantiate(wasm);
  return instance.exports as unknown as PeakExports;
}

/** Measures again whenever it is asked, because the clock of the machine moves. */
export class Peak {
  readonly #exports: PeakExports;
  readonly #kind: keyof typeof FLOPS;
  readonly #gflops: number[] = [];

  private constructor(exports: PeakExports, kind: keyof typeof FLOPS) {
    this.#exports = exports;
    this.#kind = kind;
  }

  /** @param variant relaxed: one fused instruction; simd: a multiplication and an addition */
  static async create(variant: 'simd' | 'relaxed'): Promise<Peak> {
    const peak = new Peak(await compile(), variant === 'relaxed' ? 'fused' : 'separate');
    for (let call = 0; call < WARM_UP_CALLS; call++) peak.#exports[peak.#kind](10_000, 0.5);
    return peak;
  }

  /** Takes a few samples of some milliseconds. */
  sample(): void {
    const iterations = Math.round(SAMPLE_FLOPS / FLOPS[this.#kind]);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const started = performance.now();
      this.#exports[this.#kind](iterations, 0.5);
      const milliseconds = performance.now() - started;
      this.#gflops.push((iterations * FLOPS[this.#kind]) / milliseconds / 1e6);
    }
  }

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
