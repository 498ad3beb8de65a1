/** The speed section of README.md. */

import { geometricMean } from '../../src/cli/benchmark/statistics.ts';
import { markdownTable } from '../../src/cli/benchmark/table.ts';
import { losses, ratioTo, shareOf, speed } from '../metrics.ts';
import type { Operation } from '../peers/peer.ts';
import type { LayerResult, Report } from '../results.ts';
import { decimals, percent } from './format.ts';

/** Layers of different kinds that README names. */
const SHOWN = [
  'dcgan-5',
  'pix2pix-up2',
  'sam-dc2',
  'lama-up3',
  'fcn8s-upscore8',
  'dla-idaup-f4',
  'hifigan-up1',
  'dac-up4',
  'nnunet-up5',
  'unet3d-k4s2',
];

/** What a ratio is taken of: as users of the other library call it. */
interface Comparison {
  readonly title: string;
  readonly peer: string;
  readonly operation: Operation;
  readonly of: 'layers' | 'convolutions';
}

const COMPARED: readonly Comparison[] = [
  { peer: 'onnxruntime-web', operation: 'endToEnd', title: 'onnxruntime-web', of: 'layers' },
  { peer: 'onnxruntime-node', operation: 'endToEnd', title: 'onnxruntime-node (native)', of: 'layers' },
  { peer: 'tfjs-wasm', operation: 'endToEnd', title: 'tfjs-wasm', of: 'layers' },
  { peer: 'PyTorch', operation: 'resident', title: 'PyTorch, forward', of: 'layers' },
  { peer: 'PyTorch', operation: 'forwardBackward', title: 'PyTorch, forward + backward', of: 'layers' },
  { peer: 'onnxruntime-web', operation: 'endToEnd', title: 'onnxruntime-web, convolutions', of: 'convolutions' },
];

/** @param others of other machines, of which the means are shown */
export function readmeSection(report: Report, others: readonly Report[] = []): string {
  const { layers, machine, node, date } = report;
  const compared = COMPARED.filter(({ peer }) => peer in report.libraries);
  const rows = SHOWN.flatMap((name) => layers.filter((layer) => layer.name === name)).map(layerRow);
  const lost = losses(layers).filter(({ peer }) => peer === 'onnxruntime-web').length;
  return [
    `${date}, ${machine.cpu}, Node ${node}, one thread, float32; a core of it does ${peakOf(report)} of wasm128 multiply-adds.`,
    `Slower than onnxruntime-web on ${lost === 0 ? 'none' : lost} of ${layers.length} layers.`,
    '',
    markdownTable(
      [
        'times faster than',
        'geometric mean',
        'least',
        'most',
        'layers',
        ...others.map((other) => `on ${nameOf(other)}`),
      ],
      compared.map((comparison) => ratioRow(comparison, report, others)),
    ),
    '',
    ...others.map(
      (other) => `${nameOf(other)}: geometric mean of ${other.date}, ${other.commit}, peak ${peakOf(other)}.`,
    ),
    ...(others.length > 0 ? [''] : []),
    markdownTable(['layer', 'MFLOP', 'GFLOP/s', 'of peak', 'gradInput', 'gradWeight', '× onnxruntime-web'], rows),
    '',
  ].join('\n');
}

function ratioRow(comparison: Comparison, report: Report, others: readonly Report[]): string[] {
  const ratios = ratiosOf(comparison, report);
  const shown = [geometricMean(ratios), Math.min(...ratios), Math.max(...ratios)];
  const means = others.map((other) => geometricMean(ratiosOf(comparison, other)));
  return [
    comparison.title,
    ...shown.map((value) => decimals(value, 2)),
    String(ratios.length),
    ...means.map((value) => decimals(value, 2)),
  ];
}

/** Over the layers of at most 3 GFLOP, as the report's means are. */
function ratiosOf({ peer, operation, of }: Comparison, report: Report): number[] {
  return report[of].filter(({ isLarge }) => !isLarge).flatMap((layer) => ratioTo(peer, layer, operation) ?? []);
}

function nameOf({ machine }: Report): string {
  return machine.cpu;
}

function peakOf({ peak }: Report): string {
  return `${peak.median.toFixed(0)} GFLOP/s`;
}

function layerRow(layer: LayerResult): string[] {
  return [
    `${layer.model} (${layer.name})`,
    (layer.flops / 1e6).toFixed(0),
    decimals(speed(layer, 'resident'), 0),
    percent(shareOf('peak', layer, 'resident')),
    percent(shareOf('peak', layer, 'gradInput')),
    percent(shareOf('peak', layer, 'gradWeight')),
    decimals(ratioTo('onnxruntime-web', layer, 'endToEnd'), 1),
  ];
}

const SECTION = /(<!-- speed: [^\n]*-->\n)[\s\S]*?(<!-- \/speed -->)/;

/** @throws when the document has no place for the section */
export function replaceSection(document: string, section: string): string {
  if (!SECTION.test(document)) throw new Error('README.md has no place for the speed table');
  return document.replace(SECTION, (_, head: string, foot: string) => head + section + foot);
}
