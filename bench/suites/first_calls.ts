/** First calls, each measured in fresh processes: code is compiled, plans are made, weights are packed. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from '../../src/cli/benchmark/statistics.ts';
import type { Overheads } from '../first_calls/overhead.ts';
import type { Layer } from '../layers.ts';
import { flopsOf, loadLayers, selectLayers } from '../layers.ts';
import type { FirstCallResult, FirstCalls } from '../results.ts';

const LAYERS = ['pix2pix-innermost', 'sam-dc2', 'vqvae2-upsample_t', 'hifigan-up1', 'nnunet-up3'];
const PROCESSES = 5;

type Figures = Readonly<Record<string, number>>;

export function benchFirstCalls(): FirstCalls {
  const started: Figures[] = [];
  const layers: FirstCallResult[] = [];
  for (const layer of selectLayers(loadLayers(), LAYERS)) {
    const { importMs, initMs, ...calls } = probe('calls', layer);
    started.push({ importMs, initMs });
    const figures = { ...calls, ...probe('prepared', layer), ...probe('stages', layer) };
    layers.push({ name: layer.name, flops: flopsOf(layer), ...figures } as FirstCallResult);
  }
  const { threadedInitMs, dispatchUs, handOverUs, wakeUs, ...overheadUs } = probe('overhead') as unknown as Overheads;
  return {
    importMs: median(started.map(({ importMs }) => importMs)),
    initMs: median(started.map(({ initMs }) => initMs)),
    processes: PROCESSES,
    layers,
    overheadUs,
    threadedInitMs,
    dispatch: { dispatchUs, handOverUs, wakeUs },
  };
}

/** Medians over processes. */
function probe(mode: string, layer?: Layer): Figures {
  const script = fileURLToPath(new URL('../first_calls/probe.ts', import.meta.url));
  const args = [script, mode, ...(layer === undefined ? [] : [JSON.stringify(layer)])];
  const runs = Array.from(
    { length: PROCESSES },
    () => JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Figures,
  );
  const names = Object.keys(runs[0]);
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]))]));
}
