/** What the page of every bundler does: one call of the package, and a report of it to the server of the test. */

import { convTranspose2d, init, tensor } from 'upconv';

/** One number after another, the same as in run.ts. */
const numbers = (count) => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 64);

async function compute() {
  let workerUrl;
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      workerUrl = String(url);
    }
  };
  const engine = await init({ threads: 2 });
  const input = tensor(numbers(32 * 16 * 16), [1, 32, 16, 16]);
  const weight = tensor(numbers(32 * 16 * 16), [32, 16, 4, 4]);
  const output = await convTranspose2d(input, weight, null, { stride: 2, padding: 1 });
  return { info: engine.info, output: [...output.toTypedArray()], workerUrl };
}

export async function run() {
  const report = await compute().catch((error) => ({ error: String(error) }));
  await fetch('/report', { method: 'POST', body: JSON.stringify({ crossOriginIsolated, ...report }) });
}
