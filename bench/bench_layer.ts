/** Everything that is measured of one layer. */

import type { Engine } from '../src/index.ts';
import { errorAgainstDefinition } from './definition.ts';
import type { Layer } from './layers.ts';
import { flopsOf, isLarge } from './layers.ts';
import type { Subject, Timing } from '../src/cli/benchmark/interleave.ts';
import { interleave, timeOf } from '../src/cli/benchmark/interleave.ts';
import type { LayerData } from '../src/cli/benchmark/layer_calls.ts';
import { LayerCalls, randomData } from '../src/cli/benchmark/layer_calls.ts';
import type { BenchOptions } from './options.ts';
import type { Peer } from './peers/peer.ts';
import type { LayerResult, PeerResult } from './results.ts';
import { upconv } from './built_package.ts';

/** Opens a peer by name, for one layer. */
export type OpenPeer = (data: LayerData) => Promise<Peer>;

export async function benchLayer(
  layer: Layer,
  engine: Engine,
  peers: ReadonlyMap<string, OpenPeer>,
  options: BenchOptions,
): Promise<LayerResult> {
  const flops = flopsOf(layer);
  const data = randomData(layer);
  const ours = new LayerCalls(upconv, engine, data);
  const opened = new Map<string, Peer>();
  try {
    engine.resetPeak();
    const { output, errorInBounds } = check(ours, data);
    const peerResults: Record<string, PeerResult> = {};
    const errors = new Map<string, number>();
    for (const [name, open] of peers) {
      try {
        const peer = await open(data);
        opened.set(name, peer);
        errors.set(name, maxRelativeError(await peer.call(), output));
      } catch (error) {
        peerResults[name] = { failure: String(error) };
      }
    }
    const { repetitions } = options;
    const subject = (name: string, call: () => void): Subject => ({
      name,
      time: () => timeOf(call),
      repetitions,
    });
    const subjects: Subject[] = [
      subject('resident', () => ours.forward().dispose()),
      subject('endToEnd', () => void ours.forwardEndToEnd()),
      ...[...errors.keys()].map((name) => ({
        name,
        time: () => timeOf(async () => opened.get(name)?.call()),
        repetitions: isLarge(layer) ? 1 : repetitions,
      })),
      subject('gradInput', () => ours.gradInput().dispose()),
      subject('gradWeight', () => ours.gradWeight().dispose()),
      subject('forwardBackward', () => ours.forwardBackward()),
    ];
    const timings = await interleave(subjects, options.budget * 1000);
    const timing = (name: string): Timing => timings.get(name) as Timing;
    for (const [name, error] of errors) peerResults[name] = { ...timing(name), maxRelativeError: error };
    return {
      name: layer.name,
      model: layer.model,
      cin: layer.cin,
      cout: layer.cout,
      flops,
      resident: timing('resident'),
      endToEnd: timing('endToEnd'),
      gradInput: timing('gradInput'),
      gradWeight: timing('gradWeight'),
      forwardBackward: timing('forwardBackward'),
      workspaceBytes: engine.memory.bytesWorkspace,
      errorInBounds,
      peers: peerResults,
    };
  } finally {
    for (const peer of opened.values()) await peer.release();
    ours.dispose();
    engine.trim();
  }
}

function check(ours: LayerCalls, data: LayerData): { output: Float32Array; errorInBounds: number } {
  const output = ours.forwardEndToEnd();
  const gradInput = ours.gradInput();
  const gradWeight = ours.gradWeight();
  const errorInBounds = Math.max(
    errorAgainstDefinition('output', output, data),
    errorAgainstDefinition('gradInput', gradInput.data, data),
    errorAgainstDefinition('gradWeight', gradWeight.data, data),
  );
  gradInput.dispose();
  gradWeight.dispose();
  return { output, errorInBounds };
}

/** Largest difference, relative to the largest element; NaN for a result of another size or with a NaN. */
function maxRelativeError(result: Float32Array, expected: Float32Array): number {
  if (result.length !== expected.length) return NaN;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(result[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}
