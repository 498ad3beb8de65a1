/** Results as a run would have found them. */

import { SAMPLE_FLOPS } from '../../../bench/peak.ts';
import type { Timing } from '../../../src/cli/benchmark/interleave.ts';
import type { LayerResult, PeerFailure, PeerResult, Report, Timings } from '../../../bench/results.ts';

export function timing(medianMs: number): Timing {
  return { medianMs, bestMs: medianMs, calls: 3, turnMs: [medianMs, medianMs, medianMs] };
}

/** A yardstick at so many GFLOP/s. */
export function yardstick(gflops: number): Timing {
  return timing(SAMPLE_FLOPS / gflops / 1e6);
}

export function timings(milliseconds: Readonly<Record<string, number>>): Timings {
  return Object.fromEntries(Object.entries(milliseconds).map(([name, value]) => [name, timing(value)]));
}

export function peer(milliseconds: Readonly<Record<string, number>>, disagreement = 0.1): PeerResult {
  return { timings: timings(milliseconds), disagreement };
}

/** A layer of 100 MFLOP at 50 GFLOP/s in every operation. */
export function layerResult(
  name: string,
  peers: Readonly<Record<string, PeerResult | PeerFailure>> = {},
  other: Partial<LayerResult> = {},
): LayerResult {
  return {
    name,
    model: `model of ${name}`,
    cin: 64,
    cout: 32,
    flops: 100e6,
    isLarge: false,
    upconv: timings({ endToEnd: 2.5, resident: 2, gradInput: 2, gradWeight: 2, forwardBackward: 6 }),
    twoThreads: {},
    errorInBounds: 0.1,
    workspaceBytes: { forward: 2 ** 20, backward: 2 ** 19 },
    columnBytes: 8 * 2 ** 20,
    streamMs: 0.5,
    peak: yardstick(60),
    peers,
    ...other,
  };
}

export function report(other: Partial<Report> = {}): Report {
  return {
    date: '2026-01-02',
    commit: 'abc1234',
    machine: { cpu: 'a processor', cores: 2, memoryGib: 8, system: 'an OS' },
    node: '26.0.0',
    libraries: {},
    missing: {},
    variant: 'relaxed',
    microkernel: 'chosen by the plan',
    loadAverageAtStart: 0.1,
    seconds: 600,
    secondsPerLayer: 5,
    repetitions: 3,
    peak: { median: 60, least: 55, most: 61 },
    bandwidth: [{ bytes: 2 ** 20, gbPerSecond: 40 }],
    layers: [],
    convolutions: [],
    decoders: [],
    training: [],
    firstCalls: null,
    failures: [],
    ...other,
  };
}
