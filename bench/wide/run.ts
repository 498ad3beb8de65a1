/**
 * `npm run bench:wide`: the forward pass with and without transforms, with 128 and 256 bits, beside native libraries, and
 * its errors.
 *
 *   node bench/wide/run.ts [--layers LIST] [--budget SECONDS per layer] [--output FOLDER]
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Subject } from '../../src/cli/benchmark/interleave.ts';
import { interleave } from '../../src/cli/benchmark/interleave.ts';
import { randomData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Layer } from '../layers.ts';
import { flopsOf, isLarge, loadLayers, selectLayers } from '../layers.ts';
import { describeCommit, describeMachine, loadAtStart, today } from '../machine.ts';
import type { LibraryName } from '../peers/libraries.ts';
import { loadLibrary } from '../peers/libraries.ts';
import type { Library, Operation, Peer } from '../peers/peer.ts';
import type { EngineProcess } from './engines.ts';
import { startEngine } from './engines.ts';
import type { TimedLayer } from './report.ts';
import { wideReport } from './report.ts';

const REPETITIONS = 3;
/** Native ones, with what each is timed at. */
const PEERS: readonly (readonly [LibraryName, Operation])[] = [
  ['onnxruntime-node', 'endToEnd'],
  ['PyTorch', 'resident'],
];

async function timeLayer(
  layer: Layer,
  engines: Readonly<Record<'128' | '256', EngineProcess>>,
  libraries: ReadonlyMap<LibraryName, Library>,
  budgetMs: number,
): Promise<TimedLayer> {
  const { algorithms, errors } = await engines['128'].open(layer, true);
  await engines['256'].open(layer, false);
  const subjects: Subject[] = [];
  for (const [bits, engine] of Object.entries(engines)) {
    for (const name of algorithms) {
      subjects.push({ name: `${name} ${bits}`, repetitions: REPETITIONS, time: () => engine.time(name, false) });
    }
    subjects.push({ name: `end to end ${bits}`, repetitions: REPETITIONS, time: () => engine.time('auto', true) });
  }
  const peers: Peer[] = [];
  const data = randomData(layer);
  for (const [name, operation] of PEERS) {
    const peer = await libraries.get(name)?.open({ kind: 'layer', data });
    if (peer) peers.push(peer);
    const time = peer?.calls[operation]?.time;
    if (time) subjects.push({ name, repetitions: REPETITIONS, time });
  }
  const timings = await interleave(subjects, budgetMs);
  for (const peer of peers) await peer.close();
  const speeds = [...timings].map(([name, { medianMs }]) => [name, flopsOf(layer) / medianMs / 1e6]);
  return { layer, errors, speeds: Object.fromEntries(speeds) as TimedLayer['speeds'] };
}

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '' },
    budget: { type: 'string', default: '4' },
    output: { type: 'string', default: fileURLToPath(new URL('../reports/', import.meta.url)) },
  },
});
const names = values.layers.split(',').filter((name) => name !== '');
const layers = selectLayers(loadLayers(), names).filter((layer) => !isLarge(layer));
const load = loadAtStart();
const engines = { '128': await startEngine(false), '256': await startEngine(true) };
const libraries = new Map<LibraryName, Library>();
for (const [name] of PEERS) {
  try {
    libraries.set(name, await loadLibrary(name));
  } catch (error) {
    console.error(`${name} is missing: ${String(error)}`);
  }
}
const timed: TimedLayer[] = [];
for (const layer of layers) {
  timed.push(await timeLayer(layer, engines, libraries, Number(values.budget) * 1000));
  console.error(layer.name);
}
const report = wideReport(timed, {
  machine: describeMachine(),
  date: today(),
  commit: describeCommit(),
  load,
  info: engines['256'].info,
});
if (names.length === 0) {
  mkdirSync(values.output, { recursive: true });
  writeFileSync(join(values.output, 'wide.md'), report);
}
console.log(report);
for (const engine of Object.values(engines)) engine.close();
for (const library of libraries.values()) await library.close?.();
