/** `npm run bench`: times the layers of layers.json next to other libraries. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type as systemType } from 'node:os';
import type { OpenPeer } from './bench_layer.ts';
import { benchLayer } from './bench_layer.ts';
import { upconv } from './built_package.ts';
import type { Layer } from './layers.ts';
import { loadLayers, selectLayers } from './layers.ts';
import type { BenchOptions } from './options.ts';
import { parseOptions, USAGE } from './options.ts';
import { Peak } from './peak.ts';
import { ONNXRUNTIME_WEB_VERSION, openOnnxRuntimeWeb } from './peers/onnxruntime_web.ts';
import { toMarkdown } from './report.ts';
import type { LayerResult, Report } from './results.ts';
import { complaints, gflops, ratioTo } from './results.ts';

const PEERS: ReadonlyMap<string, OpenPeer> = new Map([['onnxruntime-web', openOnnxRuntimeWeb]]);
/** Something else is running: times are not to be trusted. */
const BUSY_LOAD = 1.2;

async function run(layers: readonly Layer[], options: BenchOptions): Promise<Report> {
  const [loadAverageAtStart] = loadavg();
  if (loadAverageAtStart > BUSY_LOAD) {
    console.error(`warning: load average ${loadAverageAtStart.toFixed(2)}; something else runs on this machine`);
  }
  const engine = await upconv.createEngine({
    threads: 1,
    numerics: options.variant === 'simd' ? 'portable' : 'fast',
    ...(options.microkernel === undefined ? {} : { microkernel: options.microkernel }),
  });
  const peak = await Peak.create(options.variant);
  const results: LayerResult[] = [];
  for (const layer of layers) {
    peak.sample();
    const result = await benchLayer(layer, engine, options.peers ? PEERS : new Map(), options);
    results.push(result);
    console.error(progressLine(result));
  }
  peak.sample();
  const { variant } = engine.info;
  engine.dispose();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpus()[0].model,
      cores: cpus().length,
      memoryGib: Math.round(totalmem() / 2 ** 30),
      system: `${systemType()} ${release()}`,
    },
    node: process.versions.node,
    peers: options.peers ? { 'onnxruntime-web': ONNXRUNTIME_WEB_VERSION } : {},
    variant,
    microkernel: options.microkernel ?? 'chosen by the plan',
    loadAverageAtStart,
    secondsPerLayer: options.budget,
    repetitions: options.repetitions,
    peak: { median: peak.gflops, least: peak.least, most: peak.most },
    layers: results,
  };
}

function progressLine(result: LayerResult): string {
  const { name, flops, resident, gradInput, gradWeight } = result;
  const speeds = [resident, gradInput, gradWeight].map((timing) => gflops(flops, timing).toFixed(1));
  const ratio = ratioTo('onnxruntime-web', result);
  return `${name.padEnd(20)} ${speeds.join(' / ')} GFLOP/s${ratio === null ? '' : `, ratio ${ratio.toFixed(2)}`}`;
}

/** Only the run that the report is defined by may replace it. */
function isComplete({ layers, peers, variant, microkernel }: BenchOptions): boolean {
  return layers.length === 0 && peers && variant === 'relaxed' && microkernel === undefined;
}

async function main(): Promise<void> {
  let options: BenchOptions | null;
  let layers: Layer[] = [];
  try {
    options = parseOptions(process.argv.slice(2));
    if (options !== null) layers = selectLayers(loadLayers(), options.layers);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const report = await run(layers, options);
  const json = `${JSON.stringify(report, null, 1)}\n`;
  const markdown = toMarkdown(report);
  if (isComplete(options)) {
    const folder = new URL('reports/', import.meta.url);
    mkdirSync(folder, { recursive: true });
    writeFileSync(new URL('latest.md', folder), markdown);
    writeFileSync(new URL('latest.json', folder), json);
  }
  if (options.json !== undefined) writeFileSync(options.json, json);
  console.log(markdown);
  if (report.layers.flatMap(complaints).length > 0) process.exitCode = 1;
}

await main();
