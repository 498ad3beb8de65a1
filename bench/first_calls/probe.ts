/**
 * Run in a fresh process: what the first calls cost. Prints one line of JSON.
 *
 *   node probe.ts calls|prepared|stages|overhead [layer as JSON]
 */

import { timeOf } from '../../src/cli/benchmark/interleave.ts';
import type { Layer } from '../layers.ts';
import { median } from '../../src/cli/benchmark/statistics.ts';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import { placeForward } from './placed_plan.ts';
import { overheads } from './overhead.ts';

const STEADY_MS = 200;

type Mutable = { [Name in keyof Layer]: Layer[Name] extends readonly number[] ? number[] : Layer[Name] };

/** Time of loading the package, of making an engine, and of a layer's first calls. */
async function calls(data: LayerData): Promise<Record<string, number>> {
  const importStarted = performance.now();
  const { upconv } = await import('../built_package.ts');
  const importMs = performance.now() - importStarted;
  const initStarted = performance.now();
  const engine = await upconv.createEngine({ threads: 1 });
  const initMs = performance.now() - initStarted;
  const layer = new LayerCalls(upconv, engine, data);
  const time = (): number => timeOf(() => layer.forward().dispose());
  const times = Array.from({ length: 10 }, time);
  const steady: number[] = [];
  for (const started = performance.now(); performance.now() - started < STEADY_MS || steady.length < 3;) {
    steady.push(time());
  }
  return { importMs, initMs, first: times[0], second: times[1], tenth: times[9], steady: median(steady) };
}

/** The first call of a module behind `prepare()`. */
async function prepared({ layer, shapes, input, weight }: LayerData): Promise<Record<string, number>> {
  const { upconv } = await import('../built_package.ts');
  const engine = await upconv.createEngine({ threads: 1 });
  const { cin, cout, dims, groups } = layer;
  const { kernel, stride, padding, outputPadding, dilation } = structuredClone(layer) as Mutable;
  const Module = upconv[`ConvTranspose${dims}d` as const];
  const options = { stride, padding, outputPadding, groups, dilation, bias: false, engine };
  const module = new Module(cin, cout, kernel, options).eval();
  module.weight.copyFrom(weight);
  const x = upconv.tensor(input, shapes.input, { engine });
  const started = performance.now();
  await module.prepare(shapes.input);
  const prepare = performance.now() - started;
  return { prepare, firstAfterPrepare: timeOf(() => module.forwardSync(x).dispose()) };
}

/**
 * The parts of a first call: the plan and the packed weight, which are made once, and the kernels, whose first run is
 * in code that is not optimised yet.
 */
async function stages(data: LayerData): Promise<Record<string, number>> {
  const { planMs, packMs, run } = await placeForward(data);
  const runs = Array.from({ length: 10 }, () => timeOf(run));
  return { plan: planMs, pack: packMs, kernelsFirst: runs[0], kernelsTenth: runs[9] };
}

const [, , mode, json] = process.argv;
const layer = json === undefined ? undefined : randomData(JSON.parse(json) as Layer);
const MODES: Readonly<Record<string, (data: LayerData) => Promise<object>>> = {
  calls,
  prepared,
  stages,
  overhead: overheads,
};
console.log(JSON.stringify(await MODES[mode](layer as LayerData)));
