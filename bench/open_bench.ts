/** Makes what the suites work with: an engine, the yardsticks, the other libraries. */

import { Bandwidth } from './bandwidth.ts';
import type { Bench } from './bench.ts';
import { upconv } from './built_package.ts';
import type { BenchOptions } from './options.ts';
import { Peak } from './peak.ts';
import { loadLibrary } from './peers/libraries.ts';
import type { Library } from './peers/peer.ts';
import { TileSpeed } from './tile_speed.ts';
import { TwoCores } from './two_cores.ts';

export interface OpenBench {
  readonly bench: Bench;
  /** Why a library is not there, by name. */
  readonly missing: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

export async function openBench(options: BenchOptions): Promise<OpenBench> {
  const { peers, variant, microkernel, algorithm, budget, repetitions } = options;
  const engineOptions = {
    numerics: variant === 'simd' ? 'portable' : 'fast',
    ...(microkernel === undefined ? {} : { microkernel }),
  } as const;
  const engine = await upconv.createEngine({ ...engineOptions, threads: 1 });
  const threadedEngine = await upconv.createEngine({ ...engineOptions, threads: 2 });
  const peak = await Peak.create(variant);
  peak.sample();
  const [tileSpeed, bandwidth] = await Promise.all([
    TileSpeed.create(variant, Number.parseInt(engine.info.microkernel, 10)),
    Bandwidth.create(),
  ]);
  const twoCores = await TwoCores.create(variant);
  const libraries = new Map<string, Library>();
  const missing: Record<string, string> = {};
  for (const name of peers) {
    try {
      libraries.set(name, await loadLibrary(name));
    } catch (error) {
      missing[name] = String(error);
    }
  }
  return {
    bench: {
      upconv,
      engine,
      threadedEngine,
      peak,
      tileSpeed,
      bandwidth,
      twoCores,
      libraries,
      algorithm,
      budgetMs: budget * 1000,
      repetitions,
    },
    missing,
    async close() {
      for (const library of libraries.values()) await library.close?.();
      await twoCores.close();
      threadedEngine.dispose();
      engine.dispose();
    },
  };
}
