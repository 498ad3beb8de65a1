/** The report of a run, as blocks: what was lost and what was missed comes first. */

import { LONG_MS, timesFaster } from '../../src/cli/benchmark/interleave.ts';
import { geometricMean } from '../../src/cli/benchmark/statistics.ts';
import {
  comparedOperations,
  decoderComplaints,
  isCompute,
  layerComplaints,
  losses,
  shareOf,
  trainingComplaints,
} from '../metrics.ts';
import type { LayerResult, Report } from '../results.ts';
import type { Block } from './document.ts';
import { heading, list, table, text } from './document.ts';
import { decimals, gflops, MEBIBYTE, milliseconds, percent, ratio, timing } from './format.ts';
import type { Goal } from './goals.ts';
import { goals, isMet } from './goals.ts';
import { peakChart, ratioChart } from './layer_charts.ts';
import {
  backwardTable,
  channelsLastTable,
  endToEndTable,
  memoryTable,
  residentTable,
  threadsTable,
} from './layer_tables.ts';

export const TITLE = 'upconv: transposed convolution on one thread';

export function reportBlocks(report: Report): Block[] {
  return [
    heading(1, TITLE),
    ...conditions(report),
    ...doubts(report),
    ...lossBlocks(report),
    ...goalBlocks(report),
    ...layerBlocks(report),
    ...convolutionBlocks(report),
    ...decoderBlocks(report),
    ...trainingBlocks(report),
    ...firstCallBlocks(report),
    ...methodBlocks(report),
  ];
}

/** What makes a number of the report worthless. */
export function complaintsOf({ layers, convolutions, decoders, training, failures }: Report): string[] {
  return [
    ...failures,
    ...[...layers, ...convolutions].flatMap(layerComplaints),
    ...decoders.flatMap(decoderComplaints),
    ...training.flatMap(trainingComplaints),
  ];
}

function conditions({ machine, node, date, commit, libraries, missing, peak, bandwidth, ...report }: Report): Block[] {
  const others = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  const absent = Object.entries(missing).map(([name, reason]) => `${name} is not there: ${reason}.`);
  return [
    text(
      `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}; Node ${node}; ${date}, ${commit}.`,
      `Variant ${report.variant}, micro-kernel ${report.microkernel}.`,
      `Load average at the start ${report.loadAverageAtStart.toFixed(2)}; the run took ${(report.seconds / 60).toFixed(1)} minutes.`,
    ),
    ...(others.length === 0 ? [] : [text(`Beside it: ${others.join('; ')}.`)]),
    ...(absent.length === 0 ? [] : [text(...absent)]),
    text(
      `**Peak ${peak.median.toFixed(1)} GFLOP/s**: multiply-adds of one core in registers (${peak.least.toFixed(1)} to ${peak.most.toFixed(1)} during the run).`,
      `Memory, half read and half written: ${bandwidth.map(({ bytes, gbPerSecond }) => `${gbPerSecond.toFixed(0)} GB/s over ${bytes / MEBIBYTE} MiB`).join(', ')}.`,
    ),
  ];
}

function doubts(report: Report): Block[] {
  const found = complaintsOf(report);
  return found.length === 0 ? [] : [heading(2, 'Not to be trusted'), list(found)];
}

function lossBlocks({ layers, convolutions, decoders, training, libraries }: Report): Block[] {
  const lost = losses([...layers, ...convolutions]).map(
    ({ layer, peer, operation, ratio }) => `${layer}: ${peer}, ${operation}, **${ratio.toFixed(2)}**`,
  );
  const whole = [
    ...decoders.map(({ name, upconv, peer }) => ({ name, ratio: timesFaster(upconv, peer) })),
    ...training.map(({ name, upconv, pytorch }) => ({
      name,
      ratio: pytorch === null ? NaN : timesFaster(upconv, pytorch),
    })),
  ].filter(({ ratio }) => ratio < 1);
  const all = [...whole.map(({ name, ratio }) => `${name}: **${ratio.toFixed(2)}**`), ...lost];
  if (Object.keys(libraries).length === 0) return [];
  const asked = Object.keys(libraries).flatMap((peer) => {
    const operations = comparedOperations(peer);
    return operations.length === 0 ? [] : [`${peer} ${operations.join(', ')}`];
  });
  return [
    heading(2, 'Losses'),
    text(`Where another library is faster, worst first: ${all.length}. Compared: ${asked.join('; ')}.`),
    ...(all.length === 0 ? [] : [list(all)]),
  ];
}

