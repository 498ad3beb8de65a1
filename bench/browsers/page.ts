/** What one browser is measured by: the speed tab's layers, and each register tile of the package. Runs in a page. */

import type { LayerFigures, SpeedMessage } from '../../demo/page/speed/messages.ts';
import { interleave, timeOf } from '../../src/cli/benchmark/interleave.ts';
import { flopsOf, type Layer } from '../../src/cli/benchmark/layer.ts';
import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import * as upconv from '../../src/index.ts';
import allLayers from '../layers.json' with { type: 'json' };

export interface BrowserRun {
  /** Of both packages, with what was loaded of them. */
  readonly versions: string;
  readonly variant: string;
  /** The tile that engines choose. */
  readonly microkernel: string;
  /** GFLOP/s of each tile. */
  readonly tiles: Readonly<Record<string, number>>;
  readonly layers: readonly LayerFigures[];
}

/** A layer whose time is nearly all in the micro-kernel. */
const LAYER = 'pix2pix-up2';
const TILES = ['6x8', '5x8', '4x8'] as const;
const BUDGET_MS = 3000;
const REPETITIONS = 10;

function measureLayers(): Promise<Pick<BrowserRun, 'versions' | 'layers'>> {
  const worker = new Worker('/speed.js', { type: 'module' });
  const layers: LayerFigures[] = [];
  let versions = '';
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', (event) => reject(new Error(event.message || 'the worker did not start')));
    worker.addEventListener('message', ({ data }: MessageEvent<SpeedMessage>) => {
      if (data.kind === 'begin') versions = `${data.upconv}; ${data.onnxruntime}`;
      else if (data.kind === 'layer') layers.push(data.figures);
      else if (data.kind === 'failure') reject(new Error(data.message));
      else {
        worker.terminate();
        resolve({ versions, layers });
      }
    });
  });
}

async function measureTiles(): Promise<Pick<BrowserRun, 'variant' | 'microkernel' | 'tiles'>> {
  const layer = (allLayers as Layer[]).find(({ name }) => name === LAYER)!;
  const data = randomData(layer);
  const subjects = await Promise.all(
    TILES.map(async (microkernel) => {
      const engine = await upconv.createEngine({ threads: 1, microkernel });
      const calls = new LayerCalls(upconv, engine, data, 'planes');
      return { name: microkernel, repetitions: REPETITIONS, time: () => timeOf(() => calls.forward().dispose()) };
    }),
  );
  const timings = await interleave(subjects, BUDGET_MS);
  const speed = (tile: string): number => flopsOf(layer) / timings.get(tile)!.medianMs / 1e6;
  const { variant, microkernel } = (await upconv.createEngine({ threads: 1 })).info;
  return { variant, microkernel, tiles: Object.fromEntries(TILES.map((tile) => [tile, speed(tile)])) };
}

const run = async (): Promise<BrowserRun> => ({ ...(await measureTiles()), ...(await measureLayers()) });
const report = await run().catch((error: unknown) => ({ error: String(error) }));
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
