/** Measures the quick layers of the benchmark, one thread each, in turns with onnxruntime-web. Begins when it is made. */

import * as onnxruntime from 'onnxruntime-web/wasm';
import { disagreement } from '../../../bench/checks/agreement.ts';
import allLayers from '../../../bench/layers.json' with { type: 'json' };
import { openProblem } from '../../../bench/peers/onnxruntime.ts';
import type { Peer, PeerCall } from '../../../bench/peers/peer.ts';
import { interleave, timeOf } from '../../../src/cli/benchmark/interleave.ts';
import { flopsOf, type Layer } from '../../../src/cli/benchmark/layer.ts';
import { LayerCalls, randomData } from '../../../src/cli/benchmark/layer_calls.ts';
import { QUICK_LAYERS } from '../../../src/cli/benchmark/quick_layers.ts';
import * as upconv from '../../../src/index.ts';
import type { LayerFigures, SpeedMessage } from './messages.ts';

const BUDGET_MS = 800;
const REPETITIONS = 3;

const tell = (message: SpeedMessage): void => postMessage(message);

function openOnnxRuntime(data: ReturnType<typeof randomData>): Promise<Peer> {
  const options = { executionProviders: ['wasm'], logSeverityLevel: 3 } as const;
  return openProblem(onnxruntime, options, { kind: 'layer', data });
}

/** @throws when the two do not compute the same */
async function measure(engine: upconv.Engine, layer: Layer): Promise<LayerFigures> {
  const data = randomData(layer);
  const ours = new LayerCalls(upconv, engine, data);
  const peer = await openOnnxRuntime(data);
  try {
    const theirs: PeerCall = peer.calls.endToEnd!;
    await theirs.time();
    const apart = disagreement(layer, await theirs.results(), { output: ours.forwardEndToEnd() });
    if (!(apart <= 1)) throw new Error(`${layer.name}: upconv and onnxruntime-web differ by more than rounding`);
    const timings = await interleave(
      [
        { name: 'upconv', repetitions: REPETITIONS, time: () => timeOf(() => void ours.forwardEndToEnd()) },
        { name: 'onnxruntime', repetitions: REPETITIONS, time: theirs.time },
      ],
      BUDGET_MS,
    );
    const speed = (name: string): number => flopsOf(layer) / timings.get(name)!.medianMs / 1e6;
    return { name: layer.name, model: layer.model, upconv: speed('upconv'), onnxruntime: speed('onnxruntime') };
  } finally {
    await peer.close();
    ours.dispose();
    engine.trim();
  }
}

async function run(): Promise<void> {
  onnxruntime.env.wasm.numThreads = 1;
  onnxruntime.env.wasm.wasmPaths = { wasm: '/ort-wasm-simd-threaded.wasm' };
  const engine = await upconv.createEngine({ threads: 1 });
  const layers = (allLayers as Layer[]).filter(({ name }) => QUICK_LAYERS.has(name));
  tell({
    kind: 'begin',
    layers: layers.length,
    upconv: `upconv, variant ${engine.info.variant}, register tile ${engine.info.microkernel}`,
    onnxruntime: `onnxruntime-web ${onnxruntime.env.versions.web ?? ''}, wasm`,
  });
  for (const layer of layers) tell({ kind: 'layer', figures: await measure(engine, layer) });
  tell({ kind: 'end' });
}

try {
  await run();
} catch (error) {
  tell({ kind: 'failure', message: error instanceof Error ? error.message : String(error) });
}
