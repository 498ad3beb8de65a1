/** The other yardstick: how fast memory can be read and written by wasm, in this run. */

import { readFileSync } from 'node:fs';
import { main as compileAssembly } from 'assemblyscript/asc';
import { timeOf } from '../src/cli/benchmark/interleave.ts';

interface StreamExports {
  read(ptr: number, bytes: number): number;
  write(ptr: number, bytes: number, value: number): void;
}

const PAGE_BYTES = 65536;
const LINE_BYTES = 64;
const WARM_UP_CALLS = 200;

async function compile(memory: WebAssembly.Memory): Promise<StreamExports> {
  let wasm: Uint8Array<ArrayBuffer> | null = null;
  const source = readFileSync(new URL('bandwidth/stream.ts', import.meta.url), 'utf8');
  const { error } = await compileAssembly(
    ['stream.ts', '--outFile', 'stream.wasm', '--enable', 'simd', '--runtime', 'stub', '--importMemory', '-O3'],
    {
      readFile: (name) => (name === 'stream.ts' ? source : null),
      writeFile: (name, content) => {
        if (name === 'stream.wasm') wasm = content as Uint8Array<ArrayBuffer>;
      },
    },
  );
  if (error !== null || wasm === null) throw new Error('bandwidth/stream.ts does not compile', { cause: error });
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  return instance.exports as unknown as StreamExports;
}

export class Bandwidth {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: StreamExports;

  private constructor(memory: WebAssembly.Memory, exports: StreamExports) {
    this.#memory = memory;
    this.#exports = exports;
  }

  static async create(): Promise<Bandwidth> {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bandwidth = new Bandwidth(memory, await compile(memory));
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