function goalBlocks(report: Report): Block[] {
  const all = goals(report);
  if (all.length === 0) return [];
  const row = (goal: Goal): string[] => [
    goal.name,
    `${goal.atMost === true ? '≤' : '≥'} ${goal.goal} ${goal.unit}`,
    `${decimals(goal.value, goal.unit === '%' ? 0 : 2)} ${goal.unit}`,
    isMet(goal) ? 'met' : '**missed**',
    goal.over,
  ];
  const misses = all.filter(({ misses }) => misses.length > 0);
  return [
    heading(2, 'Goals'),
    table(
      ['goal', 'wanted', 'found', '', 'over'],
      all.toSorted((a, b) => Number(isMet(a)) - Number(isMet(b))).map(row),
    ),
    ...(misses.length === 0 ? [] : [list(misses.map(({ name, misses }) => `${name}: ${misses.join(', ')}`))]),
    text(
      'Means of ratios are over the layers of at most 3 GFLOP. Shares of the peak are of layers with Cin ≥ 64, Cout ≥ 8',
      'and ≥ 100 MFLOP; each one is held to the peak or, where memory bounds it, to that bound.',
    ),
  ];
}

/** What no layer can gain more than, in the mean. */
function secondCore(layers: readonly LayerResult[]): string[] {
  const found = layers.flatMap(({ secondCore }) => secondCore ?? []);
  return found.length === 0 ? [] : [`Geometric mean of cores: ${ratio(geometricMean(found))}.`];
}

/** Whether the core was ours, and what that leaves to be explained. */
function tileNotes(layers: readonly LayerResult[]): string[] {
  const found = layers.flatMap(({ tiles, peak }) => (tiles === undefined ? [] : timesFaster(tiles, peak)));
  if (found.length === 0) return [];
  const reached = layers.filter(isCompute).flatMap((layer) => shareOf('tiles', layer, 'resident') ?? []);
  const [middle, least, most] = [geometricMean(found), Math.min(...found), Math.max(...found)].map(percent);
  return [
    `Tiles: the micro-kernel alone, on operands in the first cache, in the same turns: ${middle} of the peak in the mean, ${least} to ${most};`,
    'a core that is not shared with another hardware thread gives more than 95 %.',
    ...(reached.length === 0
      ? []
      : [`Layers that are held to the peak do ${percent(geometricMean(reached))} of tiles in the mean.`]),
  ];
}

function layerBlocks({ layers, libraries }: Report): Block[] {
  if (layers.length === 0) return [];
  const peers = Object.keys(libraries);
  const native = peers.includes('PyTorch') ? 'PyTorch' : undefined;
  return [
    heading(2, 'Transposed convolution, forward, end to end'),
    text('GFLOP/s, Float32Array in, Float32Array out. ×: how many times faster upconv is.'),
    ...ratioChart('ratios', 'Forward, end to end: times faster than', layers, [
      { peer: 'onnxruntime-web', operation: 'endToEnd', title: 'onnxruntime-web' },
      { peer: 'onnxruntime-node', operation: 'endToEnd', title: 'onnxruntime-node (native)' },
    ]),
    endToEndTable(layers, peers),
    heading(2, 'Transposed convolution, forward, resident'),
    text(
      'GFLOP/s with data in the memory of the library; the output is allocated by each call. Peak: as measured beside the layer.',
      ...tileNotes(layers),
    ),
    peakChart('peak', 'Share of the peak, resident', layers, {
      resident: 'forward',
      gradInput: 'gradInput',
      gradWeight: 'gradWeight',
    }),
    residentTable(layers, peers),
    heading(2, 'Transposed convolution, backward'),
    text('GFLOP/s, resident. Each gradient counts as many operations as the forward pass.'),
    ...ratioChart('pytorch', 'Resident: times faster than PyTorch', layers, [
      { peer: 'PyTorch', operation: 'forwardBackward', title: 'forward + backward' },
      { peer: 'PyTorch', operation: 'resident', title: 'forward' },
    ]),
    backwardTable(layers, native),
    heading(2, 'Two threads'),
    text(
      'Milliseconds, resident; sorted by the gain of the forward pass.',
      'Cores: what both do at once with multiply-adds in registers, over what one does alone, in the same turns.',
      ...secondCore(layers),
    ),
    threadsTable(layers, peers.includes('onnxruntime-web x2') ? 'onnxruntime-web x2' : undefined),
    ...channelsLastBlocks(layers),
    heading(2, 'Memory'),
    text('Scratch memory beyond tensors and packed weights, and what the matrix of columns takes that others make.'),
    memoryTable(layers),
  ];
}

function channelsLastBlocks(layers: readonly LayerResult[]): Block[] {
  const timed = layers.filter(({ channelsLast }) => channelsLast !== undefined);
  if (timed.length === 0) return [];
  return [
    heading(2, 'Channels last'),
    text('Milliseconds of the forward pass, resident; input and output have channels last in memory. The same bits.'),
    channelsLastTable(timed),
  ];
}

