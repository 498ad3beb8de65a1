/** What `upconv bench` found, as a table and as JSON. */

import type { LayerSpeed, Measure } from './layer_speed.ts';
import { MEASURES, speedOf } from './layer_speed.ts';
import { geometricMean } from './statistics.ts';
import { markdownTable } from './table.ts';

export interface BenchReport {
  readonly upconv: string;
  readonly date: string;
  readonly suite: string;
  readonly runtime: string;
  readonly cpu: string;
  readonly variant: string;
  readonly microkernel: string;
  readonly threads: number;
  /** GFLOP/s of one core that only multiplies and adds in registers, measured between the layers. */
  readonly peak: { readonly median: number; readonly least: number; readonly most: number };
  readonly layers: readonly LayerSpeed[];
}

const TITLES: Readonly<Record<Measure, string>> = {
  forward: 'forward',
  gradInput: 'gradInput',
  gradWeight: 'gradWeight',
  forwardBackward: 'fwd+bwd',
};
const MEBIBYTE = 2 ** 20;

export function benchText(report: BenchReport): string {
  const { peak, layers } = report;
  const share = (gflops: number): string => `${((100 * gflops) / peak.median).toFixed(0)} %`;
  const head = ['layer', 'MFLOP', ...MEASURES.flatMap((measure) => [TITLES[measure], '%']), 'ws MiB'];
  const speeds = (speed: (measure: Measure) => number): string[] =>
    MEASURES.flatMap((measure) => [speed(measure).toFixed(1), share(speed(measure))]);
  const rows = layers.map((layer) =>
    [layer.name, (layer.flops / 1e6).toFixed(1)].concat(
      speeds((measure) => speedOf(layer, measure)),
      (layer.workspaceBytes / MEBIBYTE).toFixed(2),
    ),
  );
  const mean = ['geometric mean', '', ...speeds((measure) => meanSpeed(report, measure)), ''];
  return [
    `upconv ${report.upconv}, ${report.runtime}, ${report.cpu}, ${report.date}`,
    `${report.suite} suite, float32, ${report.threads} thread, variant ${report.variant}, micro-kernel ${report.microkernel}`,
    `peak ${peak.median.toFixed(1)} GFLOP/s: multiply-adds of one core in registers (${peak.least.toFixed(1)} to ${peak.most.toFixed(1)} during the run)`,
    '',
    markdownTable(head, [...rows, mean]),
    '',
    'GFLOP/s at the median time and share of the peak; results allocated by each call. ws: largest scratch memory.',
    '',
  ].join('\n');
}

/** The figures of the table, unrounded, with the times they come from. */
export function benchJson(report: BenchReport): string {
  const layers = report.layers.map((layer) => {
    const speeds = MEASURES.map((measure) => {
      const gflops = speedOf(layer, measure);
      const { medianMs, bestMs, calls } = layer.timings[measure];
      return [measure, { medianMs, bestMs, calls, gflops, shareOfPeak: gflops / report.peak.median }] as const;
    });
    const { name, model, flops, workspaceBytes } = layer;
    return { name, model, flops, workspaceBytes, ...Object.fromEntries(speeds) };
  });
  const geometricMeanGflops = Object.fromEntries(MEASURES.map((measure) => [measure, meanSpeed(report, measure)]));
  return `${JSON.stringify({ ...report, layers, geometricMeanGflops }, null, 2)}\n`;
}

function meanSpeed({ layers }: BenchReport, measure: Measure): number {
  return geometricMean(layers.map((layer) => speedOf(layer, measure)));
}
