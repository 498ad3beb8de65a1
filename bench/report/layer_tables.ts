/** Tables of layers. In each the losses come first: rows are sorted by the ratio that the table is about. */

import {
  boundOf,
  channelsLastRatio,
  ratioTo,
  shareOf,
  shareOfBound,
  speed,
  speedUp,
  threadedRatioTo,
} from '../metrics.ts';
import type { Operation } from '../peers/peer.ts';
import type { LayerResult } from '../results.ts';
import type { Block } from './document.ts';
import { table } from './document.ts';
import { DASH, gflops, mebibytes, milliseconds, percent, ratio, timing } from './format.ts';

function sortedBy(layers: readonly LayerResult[], key: (layer: LayerResult) => number | undefined): LayerResult[] {
  return layers.toSorted((a, b) => (key(a) ?? Infinity) - (key(b) ?? Infinity));
}

function start({ name, flops }: LayerResult): string[] {
  return [name, (flops / 1e6).toFixed(1)];
}

/** Numbers in, numbers out; only peers that were timed have columns. */
export function endToEndTable(layers: readonly LayerResult[], peers: readonly string[]): Block {
  const worst = (layer: LayerResult): number =>
    Math.min(...peers.map((peer) => ratioTo(peer, layer, 'endToEnd') ?? Infinity));
  return table(
    ['layer', 'MFLOP', 'upconv', ...peers.flatMap((peer) => [peer, '×'])],
    sortedBy(layers, worst).map((layer) =>
      start(layer).concat(
        gflops(speed(layer, 'endToEnd')),
        peers.flatMap((peer) => [gflops(speed(layer, 'endToEnd', peer)), ratio(ratioTo(peer, layer, 'endToEnd'))]),
      ),
    ),
  );
}

/** Data where each library keeps it. The bound is arithmetic, or what reading and writing the tensors once takes. */
export function residentTable(layers: readonly LayerResult[], peers: readonly string[]): Block {
  return table(
    [
      'layer',
      'MFLOP',
      'upconv',
      '% of peak',
      'bound',
      'by',
      '% of bound',
      '% of tiles',
      ...peers.flatMap((peer) => [peer, '×']),
    ],
    sortedBy(layers, shareOfBound).map((layer) => {
      const ours = speed(layer, 'resident');
      const bound = boundOf(layer);
      return start(layer).concat(
        [gflops(ours), percent(shareOf('peak', layer, 'resident'))],
        [gflops(bound.gflops), bound.by, percent(shareOfBound(layer)), percent(shareOf('tiles', layer, 'resident'))],
        peers.flatMap((peer) => [gflops(speed(layer, 'resident', peer)), ratio(ratioTo(peer, layer, 'resident'))]),
      );
    }),
  );
}

const BACKWARD: readonly (readonly [Operation, string])[] = [
  ['gradInput', 'gradInput'],
  ['gradWeight', 'gradWeight'],
  ['forwardBackward', 'forward + backward'],
];

/** Gradients, and forward with both of them. */
export function backwardTable(layers: readonly LayerResult[], peer: string | undefined): Block {
  const key = (layer: LayerResult): number | undefined =>
    peer === undefined ? speed(layer, 'forwardBackward') : ratioTo(peer, layer, 'forwardBackward');
  return table(
    ['layer', 'MFLOP', ...BACKWARD.flatMap(([, title]) => [title, '%', ...(peer === undefined ? [] : [peer, '×'])])],
    sortedBy(layers, key).map((layer) =>
      start(layer).concat(
        BACKWARD.flatMap(([operation]) => {
          const ours = speed(layer, operation);
          const cells = [gflops(ours), percent(shareOf('peak', layer, operation))];
          if (peer === undefined) return cells;
          return cells.concat(gflops(speed(layer, operation, peer)), ratio(ratioTo(peer, layer, operation)));
        }),
      ),
    ),
  );
}

/** Two threads beside one, and beside a library that has two as well. */
export function threadsTable(layers: readonly LayerResult[], peer: string | undefined): Block {
  return table(
    [
      'layer',
      'MFLOP',
      'forward, ms',
      'on two threads',
      '×',
      'with backward, ms',
      'on two threads',
      '×',
      'cores',
    ].concat(peer === undefined ? [] : [`× ${peer}, end to end`]),
    sortedBy(layers, (layer) => speedUp(layer, 'resident')).map((layer) =>
      start(layer).concat(
        (['resident', 'forwardBackward'] as const).flatMap((operation) => {
          const [one, two] = [layer.upconv[operation], layer.twoThreads[operation]];
          return [one, two]
            .map((shown) => (shown === undefined ? DASH : timing(shown)))
            .concat(ratio(speedUp(layer, operation)));
        }),
        ratio(layer.secondCore),
        peer === undefined ? [] : ratio(threadedRatioTo(peer, layer, 'endToEnd')),
      ),
    ),
  );
}

/** The forward pass in both memory formats. */
export function channelsLastTable(layers: readonly LayerResult[]): Block {
  return table(
    ['layer', 'MFLOP', 'row-major, ms', 'channels last, ms', '×'],
    sortedBy(layers, channelsLastRatio).map((layer) =>
      start(layer).concat(
        [layer.upconv.resident, layer.channelsLast].map((shown) => (shown === undefined ? DASH : timing(shown))),
        ratio(channelsLastRatio(layer)),
      ),
    ),
  );
}

/** Scratch memory beside what others need between GEMM and col2im. */
export function memoryTable(layers: readonly LayerResult[]): Block {
  const largest = ({ workspaceBytes: { forward, backward } }: LayerResult): number => Math.max(forward, backward);
  return table(
    ['layer', 'workspace forward, MiB', 'backward, MiB', 'column buffer of others, MiB', 'stream, ms'],
    sortedBy(layers, (layer) => -largest(layer)).map(({ name, workspaceBytes, columnBytes, streamMs }) => [
      name,
      mebibytes(workspaceBytes.forward),
      mebibytes(workspaceBytes.backward),
      mebibytes(columnBytes),
      milliseconds(streamMs),
    ]),
  );
}
