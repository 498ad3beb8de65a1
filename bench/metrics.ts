/** Figures that follow from results. Speeds are at the median time, ratios are medians over turns. */

import type { Timing } from '../src/cli/benchmark/interleave.ts';
import { timesFaster } from '../src/cli/benchmark/interleave.ts';
import { SAMPLE_FLOPS } from './peak.ts';
import type { Operation } from './peers/peer.ts';
import type { DecoderResult, LayerResult, PeerFailure, PeerResult, TrainingResult } from './results.ts';

/** Dozens of layers of roundings behind one another; a wrong layer is far off. */
const DECODER_TOLERANCE = 1e-4;
/** A pre-activation next to zero may fall on the other side of a ReLU: one gradient in a million is then another. */
const TRAINING_TOLERANCE = 1e-2;

/** Forward and both gradients are three products; everything else is one. */
export function flopsOfOperation({ flops }: LayerResult, operation: Operation): number {
  return operation === 'forwardBackward' ? 3 * flops : flops;
}

/** GFLOP/s; undefined where it was not timed. */
export function speed(layer: LayerResult, operation: Operation, peer?: string): number | undefined {
  const timing = peer === undefined ? layer.upconv[operation] : rightResult(layer, peer)?.timings[operation];
  return timing && flopsOfOperation(layer, operation) / timing.medianMs / 1e6;
}

/** How many times faster two threads are than one; undefined where they were not timed. */
export function speedUp({ upconv, twoThreads }: LayerResult, operation: Operation): number | undefined {
  const [one, two] = [upconv[operation], twoThreads[operation]];
  return one && two && timesFaster(two, one);
}

/** How many times faster channels last are than row-major memory; undefined where they were not timed. */
export function channelsLastRatio({ upconv: { resident }, channelsLast }: LayerResult): number | undefined {
  return resident && channelsLast && timesFaster(channelsLast, resident);
}

/** How many times faster two threads are than a library that has two as well. */
export function threadedRatioTo(peer: string, layer: LayerResult, operation: Operation): number | undefined {
  const ours = layer.twoThreads[operation];
  const theirs = rightResult(layer, peer)?.timings[operation];
  return ours && theirs && timesFaster(ours, theirs);
}

/** How many times faster we are; undefined where the peer has no right result. */
export function ratioTo(peer: string, layer: LayerResult, operation: Operation): number | undefined {
  const ours = layer.upconv[operation];
  const theirs = rightResult(layer, peer)?.timings[operation];
  return ours && theirs && timesFaster(ours, theirs);
}

/** How many times faster one peer is than another; undefined where one of them has no right result. */
export function peerRatio(peer: string, than: string, layer: LayerResult, operation: Operation): number | undefined {
  const [fast, slow] = [peer, than].map((name) => rightResult(layer, name)?.timings[operation]);
  return fast && slow && timesFaster(fast, slow);
}

function rightResult({ peers }: LayerResult, peer: string): PeerResult | undefined {
  const result = peers[peer] as PeerResult | PeerFailure | undefined;
  return result !== undefined && 'timings' in result && isRight(result) ? result : undefined;
}

function isRight({ disagreement }: PeerResult): boolean {
  return disagreement <= 1;
}

/** The most that arithmetic or memory allows forward, GFLOP/s. */
export function boundOf({ flops, streamMs, peak }: LayerResult): { gflops: number; by: 'peak' | 'memory' } {
  const peakGflops = gflopsOf(peak);
  const memory = flops / streamMs / 1e6;
  return memory < peakGflops ? { gflops: memory, by: 'memory' } : { gflops: peakGflops, by: 'peak' };
}

/** Our speed as a share of multiply-adds in registers, or of tiles of the micro-kernel in the first cache. */
export function shareOf(yardstick: 'peak' | 'tiles', layer: LayerResult, operation: Operation): number | undefined {
  const [ours, sample] = [layer.upconv[operation], layer[yardstick]];
  return ours && sample && (timesFaster(ours, sample) * flopsOfOperation(layer, operation)) / SAMPLE_FLOPS;
}

/** GFLOP/s of a yardstick. */
export function gflopsOf({ medianMs }: Timing): number {
  return SAMPLE_FLOPS / medianMs / 1e6;
}

/** The forward pass as a share of that. */
export function shareOfBound(layer: LayerResult): number | undefined {
  const { gflops, by } = boundOf(layer);
  if (by === 'peak') return shareOf('peak', layer, 'resident');
  const ours = speed(layer, 'resident');
  return ours && ours / gflops;
}

/** Layers with enough arithmetic to be measured against the peak. */
export function isCompute({ cin, cout, flops }: LayerResult): boolean {
  return cin >= 64 && cout >= 8 && flops >= 100e6;
}

export interface Loss {
  readonly layer: string;
  readonly peer: string;
  readonly operation: Operation;
  readonly ratio: number;
}

/** Operations that a ratio is taken of: whole calls, and what PyTorch does with data it already has. */
const COMPARED: Readonly<Record<string, readonly Operation[]>> = {
  PyTorch: ['resident', 'gradInput', 'gradWeight', 'forwardBackward'],
  // these are our kernels
  'tfjs-upconv': [],
  'tfjs-upconv-copies': [],
};

export function comparedOperations(peer: string): readonly Operation[] {
  return COMPARED[peer] ?? ['endToEnd'];
}

/** Where a peer is faster, worst first. */
export function losses(layers: readonly LayerResult[]): Loss[] {
  return layers
    .flatMap((layer) =>
      Object.keys(layer.peers).flatMap((peer) =>
        comparedOperations(peer).map((operation) => ({
          layer: layer.name,
          peer,
          operation,
          ratio: ratioTo(peer, layer, operation) ?? Infinity,
        })),
      ),
    )
    .filter(({ ratio }) => ratio < 1)
    .toSorted((a, b) => a.ratio - b.ratio);
}

/** What is wrong with a layer's numbers, if anything; speed of a wrong result means nothing. */
export function layerComplaints({ name, errorInBounds, peers }: LayerResult): string[] {
  const found: string[] = [];
  if (!(errorInBounds <= 1)) found.push(`${name}: upconv is ${errorInBounds} times the error bound off`);
  for (const [peer, result] of Object.entries(peers)) {
    if ('failure' in result) found.push(`${name}: ${peer} failed: ${result.failure}`);
    else if (!isRight(result)) found.push(`${name}: ${peer} is ${result.disagreement} times the tolerance from ours`);
  }
  return found;
}

export function decoderComplaints(result: DecoderResult): string[] {
  return differenceComplaints(result, DECODER_TOLERANCE);
}

export function trainingComplaints(result: TrainingResult): string[] {
  return differenceComplaints(result, TRAINING_TOLERANCE);
}

function differenceComplaints({ name, relativeDifference }: DecoderResult | TrainingResult, most: number): string[] {
  return relativeDifference <= most ? [] : [`${name}: results differ by ${relativeDifference} of their norm`];
}
