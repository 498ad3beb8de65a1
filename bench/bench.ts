/** What every part of the benchmark works with. */

import type { Engine } from '../src/index.ts';
import type { Package } from '../src/cli/benchmark/layer_calls.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { Peak } from './peak.ts';
import type { Library } from './peers/peer.ts';
import type { TileSpeed } from './tile_speed.ts';
import type { TwoCores } from './two_cores.ts';

export interface Bench {
  readonly upconv: Package;
  /** One thread. */
  readonly engine: Engine;
  /** Two threads. */
  readonly threadedEngine: Engine;
  readonly peak: Peak;
  readonly tileSpeed: TileSpeed;
  readonly bandwidth: Bandwidth;
  readonly twoCores: TwoCores;
  /** Other libraries, by name. */
  readonly libraries: ReadonlyMap<string, Library>;
  /** Forces a path of the forward pass of transposed convolutions. */
  readonly algorithm?: string | undefined;
  /** Time for the turns of one layer; the least number of calls may take longer. */
  readonly budgetMs: number;
  /** Least number of timed calls. */
  readonly repetitions: number;
}
