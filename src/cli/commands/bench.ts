import { cpus } from 'node:os';
import * as upconv from '../../index.ts';
import { measureLayer, type LayerSpeed } from '../benchmark/layer_speed.ts';
import { Peak } from '../benchmark/peak.ts';
import { benchJson, benchText } from '../benchmark/report.ts';
import { loadSuite, type SuiteName } from '../benchmark/suites.ts';
import { checkOutput, writeOutput } from '../files.ts';
import { createProgress } from '../progress.ts';

export interface BenchOptions {
  readonly suite: SuiteName;
  /** Beginnings of names of layers; all layers of the suite when absent. */
  readonly layers?: string[];
  /** File for the figures. */
  readonly json?: string;
}

/**
 * Times layers on one thread, forward and backward, against the multiply-adds that one core can do in this run.
 * Prints a table on stdout. Throws `CliError` naming the file for what the user can correct.
 */
export async function bench(options: BenchOptions, version: string, layersFile: URL): Promise<void> {
  const { suite, json } = options;
  if (json !== undefined) checkOutput(json, []);
  const { layers, budgetMs } = loadSuite(suite, layersFile, options.layers);
  const progress = createProgress(process.stderr);
  const engine = await upconv.createEngine({ threads: 1 });
  try {
    const { variant, microkernel, relaxed, threads } = engine.info;
    const peak = await Peak.create(relaxed ? 'relaxed' : 'simd');
    const speeds: LayerSpeed[] = [];
    for (const layer of layers) {
      progress.update(() => `${speeds.length + 1}/${layers.length} ${layer.name}`);
      peak.sample();
      speeds.push(await measureLayer(upconv, engine, layer, budgetMs));
    }
    peak.sample();
    progress.clear();
    const report = {
      upconv: version,
      date: new Date().toISOString().slice(0, 10),
      suite,
      runtime: `${process.release.name} ${process.version}, ${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model ?? 'unknown processor',
      variant,
      microkernel,
      threads,
      peak: { median: peak.gflops, least: peak.least, most: peak.most },
      layers: speeds,
    };
    process.stdout.write(benchText(report));
    if (json !== undefined) writeOutput(json, Buffer.from(benchJson(report)));
  } finally {
    progress.clear();
    engine.dispose();
  }
}
