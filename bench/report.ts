/** The report as markdown: losses first. */

import type { LayerResult, Report } from './results.ts';
import { complaints, gflops, ratioTo } from './results.ts';
import { geometricMean } from '../src/cli/benchmark/statistics.ts';

const PEER = 'onnxruntime-web';
const MEBIBYTE = 2 ** 20;

export function toMarkdown(report: Report): string {
  const { peak, layers, machine } = report;
  const sorted = layers.toSorted((a, b) => rank(a) - rank(b));
  const others = Object.entries(report.peers)
    .map(([name, version]) => `${name} ${version}. `)
    .join('');
  const wrong = sorted.flatMap(complaints);
  return `${[
    '# Transposed convolution, one thread',
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}; Node ${report.node}; ${report.date}.`,
    `${others}Variant ${report.variant}, micro-kernel ${report.microkernel}. Load average at the start ${report.loadAverageAtStart.toFixed(2)}.`,
    `Multiply-add peak of one core, registers only: ${peak.median.toFixed(1)} GFLOP/s (${peak.least.toFixed(1)} to ${peak.most.toFixed(1)} during the run).`,
    '',
    ...table(sorted, peak.median),
    '',
    ...summary(layers, peak.median),
    ...(wrong.length === 0 ? [] : ['', '**Not to be trusted:**', '', ...wrong.map((line) => `- ${line}`)]),
    '',
    '- GFLOP/s = 2 · batch · input pixels · Cin · Cout/groups · kernel elements ÷ median time; each gradient counts as much as the forward pass.',
    '- resident: tensors in wasm memory, weight packed, results allocated by each call. End to end: Float32Array in, Float32Array out; ratios are end to end.',
    `- Subjects take turns, ${report.secondsPerLayer} s per layer, at least ${report.repetitions} calls each (peers at least one above 3 GFLOP).`,
    '- ws: largest workspace of forward and backward. A ratio below 1 is a loss; losses come first.',
  ].join('\n')}\n`;
}

/** Doubtful numbers, then losses, then gains; what no peer was asked for comes last. */
function rank(layer: LayerResult): number {
  if (complaints(layer).length > 0) return -1;
  return ratioTo(PEER, layer) ?? Infinity;
}

function table(layers: readonly LayerResult[], peak: number): string[] {
  const percent = (value: number): string => `${((100 * value) / peak).toFixed(0)} %`;
  const rows = layers.map((layer) => {
    const { name, flops, resident, endToEnd, gradInput, gradWeight, forwardBackward, workspaceBytes } = layer;
    const ratio = ratioTo(PEER, layer);
    return [
      name,
      (flops / 1e6).toFixed(1),
      gflops(flops, resident).toFixed(1),
      percent(gflops(flops, resident)),
      gflops(flops, endToEnd).toFixed(1),
      peerSpeed(layer),
      ratio === null ? '–' : ratio < 1 ? `**${ratio.toFixed(2)}**` : ratio.toFixed(2),
      percent(gflops(flops, gradInput)),
      percent(gflops(flops, gradWeight)),
      percent(gflops(3 * flops, forwardBackward)),
      (workspaceBytes / MEBIBYTE).toFixed(2),
    ];
  });
  const head = [
    'layer',
    'MFLOP',
    'GFLOP/s resident',
    '% of peak',
    'end to end',
    PEER,
    'ratio',
    'gradInput',
    'gradWeight',
    'fwd+bwd',
    'ws MiB',
  ];
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function peerSpeed({ flops, peers }: LayerResult): string {
  const result = peers[PEER];
  if (result === undefined) return '–';
  return 'failure' in result ? 'failed' : gflops(flops, result).toFixed(1);
}

/** Layers with enough arithmetic to be measured against the peak. */
function isCompute({ cin, cout, flops }: LayerResult): boolean {
  return cin >= 64 && cout >= 8 && flops >= 100e6;
}

function summary(layers: readonly LayerResult[], peak: number): string[] {
  const lines: string[] = [];
  const ratios = layers.map((layer) => ratioTo(PEER, layer)).filter((ratio) => ratio !== null);
  if (ratios.length > 0) {
    const losses = ratios.filter((ratio) => ratio < 1).length;
    const mean = geometricMean(ratios).toFixed(2);
    lines.push(
      `Geometric mean of the ratios to ${PEER}: **${mean}** over ${ratios.length} layers, ${losses} lost, least ${Math.min(...ratios).toFixed(2)}.`,
    );
  }
  const compute = layers.filter(isCompute);
  if (compute.length > 0) {
    const mean = (speed: (layer: LayerResult) => number): string =>
      `${((100 * geometricMean(compute.map(speed))) / peak).toFixed(0)} %`;
    lines.push(
      `Geometric mean of % of peak over the ${compute.length} layers with Cin ≥ 64, Cout ≥ 8 and ≥ 100 MFLOP: ` +
        `forward **${mean((layer) => gflops(layer.flops, layer.resident))}**, ` +
        `gradInput ${mean((layer) => gflops(layer.flops, layer.gradInput))}, ` +
        `gradWeight ${mean((layer) => gflops(layer.flops, layer.gradWeight))}, ` +
        `forward+backward ${mean((layer) => gflops(3 * layer.flops, layer.forwardBackward))}.`,
    );
  }
  const largest = Math.max(...layers.map(({ workspaceBytes }) => workspaceBytes));
  lines.push(`Largest workspace: ${(largest / MEBIBYTE).toFixed(2)} MiB.`);
  return lines;
}
