/** Writes the speed table of README.md from the report of the last full run: `node bench/readme.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import type { LayerResult, Report } from './results.ts';
import { gflops, ratioTo } from './results.ts';
import { geometricMean } from '../src/cli/benchmark/statistics.ts';

const PEER = 'onnxruntime-web';
/** Layers of different kinds that README names. */
const SHOWN = [
  'dcgan-5',
  'pix2pix-up2',
  'sam-dc2',
  'lama-up3',
  'fcn8s-upscore8',
  'hifigan-up1',
  'dac-up4',
  'nnunet-up5',
  'unet3d-k4s2',
];
const SECTION = /(<!-- speed: [^\n]*-->\n)[\s\S]*?(<!-- \/speed -->)/;

function row(layer: LayerResult, peak: number): string {
  const percent = (timing: LayerResult['resident']): string =>
    `${((100 * gflops(layer.flops, timing)) / peak).toFixed(0)} %`;
  const ratio = ratioTo(PEER, layer);
  const cells = [
    `${layer.model} (${layer.name})`,
    (layer.flops / 1e6).toFixed(0),
    gflops(layer.flops, layer.resident).toFixed(0),
    percent(layer.resident),
    percent(layer.gradInput),
    percent(layer.gradWeight),
    ratio === null ? '–' : `${ratio.toFixed(1)} ×`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function section({ layers, peak, machine, node, date, peers }: Report): string {
  const ratios = layers.flatMap((layer) => ratioTo(PEER, layer) ?? []);
  const slower = ratios.filter((ratio) => ratio < 1).length;
  const shown = SHOWN.flatMap((name) => layers.filter((layer) => layer.name === name));
  return [
    `${date}, ${machine.cpu}, Node ${node}, one thread, float32; peak ${peak.median.toFixed(0)} GFLOP/s of wasm128 in the same run.`,
    `Against ${PEER} ${peers[PEER]} (its wasm backend, Float32Array in and out on both sides): **${geometricMean(ratios).toFixed(1)} ×** faster in geometric`,
    `mean over ${ratios.length} layers, between ${Math.min(...ratios).toFixed(1)} × and ${Math.max(...ratios).toFixed(1)} ×, slower on ${slower === 0 ? 'none' : slower}. It has no gradients to compare with.`,
    '',
    `| layer | MFLOP | GFLOP/s | of peak | gradInput | gradWeight | against ${PEER} |`,
    '|---|---|---|---|---|---|---|',
    ...shown.map((layer) => row(layer, peak.median)),
    '',
  ].join('\n');
}

const report = JSON.parse(readFileSync('bench/reports/latest.json', 'utf8')) as Report;
const readme = readFileSync('README.md', 'utf8');
if (!SECTION.test(readme)) throw new Error('README.md has no place for the speed table');
writeFileSync(
  'README.md',
  readme.replace(SECTION, (_, head: string, foot: string) => head + section(report) + foot),
);
