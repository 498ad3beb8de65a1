/** The other yardstick: how fast memory can be read and written by wasm, in this run. */

import { timeOf } from '../src/cli/benchmark/interleave.ts';
import { instantiateAssembly } from './compile_assembly.ts';

interface StreamExports {
  read(ptr: number, bytes: number): number;
  write(ptr: number, bytes: number, value: number): void;
}

const PAGE_BYTES = 65536;
const LINE_BYTES = 64;
const WARM_UP_CALLS = 200;

export class Bandwidth {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: StreamExports;

  private constructor(memory: WebAssembly.Memory, exports: StreamExports) {
    this.#memory = memory;
    this.#exports = exports;
  }

  static async create(): Promise<Bandwidth> {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const exports = await instantiateAssembly('stream', 'simd', memory);
    const bandwidth = new Bandwidth(memory, exports as unknown as StreamExports);
    for (let call = 0; call < WARM_UP_CALLS; call++) bandwidth.time(PAGE_BYTES, PAGE_BYTES);
    return bandwidth;
  }

  /** Milliseconds to read some bytes and write others, once each. */
  time(readBytes: number, writeBytes: number): number {
    const [from, to] = [roundUp(readBytes), roundUp(writeBytes)];
    const missing = from + to - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    return timeOf(() => {
      this.#exports.write(from, to, this.#exports.read(0, from));
    });
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}
