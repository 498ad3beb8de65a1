/** What a Sync call costs beside its kernels: arguments, cached plan, allocation, views. */

import { timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { Layer } from '../layers.ts';
import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Dispatch } from './dispatch.ts';
import { measureDispatch } from './dispatch.ts';
import { placeBackward, placeForward } from './placed_plan.ts';

/** So little arithmetic that what is beside it can be seen. */
const LAYER: Layer = {
  name: 'tiny',
  model: '',
  source: '',
  dims: 2,
  batch: 1,
  cin: 8,
  cout: 8,
  kernel: [2, 2],
  stride: [2, 2],
  padding: [0, 0],
  outputPadding: [0, 0],
  groups: 1,
  dilation: [1, 1],
  input: [4, 8],
};
const CALLS_PER_SAMPLE = 200;
const SAMPLES = 150;

export interface Overheads extends Dispatch {
  /** Microseconds of a call. */
  readonly forward: number;
  readonly backward: number;
  /** `createEngine({ threads: 2 })`, milliseconds. */
  readonly threadedInitMs: number;
}

export async function overheads(): Promise<Overheads> {
  const { upconv } = await import('../built_package.ts');
  const started = performance.now();
  const threaded = await upconv.createEngine({ threads: 2 });
  const threadedInitMs = performance.now() - started;
  threaded.dispose();
  const engine = await upconv.createEngine({ threads: 1 });
  const data = randomData(LAYER);
  const calls = new LayerCalls(upconv, engine, data);
  const [forward, backward] = [await placeForward(data), await placeBackward(data)];
  return {
    forward: difference(() => calls.forward().dispose(), forward.run),
    backward: difference(() => calls.backward(), backward.run),
    threadedInitMs,
    ...(await measureDispatch()),
  };
}

/** Microseconds that the first takes longer than the second at their best: interruptions only add. */
function difference(call: () => void, kernels: () => void): number {
  const sample = (what: () => void): number =>
    timeOf(() => {
      for (let i = 0; i < CALLS_PER_SAMPLE; i++) what();
    });
  let [whole, inKernels] = [Infinity, Infinity];
  for (let i = 0; i < SAMPLES; i++) {
    whole = Math.min(whole, sample(call));
    inKernels = Math.min(inKernels, sample(kernels));
  }
  return (1000 * (whole - inKernels)) / CALLS_PER_SAMPLE;
}
