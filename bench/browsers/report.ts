/** The report of `npm run bench:browsers`. */

import { geometricMean } from '../../src/cli/benchmark/statistics.ts';
import { markdownTable } from '../../src/cli/benchmark/table.ts';
import type { Machine } from '../results.ts';
import type { BrowserRun } from './page.ts';

export interface BrowsersReport {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly loadAverageAtStart: number;
  readonly runs: readonly (BrowserRun & { /** With its version. */ readonly browser: string })[];
}

/** A tile that runs at less than this share of the fastest one is said to spill. */
const SPILLS = 0.75;

interface Loss {
  readonly browser: string;
  readonly what: string;
}

/** What is a defect: layers on which onnxruntime-web is faster, and a chosen tile that spills. */
export function lossesOf({ runs }: Pick<BrowsersReport, 'runs'>): Loss[] {
  return runs.flatMap(({ browser, layers, tiles, microkernel }) => {
    const slower = layers
      .filter(({ upconv, onnxruntime }) => upconv < onnxruntime)
      .map(({ name, upconv, onnxruntime }) => ({ browser, what: `${name}: ${(upconv / onnxruntime).toFixed(2)} ×` }));
    const share = tiles[microkernel] / Math.max(...Object.values(tiles));
    const spills = { browser, what: `tile ${microkernel}: ${(100 * share).toFixed(0)} % of the fastest tile` };
    return share < SPILLS ? [...slower, spills] : slower;
  });
}

export function browsersMarkdown(report: BrowsersReport): string {
  const { date, commit, machine, loadAverageAtStart, runs } = report;
  const ratio = ({ upconv, onnxruntime }: BrowserRun['layers'][number]): number => upconv / onnxruntime;
  const losses = lossesOf(report);
  const summary = runs.map(({ browser, variant, microkernel, tiles, layers }) => {
    const ratios = layers.map(ratio);
    return [
      browser,
      variant,
      ...Object.entries(tiles).map(([tile, speed]) => `${speed.toFixed(1)}${tile === microkernel ? ' (chosen)' : ''}`),
      geometricMean(ratios).toFixed(2),
      Math.min(...ratios).toFixed(2),
    ];
  });
  const cells = (name: string): string[] =>
    runs.flatMap(({ layers }) => {
      const figures = layers.find((layer) => layer.name === name)!;
      return [figures.upconv.toFixed(1), figures.onnxruntime.toFixed(1), ratio(figures).toFixed(2)];
    });
  const rows = runs[0].layers.map(({ name }) => [name].concat(cells(name)));
  const tiles = Object.keys(runs[0].tiles);
  return [
    '# upconv and onnxruntime-web in browsers',
    `\`npm run bench:browsers\`; ${machine.cpu}, ${machine.cores} cores, ${machine.system}, load ${loadAverageAtStart.toFixed(1)}; ${date}, ${commit}.`,
    'Forward passes of the layers that the demo page measures, numbers in and numbers out, one thread each, in turns; medians in GFLOP/s of the direct operation count.',
    '## Losses',
    losses.length === 0
      ? 'None: no layer is slower than with onnxruntime-web, and no tile that is chosen spills.'
      : losses.map(({ browser, what }) => `- ${browser}: ${what}`).join('\n'),
    '## Browsers',
    markdownTable(
      [
        'browser',
        'variant',
        ...tiles.map((tile) => `tile ${tile}, GFLOP/s`),
        'geometric mean, × onnxruntime-web',
        'least',
      ],
      summary,
    ),
    '## Layers',
    markdownTable(['layer', ...runs.flatMap(({ browser }) => [browser, 'onnxruntime-web', '×'])], rows),
    '',
  ].join('\n\n');
}
