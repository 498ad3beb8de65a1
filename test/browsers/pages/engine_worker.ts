/** A worker of an application, with an engine in it. */

import { convTranspose2d, convTranspose2dSync, createEngine } from '../../../src/index.ts';
import type { EngineInfo } from '../../../src/index.ts';
import type { OwnedTypedArray } from '../../../src/core/dtype.ts';
import { random } from '../../support/in_flight.ts';

export interface EngineWorkerReport {
  readonly info: EngineInfo;
  readonly sync: OwnedTypedArray;
  readonly promised: OwnedTypedArray;
}

const OPTIONS = { stride: 2, padding: 1 };

addEventListener('message', ({ data: threads }: MessageEvent<number>) => {
  void (async () => {
    const engine = await createEngine({ threads });
    const [x, w] = [random(engine, [1, 64, 24, 24], 1), random(engine, [64, 32, 4, 4], 2)];
    const sync = convTranspose2dSync(x, w, null, OPTIONS).toTypedArray();
    const promised = (await convTranspose2d(x, w, null, OPTIONS)).toTypedArray();
    const { info } = engine;
    engine.dispose();
    postMessage({ info, sync, promised } satisfies EngineWorkerReport);
  })();
});
