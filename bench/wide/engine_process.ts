/** An engine in a process of its own, as V8's flag holds for a whole process: the other side of engines.ts. */

import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import { upconv } from '../built_package.ts';
import type { Layer } from '../layers.ts';
import { shapesOf } from '../layers.ts';
import { forwardErrors } from './accuracy.ts';
import type { OpenedLayer, WideRequest } from './engines.ts';

const wide = process.argv.includes('--wide');
const engine = await upconv.createEngine({ threads: 1, wide });
let calls = new Map<string, LayerCalls>();

function open(layer: Layer, accuracy: boolean): OpenedLayer {
  for (const call of calls.values()) call.dispose();
  engine.trim();
  const data = randomData(layer);
  const { input, weight } = shapesOf(layer);
  const { stride, padding, outputPadding, groups, dilation } = layer;
  const options = { stride, padding, outputPadding, groups, dilation };
  const accepted = upconv.convTransposeAlgorithms(input, weight, options);
  const algorithms = ['auto', 'direct', 'winograd'].filter(
    (name) => name === 'auto' || accepted.includes(name as 'auto'),
  );
  calls = new Map(algorithms.map((name) => [name, new LayerCalls(upconv, engine, data, name)]));
  const errors = accuracy ? algorithms.map((name) => [name, forwardErrors(upconv, engine, data, name)] as const) : [];
  return { algorithms, errors: Object.fromEntries(errors) };
}

function time(name: string, endToEnd: boolean): number {
  const call = calls.get(name)!;
  const run = (): void => {
    if (endToEnd) call.forwardEndToEnd();
    else call.forward().dispose();
  };
  run(); // another process may have had the caches
  const began = performance.now();
  run();
  return performance.now() - began;
}

process.on('message', (request: WideRequest) => {
  process.send!(request.do === 'open' ? open(request.layer, request.accuracy) : time(request.name, request.endToEnd));
});
process.send!(engine.info);
