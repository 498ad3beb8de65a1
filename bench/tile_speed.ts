/**
 * What the micro-kernel does on operands in the first cache. Beside the peak it tells whether the core is ours: another
 * hardware thread on it takes half of the instructions per cycle, which multiply-adds in registers hardly notice.
 */

import { instantiateAssembly } from './compile_assembly.ts';
import { timeSample } from './peak.ts';

interface TileExports {
  flopsPerRound(mr: number): number;
  bytes(): number;
  run(rounds: number, mr: number, ptr: number): void;
}

const PAGE_BYTES = 65536;
/** Any multiple of a cache line does. */
const START = 64;
const WARM_UP_CALLS = 200;

export class TileSpeed {
  readonly #exports: TileExports;
  readonly #mr: number;

  private constructor(exports: TileExports, mr: number) {
    this.#exports = exports;
    this.#mr = mr;
  }

  /** @param mr height of the micro-kernel */
  static async create(variant: 'simd' | 'relaxed', mr: number): Promise<TileSpeed> {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const exports = (await instantiateAssembly('tiles', variant, memory)) as unknown as TileExports;
    if (START + exports.bytes() > PAGE_BYTES)
      throw new Error('the tiles of bench/assembly/tiles.ts need a larger memory');
    for (let call = 0; call < WARM_UP_CALLS; call++) exports.run(1, mr, START);
    return new TileSpeed(exports, mr);
  }

  /** Takes one sample: milliseconds of `SAMPLE_FLOPS` operations. */
  time(): number {
    const flops = this.#exports.flopsPerRound(this.#mr);
    return timeSample(flops, (rounds) => this.#exports.run(rounds, this.#mr, START));
  }
}
