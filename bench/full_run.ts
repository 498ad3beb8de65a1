/** A run of what was asked for, and the report of it. */

import type { Bench } from './bench.ts';
import { upconv } from './built_package.ts';
import { CONV_LAYERS } from './conv_layers.ts';
import type { Layer } from './layers.ts';
import { loadLayers, selectLayers, shapesOf } from './layers.ts';
import { describeCommit, describeMachine, loadAtStart, today } from './machine.ts';
import { openBench } from './open_bench.ts';
import type { BenchOptions, Suite } from './options.ts';
import type { Report } from './results.ts';
import type { Work } from './suites/all.ts';
import { runSuites } from './suites/all.ts';
import { benchFirstCalls } from './suites/first_calls.ts';
import { UsageError } from './usage_error.ts';

const BANDWIDTH_BYTES = [2 ** 20, 16 * 2 ** 20, 256 * 2 ** 20];
const BANDWIDTH_SAMPLES = 10;

/** @throws {UsageError} when there is nothing to be timed */
export async function fullRun(options: BenchOptions): Promise<Report> {
  const started = performance.now();
  const loadAverageAtStart = loadAtStart();
  const work = chooseWork(options);
  // Before the other libraries are loaded: this one starts processes.
  const firstCalls = isWanted('first-calls', options) ? benchFirstCalls() : null;
  const { bench, missing, close } = await openBench(options);
  try {
    const bandwidth = BANDWIDTH_BYTES.map((bytes) => ({ bytes, gbPerSecond: bandwidthAt(bench, bytes) }));
    const results = await runSuites(work, bench);
    const { peak, libraries, engine } = bench;
    return {
      date: today(),
      commit: describeCommit(),
      machine: describeMachine(),
      node: process.versions.node,
      libraries: Object.fromEntries([...libraries].map(([name, { version }]) => [name, version])),
      missing,
      variant: engine.info.variant,
      microkernel: options.microkernel ?? 'chosen by the plan',
      loadAverageAtStart,
      seconds: (performance.now() - started) / 1000,
      secondsPerLayer: options.budget,
      repetitions: options.repetitions,
      peak: { median: peak.gflops, least: peak.least, most: peak.most },
      bandwidth,
      ...results,
      firstCalls,
    };
  } finally {
    await close();
  }
}

/** Named layers leave out what is not a layer; a path that is forced, what is not a transposed convolution. */
function isWanted(suite: Suite, { suites, layers, algorithm }: BenchOptions): boolean {
  if (!suites.includes(suite)) return false;
  if (suite === 'layers') return true;
  return algorithm === undefined && (suite === 'convolutions' || layers.length === 0);
}

function chooseWork(options: BenchOptions): Work {
  const named = selectLayers([...loadLayers(), ...CONV_LAYERS], options.layers);
  const layers = named.filter(({ kind }) => kind !== 'conv');
  const { algorithm } = options;
  const accepting = layers.filter((layer) => algorithm === undefined || accepts(layer, algorithm));
  if (algorithm !== undefined && accepting.length === 0) {
    throw new UsageError(`--algorithm: no layer accepts ${algorithm}`);
  }
  return {
    layers: isWanted('layers', options) ? accepting : [],
    convolutions: isWanted('convolutions', options) ? named.filter(({ kind }) => kind === 'conv') : [],
    decoders: isWanted('decoders', options),
    training: isWanted('training', options),
  };
}

function accepts(layer: Layer, algorithm: string): boolean {
  const { input, weight } = shapesOf(layer);
  const { stride, padding, outputPadding, groups, dilation } = layer;
  const options = { stride, padding, outputPadding, groups, dilation };
  return upconv.convTransposeAlgorithms(input, weight, options).includes(algorithm);
}

/** GB/s of reading one half and writing the other. */
function bandwidthAt({ bandwidth }: Bench, bytes: number): number {
  const times = Array.from({ length: BANDWIDTH_SAMPLES }, () => bandwidth.time(bytes / 2, bytes / 2));
  return bytes / Math.min(...times) / 1e6;
}
