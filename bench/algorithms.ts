/**
 * Times every path that a layer accepts, so that the choice of the plan can be checked: a path that is more than a
 * tenth faster than the chosen one in two runs is a wrong choice.
 */

import { interleave, timeOf } from '../src/cli/benchmark/interleave.ts';
import { LayerCalls, randomData } from '../src/cli/benchmark/layer_calls.ts';
import { markdownTable } from '../src/cli/benchmark/table.ts';
import type { Bench } from './bench.ts';
import type { Layer } from './layers.ts';
import { flopsOf, loadLayers, selectLayers, shapesOf } from './layers.ts';
import { openBench } from './open_bench.ts';
import type { BenchOptions } from './options.ts';

const CHOSEN = 'auto';
const RUNS = 2;
const TOLERATED = 1.1;

interface Paths {
  readonly layer: Layer;
  /** GFLOP/s of each path, one per run. */
  readonly speeds: ReadonlyMap<string, readonly number[]>;
}

/** A table on stdout; resolves to whether every choice is right. */
export async function compareAlgorithms(options: BenchOptions): Promise<boolean> {
  const { bench, close } = await openBench({ ...options, peers: [] });
  try {
    const found: Paths[] = [];
    for (const layer of selectLayers(loadLayers(), options.layers)) {
      found.push(await timePaths(layer, bench));
      console.error(layer.name);
    }
    console.log(pathTable(found));
    const wrong = found.flatMap(wrongChoices);
    console.log(wrong.length === 0 ? '\nNo path is a tenth faster than the chosen one.' : `\n${wrong.join('\n')}`);
    return wrong.length === 0;
  } finally {
    await close();
  }
}

async function timePaths(layer: Layer, { upconv, engine, budgetMs, repetitions }: Bench): Promise<Paths> {
  const data = randomData(layer);
  const { input, weight } = shapesOf(layer);
  const { stride, padding, outputPadding, groups, dilation } = layer;
  const options = { stride, padding, outputPadding, groups, dilation };
  const accepted = upconv.convTransposeAlgorithms(input, weight, options);
  const names = [CHOSEN, ...accepted.filter((name) => name !== CHOSEN)];
  const calls = names.map((name) => ({ name, layer: new LayerCalls(upconv, engine, data, name) }));
  const speeds = new Map(names.map((name) => [name, [] as number[]]));
  for (let run = 0; run < RUNS; run++) {
    const subjects = calls.map(({ name, layer }) => ({
      name,
      repetitions,
      time: () => timeOf(() => layer.forward().dispose()),
    }));
    for (const [name, { medianMs }] of await interleave(subjects, budgetMs / RUNS)) {
      speeds.get(name)?.push(flopsOf(layer) / medianMs / 1e6);
    }
  }
  for (const call of calls) call.layer.dispose();
  engine.trim();
  return { layer, speeds };
}

function pathTable(found: readonly Paths[]): string {
  const names = [...new Set(found.flatMap(({ speeds }) => [...speeds.keys()]))];
  const rows = found.map(({ layer, speeds }) =>
    [layer.name].concat(
      names.map(
        (name) =>
          speeds
            .get(name)
            ?.map((speed) => speed.toFixed(1))
            .join(' / ') ?? '–',
      ),
    ),
  );
  return markdownTable(['GFLOP/s', ...names], rows);
}

function wrongChoices({ layer, speeds }: Paths): string[] {
  const chosen = speeds.get(CHOSEN) ?? [];
  return [...speeds].flatMap(([name, values]) => {
    const factors = values.map((speed, run) => speed / chosen[run]);
    if (!factors.every((factor) => factor > TOLERATED)) return [];
    return `${layer.name}: ${name} is ${factors.map((factor) => factor.toFixed(2)).join(' and ')} times as fast`;
  });
}
