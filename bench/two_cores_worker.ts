/** The other core of two_cores.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { Peak } from './peak.ts';
import type { OtherCore } from './two_cores.ts';
import { GO, IDLE, RUNNING } from './two_cores.ts';

const { state, variant } = workerData as OtherCore;
const peak = await Peak.create(variant);
parentPort!.postMessage('ready', []);
for (;;) {
  Atomics.wait(state, 0, IDLE);
  if (Atomics.load(state, 0) !== GO) continue;
  Atomics.store(state, 0, RUNNING);
  while (Atomics.load(state, 0) === RUNNING) peak.time();
  Atomics.store(state, 0, IDLE);
  Atomics.notify(state, 0);
}
