/** What the package is meant to reach, beside what the run found. */

import { timesFaster } from '../../src/cli/benchmark/interleave.ts';
import { geometricMean } from '../../src/cli/benchmark/statistics.ts';
import {
  boundOf,
  channelsLastRatio,
  isCompute,
  peerRatio,
  ratioTo,
  shareOf,
  shareOfBound,
  speedUp,
  threadedRatioTo,
} from '../metrics.ts';
import type { Operation } from '../peers/peer.ts';
import type { LayerResult, Report } from '../results.ts';
import { MEBIBYTE, percent } from './format.ts';

export interface Goal {
  readonly name: string;
  readonly goal: number;
  /** Whether smaller is better. */
  readonly atMost?: boolean;
  readonly unit: '×' | '%' | 'MiB' | 'ms' | 'µs';
  readonly value: number;
  /** What the mean or extreme is over. */
  readonly over: string;
  /** Layers that miss it, worst first; empty for means. */
  readonly misses: readonly string[];
}

export function isMet({ goal, value, atMost }: Goal): boolean {
  return atMost === true ? value <= goal : value >= goal;
}

/** A note stands behind the value where it misses the goal. */
type Valued = readonly [name: string, value: number, note?: string];

function meanGoal(name: string, goal: number, unit: Goal['unit'], values: readonly Valued[]): Goal[] {
  if (values.length === 0) return [];
  const value = geometricMean(values.map(([, value]) => value));
  return [{ name: `${name}, geometric mean`, goal, unit, value, over: `${values.length} layers`, misses: [] }];
}

function eachGoal(name: string, goal: number, unit: Goal['unit'], values: readonly Valued[], atMost = false): Goal[] {
  if (values.length === 0) return [];
  const sorted = values.toSorted(([, a], [, b]) => (atMost ? b - a : a - b));
  const missing = sorted.filter(([, value]) => (atMost ? value > goal : value < goal));
  const misses = missing.map(([layer, value, note = '']) => `${layer} ${value.toFixed(unit === '%' ? 0 : 2)}${note}`);
  return [{ name: `${name}, each`, goal, unit, atMost, value: sorted[0][1], over: `${values.length} layers`, misses }];
}

/** Layers that have the value, with it. */
function valuesOf(layers: readonly LayerResult[], valueOf: (layer: LayerResult) => number | undefined): Valued[] {
  return layers.flatMap((layer) => {
    const value = valueOf(layer);
    return value === undefined ? [] : [[layer.name, value] as const];
  });
}

function ratios(layers: readonly LayerResult[], peer: string, operation: Operation): Valued[] {
  return valuesOf(layers, (layer) => ratioTo(peer, layer, operation));
}

/** Percent of the peak; `orMemory`: of the memory bound where that is what limits a layer. */
function shares(layers: readonly LayerResult[], operation: Operation, orMemory = false): Valued[] {
  return layers.flatMap((layer): Valued[] => {
    const share = orMemory ? shareOfBound(layer) : shareOf('peak', layer, operation);
    if (share === undefined) return [];
    return [[layer.name, 100 * share, ` (${percent(shareOf('tiles', layer, operation))} of tiles)`]];
  });
}

const ofAtLeast = (layers: readonly LayerResult[], leastFlops: number): LayerResult[] =>
  layers.filter(({ flops }) => flops >= leastFlops);

function speedUps(layers: readonly LayerResult[], operation: Operation, leastFlops: number): Valued[] {
  return valuesOf(ofAtLeast(layers, leastFlops), (layer) => speedUp(layer, operation));
}

/** Speed-ups; differences of at most 20 µs count as none. */
function noticeable(layers: readonly LayerResult[]): Valued[] {
  return layers.flatMap(({ name, upconv: { resident: one }, twoThreads: { resident: two } }): Valued[] => {
    if (one === undefined || two === undefined) return [];
    const value = timesFaster(two, one);
    return [[name, two.medianMs - one.medianMs <= 0.02 ? Math.max(value, 1) : value]];
  });
}

/** TensorFlow.js with our kernels against without. */
function tfjsRatios(layers: readonly LayerResult[], peer: string, operation: Operation): Valued[] {
  return valuesOf(layers, (layer) => peerRatio(peer, 'tfjs-wasm', layer, operation));
}

function threadedRatios(layers: readonly LayerResult[]): Valued[] {
  return valuesOf(layers, (layer) => threadedRatioTo('onnxruntime-web x2', layer, 'endToEnd'));
}

