/** Runs suites one after another. What fails is noted: the rest of a long run is worth keeping. */

import type { Bench } from '../bench.ts';
import type { Layer } from '../layers.ts';
import { ratioTo, speed } from '../metrics.ts';
import type { Operation } from '../peers/peer.ts';
import { OPERATIONS } from '../peers/peer.ts';
import type { DecoderResult, LayerResult, Report, TrainingResult } from '../results.ts';
import { benchDecoder, DECODERS } from './decoders.ts';
import { benchLayer } from './layer.ts';
import { benchTraining } from './training.ts';

const FORWARD: readonly Operation[] = ['endToEnd', 'resident'];
/** The one that convolutions and decoders are timed beside. */
const PEER = 'onnxruntime-web';
/** Of the time per layer: convolutions have fewer operations and one library. */
const CONV_BUDGET = 0.4;

/** What is to be timed. */
export interface Work {
  readonly layers: readonly Layer[];
  readonly convolutions: readonly Layer[];
  readonly decoders: boolean;
  readonly training: boolean;
}

export type SuiteResults = Pick<Report, 'layers' | 'convolutions' | 'decoders' | 'training' | 'failures'>;

export async function runSuites(work: Work, bench: Bench): Promise<SuiteResults> {
  const failures: string[] = [];
  const each = <T, R extends Result>(items: readonly T[], measure: (item: T) => Promise<R>): Promise<R[]> =>
    measureEach(items, measure, failures);
  const peer = bench.libraries.get(PEER);
  const besidePeer = {
    ...bench,
    libraries: new Map(peer === undefined ? [] : [[PEER, peer]]),
    budgetMs: CONV_BUDGET * bench.budgetMs,
  };
  return {
    layers: await each(work.layers, (layer) => benchLayer(layer, OPERATIONS, bench)),
    convolutions: await each(work.convolutions, (layer) => benchLayer(layer, FORWARD, besidePeer)),
    decoders:
      work.decoders && peer !== undefined
        ? await each(DECODERS, (decoder) => benchDecoder(decoder(), peer, bench))
        : [],
    training: work.training ? await each([bench], benchTraining) : [],
    failures,
  };
}

type Result = LayerResult | DecoderResult | TrainingResult;

async function measureEach<T, R extends Result>(
  items: readonly T[],
  measure: (item: T) => Promise<R>,
  failures: string[],
): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) {
    try {
      const result = await measure(item);
      results.push(result);
      console.error(progressLine(result));
    } catch (error) {
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failures.push(failure);
      console.error(failure);
    }
  }
  return results;
}

function progressLine(result: Result): string {
  const name = result.name.padEnd(26);
  if (!('peers' in result)) return `${name} ${result.upconv.medianMs.toFixed(0)} ms`;
  const speeds = OPERATIONS.map((operation) => speed(result, operation)?.toFixed(1) ?? '–');
  const ratios = Object.keys(result.peers).flatMap((peer) => {
    const ratio = ratioTo(peer, result, 'endToEnd');
    return ratio === undefined ? [] : [`${peer} ${ratio.toFixed(2)}`];
  });
  return `${name} ${speeds.join(' / ')} GFLOP/s; ${ratios.join(', ')}`;
}
