/** Charts of layers: ratios to others, and shares of the peak. */

import { ratioTo, shareOf } from '../metrics.ts';
import type { Operation } from '../peers/peer.ts';
import type { LayerResult } from '../results.ts';
import type { Block } from './document.ts';

interface Compared {
  readonly peer: string;
  readonly operation: Operation;
  readonly title: string;
}

/** Losses on top: sorted by the first comparison. */
export function ratioChart(
  name: string,
  title: string,
  layers: readonly LayerResult[],
  compared: readonly Compared[],
): Block[] {
  const of = (layer: LayerResult, { peer, operation }: Compared): number | undefined => ratioTo(peer, layer, operation);
  const shown = compared.filter((comparison) => layers.some((layer) => of(layer, comparison) !== undefined));
  if (shown.length === 0) return [];
  const sorted = layers.toSorted((a, b) => (of(a, shown[0]) ?? Infinity) - (of(b, shown[0]) ?? Infinity));
  const series = shown.map((comparison) => ({
    name: comparison.title,
    values: sorted.map((layer) => of(layer, comparison)),
  }));
  const categories = sorted.map((layer) => layer.name);
  const chart = { name, title, axis: 'times faster', categories, series, line: 1, logarithmic: true };
  return [{ kind: 'chart', chart }];
}

export function peakChart(
  name: string,
  title: string,
  layers: readonly LayerResult[],
  operations: Readonly<Partial<Record<Operation, string>>>,
): Block {
  const share = (layer: LayerResult, operation: Operation): number | undefined => {
    const value = shareOf('peak', layer, operation);
    return value && 100 * value;
  };
  const sorted = layers.toSorted((a, b) => (share(a, 'resident') ?? 0) - (share(b, 'resident') ?? 0));
  const series = Object.entries(operations).map(([operation, title]) => ({
    name: title,
    values: sorted.map((layer) => share(layer, operation as Operation)),
  }));
  const categories = sorted.map((layer) => layer.name);
  return { kind: 'chart', chart: { name, title, axis: '% of peak', categories, series, line: 100 } };
}
