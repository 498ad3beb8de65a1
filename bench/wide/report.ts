/** The report of `npm run bench:wide`, in markdown. */

import type { Engine } from '../../src/index.ts';
import { geometricMean } from '../../src/cli/benchmark/statistics.ts';
import { markdownTable } from '../../src/cli/benchmark/table.ts';
import type { Layer } from '../layers.ts';
import { flopsOf } from '../layers.ts';
import type { Machine } from '../results.ts';
import type { Errors } from './accuracy.ts';

export interface TimedLayer {
  readonly layer: Layer;
  /** GFLOP/s of the direct operation count, by subject. */
  readonly speeds: Readonly<Partial<Record<string, number>>>;
  /** Of each path, with 128 bits. */
  readonly errors: Readonly<Partial<Record<string, Errors>>>;
}

interface Circumstances {
  readonly machine: Machine;
  readonly date: string;
  readonly commit: string;
  readonly load: number;
  readonly info: Engine['info'];
}

/** A quotient of two subjects, and the layers that count. */
interface Quotient {
  readonly name: string;
  readonly over: string;
  readonly under: string;
  readonly wanted: number;
  readonly counts: (layer: Layer) => boolean;
}

const all = (): boolean => true;
const QUOTIENTS: readonly Quotient[] = [
  {
    name: 'direct: 256 bits ÷ 128, layers of 200 MFLOP or more',
    over: 'direct 256',
    under: 'direct 128',
    wanted: 1.6,
    counts: (layer) => flopsOf(layer) >= 2e8,
  },
  { name: 'auto: 256 bits ÷ 128', over: 'auto 256', under: 'auto 128', wanted: 1, counts: all },
  {
    name: 'auto: 256 bits ÷ onnxruntime-node, end to end',
    over: 'end to end 256',
    under: 'onnxruntime-node',
    wanted: 2,
    counts: all,
  },
  {
    name: 'auto: 128 bits ÷ onnxruntime-node, end to end',
    over: 'end to end 128',
    under: 'onnxruntime-node',
    wanted: 1.4,
    counts: all,
  },
  { name: 'auto: 256 bits ÷ PyTorch', over: 'auto 256', under: 'PyTorch', wanted: 1, counts: all },
  { name: 'auto: 128 bits ÷ PyTorch', over: 'auto 128', under: 'PyTorch', wanted: 1.4, counts: all },
  { name: '128 bits: auto ÷ direct', over: 'auto 128', under: 'direct 128', wanted: 1, counts: all },
];

const SUBJECTS = [
  'direct 128',
  'winograd 128',
  'auto 128',
  'direct 256',
  'winograd 256',
  'auto 256',
  'onnxruntime-node',
  'PyTorch',
];

export function wideReport(timed: readonly TimedLayer[], { machine, date, commit, load, info }: Circumstances): string {
  const { cpu, cores, memoryGib, system } = machine;
  return [
    '# upconv: transforms and 256 bits',
    `${cpu}, ${cores} cores, ${memoryGib} GiB, ${system}; Node ${process.versions.node}; ${date}, ${commit}. Load average at the start ${load.toFixed(2)}. ` +
      `Wide: ${info.wide ? `yes, variant ${info.variant}, micro-kernel ${info.microkernel}` : `no, ${info.wideReason}`}.`,
    'Forward, one thread, medians of calls in turns. GFLOP/s are those of the direct operation count: transforms multiply less, and pass the peak. onnxruntime-node is timed from numbers to numbers.',
    quotientTable(timed),
    '## GFLOP/s',
    speedTable(timed),
    '## Errors',
    'Against float64, of numbers in [-1, 1]; parts of the largest result, in units of 2⁻²⁴.',
    errorTable(timed),
    '',
  ].join('\n\n');
}

function quotientTable(timed: readonly TimedLayer[]): string {
  const rows = QUOTIENTS.map(({ name, over, under, wanted, counts }) => {
    const ratios = timed
      .filter(({ layer }) => counts(layer))
      .map(({ speeds }) => (speeds[over] ?? NaN) / (speeds[under] ?? NaN))
      .filter((ratio) => !Number.isNaN(ratio));
    return [
      name,
      `≥ ${wanted}`,
      geometricMean(ratios).toFixed(2),
      Math.min(...ratios).toFixed(2),
      String(ratios.length),
    ];
  });
  return markdownTable(['quotient', 'wanted', 'geometric mean', 'least', 'layers'], rows);
}

function speedTable(timed: readonly TimedLayer[]): string {
  const rows = timed.map(({ layer, speeds }) => [
    layer.name,
    String(Math.round(flopsOf(layer) / 1e6)),
    ...SUBJECTS.map((name) => speeds[name]?.toFixed(0) ?? '–'),
  ]);
  return markdownTable(['layer', 'MFLOP', ...SUBJECTS], rows);
}

function errorTable(timed: readonly TimedLayer[]): string {
  const cells = (errors: Errors | undefined): string[] =>
    errors === undefined ? ['–', '–'] : [errors.largest.toFixed(1), errors.mean.toFixed(2)];
  const rows = timed.map(({ layer, errors }) => [layer.name, ...cells(errors.direct), ...cells(errors.winograd)]);
  return markdownTable(['layer', 'direct: largest', 'mean', 'winograd: largest', 'mean'], rows);
}
