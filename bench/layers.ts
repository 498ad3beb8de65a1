/** The layers that are timed: (transposed) convolutions of models that people run, each with its source. */

import { readFileSync } from 'node:fs';
import type { Layer } from '../src/cli/benchmark/layer.ts';
import { flopsOf } from '../src/cli/benchmark/layer.ts';
import { UsageError } from './usage_error.ts';

export type { Layer, Shapes } from '../src/cli/benchmark/layer.ts';
export { flopsOf, shapesOf, sizeOf } from '../src/cli/benchmark/layer.ts';

/** Larger layers are listed, but not averaged: they take long, so they are timed a few times only. */
const LARGE_FLOPS = 3e9;

export function isLarge(layer: Layer): boolean {
  return flopsOf(layer) > LARGE_FLOPS;
}

/** The transposed convolutions of layers.json, which the command line reads, too. */
export function loadLayers(): Layer[] {
  return JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')) as Layer[];
}

/**
 * @param names layer names or beginnings of names; all layers when empty
 * @throws {UsageError} when a name fits no layer
 */
export function selectLayers(layers: readonly Layer[], names: readonly string[]): Layer[] {
  const unknown = names.find((start) => !layers.some(({ name }) => name.startsWith(start)));
  if (unknown !== undefined) throw new UsageError(`no layer is called ${unknown}…`);
  return layers.filter(({ name }) => names.length === 0 || names.some((start) => name.startsWith(start)));
}
