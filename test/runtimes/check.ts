/**
 * The package as users install it, on whatever runtime runs this: nothing of the repository, and numbers computed by hand.
 * Prints what was found as a line of JSON.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  convTranspose2d,
  ConvTranspose2d,
  convTranspose2dBackward,
  convTranspose2dSync,
  createEngine,
  createEngineSync,
  init,
  manualSeed,
  mseLoss,
  rand,
  SGD,
  tensor,
} from 'upconv';
import type { Engine, Tensor } from 'upconv';
import { createKernels, loadVariant } from 'upconv/kernels';
import { readNpy, writeNpy } from 'upconv/npy';

/** What a runtime is, as far as it tells an engine. */
export interface Found {
  /** Of the runtime. */
  readonly version: string;
  readonly variant: string;
  readonly threads: number;
  readonly threadsReason?: string;
  readonly relaxed: boolean;
  /** Whether vectors of 256 bits came when they were asked for. */
  readonly wide: boolean;
}

async function checkNumbers(engine: Engine): Promise<void> {
  const made = (values: number[], shape?: number[]): Tensor => tensor(values, shape, { engine });
  const input = made([1, 2, 3, 4], [1, 1, 2, 2]);
  const weight = made([1, -1, 2, 0.5], [1, 1, 2, 2]);
  const output = await convTranspose2d(input, weight, made([0.5]));
  assert.deepEqual(output.shape, [1, 1, 3, 3]);
  assert.deepEqual([...output.toTypedArray()], [1.5, 1.5, -1.5, 5.5, 6, -2.5, 6.5, 10, 2.5]);
  const gradOutput = made([1, 0, 2, 0, 3, 0, 4, 0, 5], [1, 1, 3, 3]);
  const { gradInput, gradWeight, gradBias } = await convTranspose2dBackward(gradOutput, input, weight);
  assert.deepEqual([...gradInput.toTypedArray()], [2.5, 4, 5, 5.5]);
  assert.deepEqual([...gradWeight.toTypedArray()], [13, 13, 18, 23]);
  assert.deepEqual([...gradBias.toTypedArray()], [15]);
}

/** The same bits with every number of threads, at once and in turns. */
async function checkThreads(wanted: Engine): Promise<void> {
  const results: number[][] = [];
  for (const engine of [wanted, await createEngine({ threads: 1 }), await createEngine({ threads: 3 })]) {
    manualSeed(7);
    const [x, w] = [rand([1, 64, 24, 24], { engine }), rand([64, 32, 4, 4], { engine })];
    const options = { stride: 2, padding: 1 };
    results.push([...(await convTranspose2d(x, w, null, options)).toTypedArray()]);
    results.push([...convTranspose2dSync(x, w, null, options).toTypedArray()]);
    if (engine !== wanted) engine.dispose();
  }
  for (const result of results) assert.deepEqual(result, results[0]);
}

async function checkTraining(engine: Engine): Promise<void> {
  manualSeed(1);
  const model = new ConvTranspose2d(2, 1, 2, { stride: 2, engine });
  const optimizer = new SGD(model.parameters(), { lr: 0.2 });
  const [x, target] = [rand([4, 2, 8, 8], { engine }), rand([4, 1, 16, 16], { engine })];
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    optimizer.zeroGrad();
    const output = await model.forward(x);
    const { value, gradOutput } = await mseLoss(output, target);
    await model.backward(gradOutput);
    await optimizer.step();
    losses.push(value);
  }
  assert.ok(losses[9] < losses[0] * 0.9, String(losses));
}

/** The files that the package exports, found by their names. */
async function checkFiles(): Promise<void> {
  const fileOf = (name: string): URL => new URL(import.meta.resolve(name));
  const wasm = new WebAssembly.Module(readFileSync(fileOf('upconv/wasm/simd.wasm')));
  const plain = createEngineSync({ wasm });
  assert.equal(plain.info.variant, 'simd');
  await checkNumbers(plain);
  plain.dispose();
  const shared = await createEngine({ threads: 2, workerUrl: fileOf('upconv/worker.js') });
  assert.equal(shared.info.threads, 2, shared.info.threadsReason ?? 'no reason');
  shared.dispose();
}

/** Vectors of 256 bits, or none and the reason. */
async function checkWide(): Promise<boolean> {
  const engine = await createEngine({ wide: true });
  const { wide, wideReason } = engine.info;
  assert.equal(wideReason === undefined, wide, wideReason ?? 'no reason');
  await checkNumbers(engine);
  engine.dispose();
  return wide;
}

async function checkOtherEntries(): Promise<void> {
  const kernels = createKernels(await loadVariant('auto'), new WebAssembly.Memory({ initial: 1 }));
  assert.equal(typeof kernels.exports.convTransposeForward, 'function');
  const { data, shape } = readNpy(writeNpy({ data: Float32Array.of(1, 2, 3), shape: [3] }));
  assert.deepEqual([[...data], [...shape]], [[1, 2, 3], [3]]);
}

const engine = await init();
await checkNumbers(engine);
await checkThreads(engine);
await checkTraining(engine);
await checkFiles();
await checkOtherEntries();
const wide = await checkWide();
const { variant, threads, threadsReason, relaxed } = engine.info;
const { bun, deno, node } = process.versions as { bun?: string; deno?: string; node: string };
const found: Found = { version: bun ?? deno ?? node, variant, threads, threadsReason, relaxed, wide };
console.log(JSON.stringify(found));
// and ends: workers do not keep a process alive
