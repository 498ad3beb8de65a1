/** Everything that is measured of one layer: ours and the other libraries in turns. */

import type { Subject, Timing } from '../../src/cli/benchmark/interleave.ts';
import { interleave, timeOf, timesFaster } from '../../src/cli/benchmark/interleave.ts';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Bench } from '../bench.ts';
import { disagreement } from '../checks/agreement.ts';
import { errorAgainstDefinition } from '../checks/definition.ts';
import type { Layer } from '../layers.ts';
import { flopsOf, isLarge, shapesOf, sizeOf } from '../layers.ts';
import type { PlanChoice } from '../plans.ts';
import { backwardPlan, forwardPlan, scratchBytes } from '../plans.ts';
import type { Operation, Peer, Results } from '../peers/peer.ts';
import type { LayerResult, PeerFailure, PeerResult, Timings } from '../results.ts';
import type { ChannelsLast } from './channels_last.ts';
import { CHANNELS_LAST, openChannelsLast } from './channels_last.ts';

const TWO_THREADS = 'upconv x2';
const ON_TWO_THREADS: ReadonlySet<Operation> = new Set(['endToEnd', 'resident', 'forwardBackward']);
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** @param operations what is timed, of ours and of the others where they have it */
export async function benchLayer(layer: Layer, operations: readonly Operation[], bench: Bench): Promise<LayerResult> {
  const data = randomData(layer);
  const ours = new LayerCalls(bench.upconv, bench.engine, data, bench.algorithm);
  const threaded = new LayerCalls(bench.upconv, bench.threadedEngine, data, bench.algorithm);
  const threadedOperations = operations.filter((operation) => ON_TWO_THREADS.has(operation));
  const peers = new Map<string, OpenPeer>();
  let channelsLast: ChannelsLast | null = null;
  try {
    const expected = compute(ours, operations);
    channelsLast = openChannelsLast(data, expected.output, bench);
    const failures = await openPeers(peers, data, bench.libraries);
    const { input, weight, output } = shapesOf(layer);
    const [readBytes, writeBytes] = [sizeOf(input) + sizeOf(weight), sizeOf(output)].map((size) => size * FLOAT_BYTES);
    const subjects: Subject[] = [
      ...oursAsSubjects('upconv', ours, operations, bench.repetitions),
      ...oursAsSubjects(TWO_THREADS, threaded, threadedOperations, bench.repetitions),
      ...(channelsLast === null ? [] : [channelsLast.subject]),
      ...[...peers].flatMap(([name, peer]) =>
        peerSubjects(name, peer, operations, peerRepetitions(layer, peer, bench)),
      ),
      { name: 'stream', repetitions: bench.repetitions, time: () => bench.bandwidth.time(readBytes, writeBytes) },
      { name: 'peak', repetitions: bench.repetitions, time: () => bench.peak.time() },
      { name: 'tiles', repetitions: bench.repetitions, time: () => bench.tileSpeed.time() },
      { name: 'two cores', repetitions: bench.repetitions, time: () => bench.twoCores.time() },
    ];
    const timings = await interleave(subjects, bench.budgetMs);
    const timingOf = (name: string): Timing => timings.get(name) as Timing;
    return {
      name: layer.name,
      model: layer.model,
      cin: layer.cin,
      cout: layer.cout,
      flops: flopsOf(layer),
      isLarge: isLarge(layer),
      upconv: timingsOf('upconv', timings, operations),
      twoThreads: timingsOf(TWO_THREADS, timings, threadedOperations),
      channelsLast: timings.get(CHANNELS_LAST),
      errorInBounds: Math.max(
        ...names(expected).map((name) => errorAgainstDefinition(name, expected[name] ?? [], data)),
      ),
      workspaceBytes: workspaceOf(layer, bench),
      columnBytes: columnBytes(layer),
      streamMs: timingOf('stream').medianMs,
      secondCore: 2 * timesFaster(timingOf('two cores'), timingOf('peak')),
      peak: timingOf('peak'),
      tiles: timingOf('tiles'),
      peers: { ...failures, ...(await peerResults(peers, timings, operations, layer, expected)) },
    };
  } finally {
    for (const { peer } of peers.values()) await peer.close();
    channelsLast?.dispose();
    ours.dispose();
    threaded.dispose();
    bench.engine.trim();
    bench.threadedEngine.trim();
  }
}

/** A peer, and why it stopped, if it did. */
interface OpenPeer {
  readonly peer: Peer;
  readonly isSlow: boolean;
  failure?: string;
}

async function openPeers(
  opened: Map<string, OpenPeer>,
  data: LayerData,
  libraries: Bench['libraries'],
): Promise<Record<string, PeerFailure>> {
  const failures: Record<string, PeerFailure> = {};
  for (const [name, library] of libraries) {
    try {
      const peer = await library.open({ kind: 'layer', data });
      if (peer !== null) opened.set(name, { peer, isSlow: library.isSlow ?? false });
    } catch (error) {
      failures[name] = { failure: String(error) };
    }
  }
  return failures;
}