export function goals({ layers, convolutions, firstCalls }: Report): Goal[] {
  const averaged = layers.filter(({ isLarge }) => !isLarge);
  const compute = layers.filter(isCompute);
  const byArithmetic = compute.filter((layer) => boundOf(layer).by === 'peak');
  const byMemory = compute.filter((layer) => boundOf(layer).by === 'memory');
  const wide = convolutions.filter(({ cin, cout }) => cin >= 64 && cout >= 64);
  const all = [...layers, ...convolutions];
  const workspace = valuesOf(
    all,
    ({ workspaceBytes: { forward, backward } }) => Math.max(forward, backward) / MEBIBYTE,
  );
  const direct = valuesOf(all, ({ workspaceBytes }) => workspaceBytes.direct && workspaceBytes.direct / MEBIBYTE);
  return [
    ...meanGoal('forward against onnxruntime-web', 3.2, '×', ratios(averaged, 'onnxruntime-web', 'endToEnd')),
    ...eachGoal('forward against onnxruntime-web', 1.5, '×', ratios(layers, 'onnxruntime-web', 'endToEnd')),
    ...meanGoal('forward against onnxruntime-node', 1.2, '×', ratios(averaged, 'onnxruntime-node', 'endToEnd')),
    ...meanGoal('forward against PyTorch', 1.15, '×', ratios(averaged, 'PyTorch', 'resident')),
    ...meanGoal('forward + backward against PyTorch', 1.2, '×', ratios(averaged, 'PyTorch', 'forwardBackward')),
    ...meanGoal('forward, of peak', 85, '%', shares(compute, 'resident')),
    ...eachGoal('forward, of peak', 75, '%', shares(byArithmetic, 'resident')),
    ...eachGoal('forward, of memory bound', 80, '%', shares(byMemory, 'resident', true)),
    ...meanGoal('gradInput, of peak', 75, '%', shares(compute, 'gradInput')),
    ...meanGoal('gradWeight, of peak', 75, '%', shares(compute, 'gradWeight')),
    ...meanGoal('convolution against onnxruntime-web', 1.5, '×', ratios(convolutions, 'onnxruntime-web', 'endToEnd')),
    ...eachGoal('convolution against onnxruntime-web', 1, '×', ratios(convolutions, 'onnxruntime-web', 'endToEnd')),
    ...eachGoal('convolution of 64 channels or more, of peak', 80, '%', shares(wide, 'resident')),
    ...meanGoal(
      'two threads against one, forward, of 200 MFLOP or more',
      1.85,
      '×',
      speedUps(layers, 'resident', 200e6),
    ),
    ...meanGoal('two threads against one, forward + backward', 1.85, '×', speedUps(layers, 'forwardBackward', 200e6)),
    ...eachGoal('two threads against one, or 20 µs', 0.98, '×', noticeable(layers)),
    ...meanGoal('forward on two threads against onnxruntime-web x2', 3.6, '×', threadedRatios(averaged)),
    ...eachGoal(
      'channels last against row-major, of 100 MFLOP or more',
      0.9,
      '×',
      valuesOf(ofAtLeast(layers, 100e6), channelsLastRatio),
    ),
    ...['tfjs-upconv', 'tfjs-upconv-copies'].flatMap((peer) =>
      (['resident', 'endToEnd'] as const).flatMap((operation) =>
        meanGoal(`${peer} against tfjs-wasm, ${operation}`, 10, '×', tfjsRatios(averaged, peer, operation)),
      ),
    ),
    ...eachGoal('workspace without transforms', 4, 'MiB', direct, true),
    ...eachGoal('workspace', 8, 'MiB', workspace, true),
    ...(firstCalls === null ? [] : callGoals(firstCalls)),
  ];
}

function callGoals({
  initMs,
  threadedInitMs,
  overheadUs,
  dispatch,
  processes,
}: NonNullable<Report['firstCalls']>): Goal[] {
  const over = `${processes} processes`;
  const common = { atMost: true, misses: [], over } as const;
  return [
    { ...common, name: 'init({ threads: 1 })', goal: 20, unit: 'ms', value: initMs },
    { ...common, name: 'createEngine({ threads: 2 })', goal: 60, unit: 'ms', value: threadedInitMs },
    { ...common, name: 'forwardSync outside kernels', goal: 10, unit: 'µs', value: overheadUs.forward },
    { ...common, name: 'an empty stage on two threads', goal: 15, unit: 'µs', value: dispatch.handOverUs },
  ];
}
