/** What a probe page runs: an engine of the built package, and a call. It tells the page around it what came of that. */

import type { OwnedTypedArray } from '../../src/core/dtype.ts';
import type * as upconv from '../../src/index.ts';
import { convTranspose2d, createEngine, tensor } from '../../src/index.ts';

export interface ProbeReport {
  readonly info?: upconv.EngineInfo;
  readonly output?: OwnedTypedArray;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
}

/** One number after another, the same in every page. */
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 64);

async function report(): Promise<ProbeReport> {
  try {
    const options = JSON.parse(decodeURIComponent(location.hash.slice(1))) as upconv.EngineOptions;
    const engine = await createEngine(options);
    const input = tensor(numbers(64 * 24 * 24), [1, 64, 24, 24], { engine });
    const weight = tensor(numbers(64 * 32 * 16), [64, 32, 4, 4], { engine });
    const output = await convTranspose2d(input, weight, null, { stride: 2, padding: 1 });
    return { info: engine.info, output: output.toTypedArray() };
  } catch (error) {
    const { name, code, message } = error as upconv.UpconvError;
    return { error: { name, code, message } };
  }
}

parent.postMessage(await report(), '*');