function peerRepetitions(layer: Layer, { isSlow }: OpenPeer, { repetitions }: Bench): number {
  return isSlow || isLarge(layer) ? 1 : repetitions;
}

function oursAsSubjects(
  who: string,
  ours: LayerCalls,
  operations: readonly Operation[],
  repetitions: number,
): Subject[] {
  const calls: Record<Operation, () => void> = {
    endToEnd: () => ours.forwardEndToEnd(),
    resident: () => ours.forward().dispose(),
    gradInput: () => ours.gradInput().dispose(),
    gradWeight: () => ours.gradWeight().dispose(),
    forwardBackward: () => ours.forwardBackward(),
  };
  return operations.map((operation) => ({
    name: subjectName(who, operation),
    repetitions,
    time: () => timeOf(calls[operation]),
  }));
}

/** A call that fails takes for ever; the others go on. */
function peerSubjects(
  name: string,
  opened: OpenPeer,
  operations: readonly Operation[],
  repetitions: number,
): Subject[] {
  return operations.flatMap((operation) => {
    const call = opened.peer.calls[operation];
    if (call === undefined) return [];
    const time = async (): Promise<number> => {
      if (opened.failure !== undefined) return Infinity;
      try {
        return await call.time();
      } catch (error) {
        opened.failure = String(error);
        return Infinity;
      }
    };
    return { name: subjectName(name, operation), repetitions, time };
  });
}

/** The results that were timed are the results that are checked. */
async function peerResults(
  peers: ReadonlyMap<string, OpenPeer>,
  timings: ReadonlyMap<string, Timing>,
  operations: readonly Operation[],
  layer: Layer,
  expected: Results,
): Promise<Record<string, PeerResult | PeerFailure>> {
  const results: Record<string, PeerResult | PeerFailure> = {};
  for (const [name, { peer, failure }] of peers) {
    if (failure !== undefined) {
      results[name] = { failure };
      continue;
    }
    let worst = 0;
    for (const operation of operations) {
      const call = peer.calls[operation];
      if (call !== undefined) worst = Math.max(worst, disagreement(layer, await call.results(), expected));
    }
    results[name] = { timings: timingsOf(name, timings, operations), disagreement: worst };
  }
  return results;
}

function subjectName(who: string, operation: Operation): string {
  return `${who}: ${operation}`;
}

function timingsOf(who: string, timings: ReadonlyMap<string, Timing>, operations: readonly Operation[]): Timings {
  return Object.fromEntries(
    operations.flatMap((operation) => {
      const timing = timings.get(subjectName(who, operation));
      return timing === undefined ? [] : [[operation, timing]];
    }),
  );
}

/** Of one thread; the engine takes what plans say. */
function workspaceOf(layer: Layer, { engine, algorithm }: Bench): LayerResult['workspaceBytes'] {
  const { kernelSet, forcedMr, info } = engine;
  const choice = { kernelSet, microkernel: forcedMr === null ? undefined : info.microkernel };
  const forward = scratchBytes(forwardPlan(layer, { ...choice, algorithm }));
  const direct = { ...choice, algorithm: 'direct' } as const;
  return {
    forward,
    backward: scratchOfGradients(layer, choice),
    direct: Math.max(scratchBytes(forwardPlan(layer, direct)), scratchOfGradients(layer, direct)),
  };
}

/** Of the larger of gradInput and gradWeight. */
function scratchOfGradients(layer: Layer, choice: PlanChoice): number {
  const masks = [
    [true, false, false],
    [false, true, false],
  ] as const;
  return Math.max(...masks.map((mask) => scratchBytes(backwardPlan(layer, choice, mask))));
}

function compute(ours: LayerCalls, operations: readonly Operation[]): Results {
  const output = ours.forwardEndToEnd();
  if (!operations.includes('forwardBackward')) return { output };
  const [gradInput, gradWeight] = [ours.gradInput(), ours.gradWeight()].map((tensor) => {
    const numbers = tensor.toTypedArray() as Float32Array;
    tensor.dispose();
    return numbers;
  });
  return { output, gradInput, gradWeight };
}

function names(results: Results): (keyof Results)[] {
  return Object.keys(results) as (keyof Results)[];
}

/** The matrix between GEMM and col2im, or between im2col and GEMM; none where each weight meets one pixel. */
function columnBytes(layer: Layer): number {
  const { kind, cin, cout, groups, kernel, stride } = layer;
  const taps = sizeOf(kernel);
  if (taps === 1 && stride.every((step) => step === 1)) return 0;
  const { input, output } = shapesOf(layer);
  const [channels, positions] = kind === 'conv' ? [cin, output.slice(2)] : [cout, input.slice(2)];
  return (channels / groups) * taps * sizeOf(positions) * FLOAT_BYTES;
}
