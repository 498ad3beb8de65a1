/** The command line of the benchmark. */

import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Names of layers or their beginnings; empty: all. */
  readonly layers: readonly string[];
  /** Least number of timed calls of each subject. */
  readonly repetitions: number;
  /** Seconds per layer; the least number of calls may take longer. */
  readonly budget: number;
  readonly peers: boolean;
  /** Where the JSON report goes beside reports/; undefined: nowhere else. */
  readonly json: string | undefined;
  readonly variant: 'simd' | 'relaxed';
  readonly microkernel: string | undefined;
}

export const USAGE = `npm run bench -- [options]

  --layers a,b,c       layers by name or beginning of a name (default: all)
  --repetitions N      least number of timed calls (default: 3)
  --budget SECONDS     time per layer (default: 1.5)
  --no-peers           time upconv only
  --json FILE          write the results there, too
  --variant NAME       relaxed (default) or simd
  --microkernel MRxNR  force a register tile, for instance 5x8
  --help

A run of all layers with peers is written to bench/reports/.`;

/** @throws {TypeError | RangeError} for what it does not understand; null when help was asked for. */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      layers: { type: 'string', default: '' },
      repetitions: { type: 'string', default: '3' },
      budget: { type: 'string', default: '1.5' },
      peers: { type: 'boolean', default: true },
      json: { type: 'string' },
      variant: { type: 'string', default: 'relaxed' },
      microkernel: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const { variant } = values;
  if (variant !== 'simd' && variant !== 'relaxed') {
    throw new RangeError(`--variant expected simd or relaxed, got ${variant}`);
  }
  return {
    layers: values.layers.split(',').filter((name) => name !== ''),
    repetitions: positive('--repetitions', values.repetitions, Number.isInteger),
    budget: positive('--budget', values.budget, Number.isFinite),
    peers: values.peers,
    json: values.json,
    variant,
    microkernel: values.microkernel,
  };
}

function positive(option: string, text: string, accepts: (value: number) => boolean): number {
  const value = Number(text);
  if (!accepts(value) || value <= 0) throw new RangeError(`${option} expected a number above 0, got ${text}`);
  return value;
}
