/** Two versions of this package in one run, call by call in turns: what a change gains and loses. */

import { interleave, timeOf, timesFaster } from '../src/cli/benchmark/interleave.ts';
import type { Subject, Timing } from '../src/cli/benchmark/interleave.ts';
import type { Package } from '../src/cli/benchmark/layer_calls.ts';
import { LayerCalls, randomData } from '../src/cli/benchmark/layer_calls.ts';
import { geometricMean } from '../src/cli/benchmark/statistics.ts';
import { markdownTable } from '../src/cli/benchmark/table.ts';
import { upconv } from './built_package.ts';
import { CONV_LAYERS } from './conv_layers.ts';
import type { Layer } from './layers.ts';
import { flopsOf, loadLayers, selectLayers } from './layers.ts';
import { describeCommit, loadAtStart } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { resolveCommit, withPackageOf } from './worktree.ts';

const CALLS: Readonly<Record<string, (calls: LayerCalls) => void>> = {
  forward: (calls) => calls.forward().dispose(),
  gradInput: (calls) => calls.gradInput().dispose(),
  gradWeight: (calls) => calls.gradWeight().dispose(),
};
const OPERATIONS = Object.keys(CALLS);

export interface Comparison {
  readonly layer: string;
  readonly operation: string;
  /** GFLOP/s at the median time. */
  readonly before: number;
  readonly after: number;
  /** How many times faster it is now: median over turns. */
  readonly factor: number;
}

/** @throws {UsageError} for a commit or layer that does not exist */
export async function compareWith(commit: string, options: BenchOptions): Promise<Comparison[]> {
  const layers = selectLayers([...loadLayers(), ...CONV_LAYERS], options.layers);
  const before = resolveCommit(commit);
  loadAtStart();
  const found = await withPackageOf(before, async (other) => {
    const results: Comparison[] = [];
    for (const layer of layers) {
      results.push(...(await compareLayer(layer, other, options)));
      console.error(layer.name);
    }
    return results;
  });
  console.log(`Before: ${before}. After: ${describeCommit()}.\n\n${comparisonText(found)}`);
  return found;
}

async function compareLayer(layer: Layer, other: Package, options: BenchOptions): Promise<Comparison[]> {
  const numerics = options.variant === 'simd' ? 'portable' : 'fast';
  const data = randomData(layer);
  const sides: { name: string; calls: LayerCalls; dispose: () => void }[] = [];
  for (const [name, upconvOfSide] of Object.entries({ before: other, after: upconv })) {
    const engine = await upconvOfSide.createEngine({ threads: 1, numerics });
    sides.push({ name, calls: new LayerCalls(upconvOfSide, engine, data), dispose: () => engine.dispose() });
  }
  const subjects = OPERATIONS.flatMap((operation) =>
    sides.map(({ name, calls }): Subject => ({
      name: `${operation} ${name}`,
      repetitions: options.repetitions,
      time: () => timeOf(() => CALLS[operation](calls)),
    })),
  );
  try {
    const timings = await interleave(subjects, options.budget * 1000);
    const timingOf = (name: string): Timing => timings.get(name) as Timing;
    const speed = (name: string): number => flopsOf(layer) / timingOf(name).medianMs / 1e6;
    return OPERATIONS.map((operation) => ({
      layer: layer.name,
      operation,
      before: speed(`${operation} before`),
      after: speed(`${operation} after`),
      factor: timesFaster(timingOf(`${operation} after`), timingOf(`${operation} before`)),
    }));
  } finally {
    for (const side of sides) side.dispose();
  }
}

/** Losses first. */
export function comparisonText(found: readonly Comparison[]): string {
  const rows = found
    .toSorted((a, b) => a.factor - b.factor)
    .map((result) => [
      result.layer,
      result.operation,
      result.before.toFixed(1),
      result.after.toFixed(1),
      result.factor < 1 ? `**${result.factor.toFixed(3)}**` : result.factor.toFixed(3),
    ]);
  const means = OPERATIONS.map((operation) => {
    const factors = found.filter((result) => result.operation === operation).map(({ factor }) => factor);
    return `${operation} ${geometricMean(factors).toFixed(3)}`;
  });
  return [
    `Geometric means of after ÷ before: ${means.join(', ')}.`,
    '',
    markdownTable(['layer', 'operation', 'before, GFLOP/s', 'after', 'after ÷ before'], rows),
  ].join('\n');
}
