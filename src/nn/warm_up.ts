/** Running something until the runtime has optimised it. */

import { now } from '../threading/platform.ts';

/** Runs: at least so many, then until it took as long as the runtime's first compiler tier lasts. */
const LEAST_WARM_UPS = 3;
const MOST_WARM_UPS = 50;
const WARM_UP_MS = 5;

/** False as well where the clock stands still. */
function warming(startedAt: number): boolean {
  const elapsed = now() - startedAt;
  return elapsed > 0 && elapsed < WARM_UP_MS;
}

/** Numbers of the runs, as many as there are to be. */
function* runs(): Generator<number> {
  const startedAt = now();
  for (let run = 0; run < LEAST_WARM_UPS || (run < MOST_WARM_UPS && warming(startedAt)); run++) yield run;
}

/** Runs `work` a few times, with or without a clock that moves. */
export async function warmUp(work: () => Promise<void>): Promise<void> {
  for (const _ of runs()) await work();
}

/** As `warmUp`, at once. */
export function warmUpSync(work: () => void): void {
  for (const _ of runs()) work();
}
