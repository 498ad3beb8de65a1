/**
 * What an audio worklet runs: Sync functions, block by block. What a block costs is no matter here; what is tested is
 * that they need nothing that such a scope has not, nor what would be too slow or too late there.
 */

import type { EngineInfo } from '../../src/index.ts';
import { convTranspose1dBackwardSync, convTranspose1dSync, createEngineSync, tensor } from '../../src/index.ts';
import { blockInput, kernel, LAYER } from './audio_layer.ts';

export interface WorkletReport {
  readonly info: EngineInfo;
  /** Forbidden globals that were looked at. */
  readonly touched: readonly string[];
  readonly gradWeight: Float32Array;
}

interface Scope {
  AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(name: string, processor: unknown): void;
}

const scope = globalThis as unknown as Scope;

const FORBIDDEN = ['fetch', 'MessageChannel', 'performance', 'setInterval', 'setTimeout'];
const touched: string[] = [];
for (const name of FORBIDDEN) {
  Object.defineProperty(globalThis, name, {
    get: () => {
      touched.push(name);
      return undefined;
    },
  });
}

class Upsampler extends scope.AudioWorkletProcessor {
  readonly #block: (index: number) => Float32Array;
  #blocks = 0;

  constructor({ processorOptions: { wasm } }: { processorOptions: { wasm: WebAssembly.Module } }) {
    super();
    const engine = createEngineSync({ wasm });
    const weight = tensor(kernel(), LAYER.weight, { engine });
    const inputOf = (index: number) => tensor(blockInput(index), LAYER.input, { engine });
    this.#block = (index) => {
      const input = inputOf(index);
      const output = convTranspose1dSync(input, weight, null, LAYER.options);
      const samples = output.toTypedArray() as Float32Array;
      for (const each of [input, output]) each.dispose();
      return samples;
    };
    const [input, gradOutput] = [inputOf(0), tensor(this.#block(0), LAYER.output, { engine })];
    const { gradWeight } = convTranspose1dBackwardSync(gradOutput, input, weight, LAYER.options);
    const report = { info: engine.info, touched, gradWeight: gradWeight.toTypedArray() as Float32Array };
    this.port.postMessage(report satisfies WorkletReport, []);
  }

  process(_: unknown, [[channel]]: readonly (readonly Float32Array[])[]): boolean {
    channel.set(this.#block(this.#blocks++));
    if (touched.length > 0) throw new Error(`used ${touched.join()}`);
    return true;
  }
}

scope.registerProcessor('upsampler', Upsampler);