function convolutionBlocks({ convolutions, libraries }: Report): Block[] {
  if (convolutions.length === 0) return [];
  const peers = Object.keys(libraries).filter((peer) => convolutions.some((layer) => peer in layer.peers));
  return [
    heading(2, 'Convolutions of the same models'),
    text('GFLOP/s, forward.'),
    ...ratioChart('convolutions', 'Convolutions, end to end: times faster than', convolutions, [
      { peer: 'onnxruntime-web', operation: 'endToEnd', title: 'onnxruntime-web' },
    ]),
    endToEndTable(convolutions, peers),
    residentTable(convolutions, peers),
  ];
}

function decoderBlocks({ decoders }: Report): Block[] {
  if (decoders.length === 0) return [];
  const rows = decoders.map(({ name, flops, upconv, peer }) => [
    name,
    (flops / 1e9).toFixed(1),
    timing(upconv),
    gflops(flops / upconv.medianMs / 1e6),
    timing(peer),
    ratio(timesFaster(upconv, peer)),
  ]);
  return [
    heading(2, 'Whole decoders, end to end'),
    table(['decoder', 'GFLOP', 'upconv, ms', 'GFLOP/s', 'onnxruntime-web, ms', '×'], rows),
  ];
}

function trainingBlocks({ training }: Report): Block[] {
  if (training.length === 0) return [];
  const rows = training.map(({ name, flops, upconv, pytorch }) => [
    name,
    (flops / 1e9).toFixed(1),
    timing(upconv),
    gflops(flops / upconv.medianMs / 1e6),
    pytorch === null ? '–' : timing(pytorch),
    ratio(pytorch === null ? undefined : timesFaster(upconv, pytorch)),
  ]);
  return [heading(2, 'Training steps'), table(['step', 'GFLOP', 'upconv, ms', 'GFLOP/s', 'PyTorch, ms', '×'], rows)];
}

function firstCallBlocks({ firstCalls }: Report): Block[] {
  if (firstCalls === null) return [];
  const { importMs, initMs, threadedInitMs, overheadUs, dispatch, processes, layers } = firstCalls;
  const columns = {
    plan: 'plan',
    pack: 'pack',
    kernelsFirst: 'kernels, first run',
    kernelsTenth: 'tenth',
    first: 'first call',
    second: 'second',
    tenth: 'tenth',
    steady: 'steady',
    prepare: 'prepare()',
    firstAfterPrepare: 'first call after it',
  } as const;
  const names = Object.keys(columns) as (keyof typeof columns)[];
  return [
    heading(2, 'First calls'),
    text(
      `Medians over ${processes} fresh processes: \`import\` ${milliseconds(importMs)} ms, \`init({ threads: 1 })\` ${milliseconds(initMs)} ms, \`createEngine({ threads: 2 })\` ${milliseconds(threadedInitMs)} ms.`,
      `Outside kernels a later Sync call spends ${overheadUs.forward.toFixed(1)} µs forward and ${overheadUs.backward.toFixed(1)} µs backward (both gradients).`,
      `An empty stage on two threads takes ${dispatch.dispatchUs.toFixed(1)} µs where the caller takes part, ${dispatch.handOverUs.toFixed(1)} µs there and back to a worker that is awake, ${dispatch.wakeUs.toFixed(0)} µs to one that has to be woken.`,
      'Milliseconds below. The first call plans, packs and runs kernels that V8 has not optimised yet; `prepare()` does that ahead.',
    ),
    table(
      ['layer', 'MFLOP', ...Object.values(columns)],
      layers.map((layer) =>
        [layer.name, (layer.flops / 1e6).toFixed(1)].concat(names.map((name) => milliseconds(layer[name]))),
      ),
    ),
  ];
}

function methodBlocks({ secondsPerLayer, repetitions }: Report): Block[] {
  return [
    heading(2, 'Method'),
    list([
      'GFLOP/s = 2 · batch · input pixels · Cin · Cout/groups · kernel elements ÷ median time (a convolution: output pixels), padded and cropped products too. Ratios and shares of the peak are medians over turns, each of which compares what ran side by side.',
      `All subjects of a layer take turns, ${secondsPerLayer} s per layer, at least ${repetitions} calls each; above 3 GFLOP the others at least one. Calls are warmed up; a first call of more than ${LONG_MS / 1000} s counts.`,
      'Weights are constants everywhere: packed ahead where a library does so. Resident, upconv keeps tensors in wasm memory; onnxruntime holds the input in the model and gives back one element; PyTorch times itself in a process of its own.',
      'Every timed result of the others is compared with ours, within 8 · K · 2⁻²⁴ for sums of K products of numbers in [−1, 1]; ours is compared with the definition in double precision.',
      'The memory bound is the time to read input and weight and to write the output once, measured in the same turns by a loop that does nothing else, on memory of the same size.',
      'tfjs-wasm: 2-D without groups only (its 3-D kernel gives wrong numbers), channels last on both sides, at least one call each. jax-js: layers of at most 20 MFLOP, one call each.',
    ]),
  ];
}
