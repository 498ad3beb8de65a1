/** The command line of the benchmark. */

import { parseArgs } from 'node:util';
import type { LibraryName } from './peers/libraries.ts';
import { LIBRARY_NAMES } from './peers/libraries.ts';
import { UsageError } from './usage_error.ts';

export const SUITES = ['layers', 'convolutions', 'decoders', 'training', 'first-calls'] as const;
export type Suite = (typeof SUITES)[number];

export interface BenchOptions {
  readonly suites: readonly Suite[];
  /** Beginnings of names of layers; empty: all. */
  readonly layers: readonly string[];
  readonly peers: readonly LibraryName[];
  /** Least number of timed calls of each subject. */
  readonly repetitions: number;
  /** Seconds per layer; the least number of calls may take longer. */
  readonly budget: number;
  /** File for the results as JSON. */
  readonly json: string | undefined;
  /** Folder for the report, tables and charts; undefined: bench/reports/ if the run is complete. */
  readonly output: string | undefined;
  readonly variant: 'simd' | 'relaxed';
  readonly microkernel: string | undefined;
  /** Forces a path of the forward pass, on the layers that accept it. */
  readonly algorithm: string | undefined;
  /** Time all paths of each layer instead. */
  readonly algorithms: boolean;
  /** Time another commit beside this one instead. */
  readonly compare: string | undefined;
}

export const USAGE = `npm run bench -- [options]

  --suites LIST        of ${SUITES.join(', ')} (default: all)
  --layers LIST        layers by name or beginning of a name (default: all)
  --peers LIST         of ${LIBRARY_NAMES.join(', ')},
                       or none (default: all that are installed)
  --budget SECONDS     time per layer (default: 1)
  --repetitions N      least number of timed calls (default: 3)
  --json FILE          write the results there
  --output FOLDER      write the report there, of any run
  --variant NAME       relaxed (default) or simd
  --microkernel MRxNR  force a register tile, for instance 5x8
  --algorithm NAME     force a path of the forward pass, on the layers that accept it
  --algorithms         instead: time every path that each layer accepts, twice
  --compare COMMIT     instead: time upconv of another commit beside this one
  --help

Without --output a run of everything is written to bench/reports/.`;

/** @throws {TypeError | UsageError} for what it does not understand; null when help was asked for. */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      suites: { type: 'string' },
      layers: { type: 'string', default: '' },
      peers: { type: 'string' },
      budget: { type: 'string', default: '1' },
      repetitions: { type: 'string', default: '3' },
      json: { type: 'string' },
      output: { type: 'string' },
      variant: { type: 'string', default: 'relaxed' },
      microkernel: { type: 'string' },
      algorithm: { type: 'string' },
      algorithms: { type: 'boolean', default: false },
      compare: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    suites: choices('--suites', values.suites, SUITES),
    layers: listOf(values.layers),
    peers: values.peers === 'none' ? [] : choices('--peers', values.peers, LIBRARY_NAMES),
    repetitions: positive('--repetitions', values.repetitions, Number.isInteger),
    budget: positive('--budget', values.budget, Number.isFinite),
    json: values.json,
    output: values.output,
    variant: choices('--variant', values.variant, ['relaxed', 'simd'] as const)[0],
    microkernel: values.microkernel,
    algorithm: values.algorithm,
    algorithms: values.algorithms,
    compare: values.compare,
  };
}

/** Only the run that the report is defined by may replace it. */
export function isComplete({ suites, layers, peers, ...forced }: BenchOptions): boolean {
  const { variant, microkernel, algorithm } = forced;
  return (
    suites.length === SUITES.length &&
    layers.length === 0 &&
    peers.length === LIBRARY_NAMES.length &&
    variant === 'relaxed' &&
    microkernel === undefined &&
    algorithm === undefined
  );
}

function listOf(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function choices<T extends string>(option: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known;
  const chosen = listOf(text);
  const wrong = chosen.find((name) => !known.some((choice) => choice === name));
  if (wrong !== undefined || chosen.length === 0) {
    throw new UsageError(`${option} expected ${known.join(', ')}, got ${wrong ?? 'nothing'}`);
  }
  return known.filter((choice) => chosen.includes(choice));
}

function positive(option: string, text: string, accepts: (value: number) => boolean): number {
  const value = Number(text);
  if (!accepts(value) || value <= 0) throw new UsageError(`${option} expected a number above 0, got ${text}`);
  return value;
}
